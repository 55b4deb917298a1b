package movein

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProperties reads both grammars: that of the server, and that of
// java.util.Properties where a line is written so.
func TestProperties(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []property
	}{
		{"server's", "a.b c\r\n  d   e f  \n\n#x y\n", []property{{key: "a.b", value: "c", line: 1}, {key: "d", value: "e f", line: 2}}},
		{"no value", "a\n", []property{{key: "a", line: 1}}},
		{"a colon or = in the value", "a http://h:1/?b=c\n", []property{{key: "a", value: "http://h:1/?b=c", line: 1}}},
		{"a backslash is one", "a C:\\x\\\nb c\n", []property{{key: "a", value: `C:\x\`, line: 1}, {key: "b", value: "c", line: 2}}},
		{"a sign of order", "\xef\xbb\xbfa b\n", []property{{key: "a", value: "b", line: 1}}},
		{"old line ends", "a b\rc d\r", []property{{key: "a", value: "b", line: 1}, {key: "c", value: "d", line: 2}}},
		{"# in the value", "a b#c\n", []property{{key: "a", value: "b#c", line: 1}}},
		{"# behind the value", "a b # c\n", []property{{key: "a", value: "b", line: 1, tail: true}}},
		{"=", "a=b\nc = d e\n", []property{{key: "a", value: "b", line: 1, foreign: true}, {key: "c", value: "d e", line: 2, foreign: true}}},
		{":", "a:b\nc : d\ne: f\n", []property{{key: "a", value: "b", line: 1, foreign: true}, {key: "c", value: "d", line: 2, foreign: true}, {key: "e", value: "f", line: 3, foreign: true}}},
		{"tab", "a\tb\n", []property{{key: "a", value: "b", line: 1, foreign: true}}},
		{"continued", "a = b,\\\n    c,\\\n  d\ne f\n", []property{{key: "a", value: "b,c,d", line: 1, foreign: true}, {key: "e", value: "f", line: 4}}},
		{"not continued", "a = b\\\\\nc d\n", []property{{key: "a", value: `b\`, line: 1, foreign: true}, {key: "c", value: "d", line: 2}}},
		{"continued into nothing", "a = b\\", []property{{key: "a", value: "b", line: 1, foreign: true}}},
		{"escapes", `a = \u0068\t\:\=x` + "\n", []property{{key: "a", value: "h\t:=x", line: 1, foreign: true}}},
		{"escaped key", `a\=b = c` + "\n", []property{{key: "a=b", value: "c", line: 1, foreign: true}}},
		{"broken escape", `a = \u00` + "\n", []property{{key: "a", value: "00", line: 1, foreign: true, broken: true}}},
		{"other comments", "! a b\n", nil},
	} {
		got := properties([]byte(tt.text))
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(property{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
