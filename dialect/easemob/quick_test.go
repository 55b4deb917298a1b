package easemob

import (
	"bytes"
	"embed"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
)

//go:embed testdata/wire
var goldens embed.FS

// goldenBodies are the bodies of all golden cases.
func goldenBodies(tb testing.TB) map[string][]byte {
	tb.Helper()
	all := map[string][]byte{}
	folders, err := fs.ReadDir(goldens, "testdata/wire")
	if err != nil {
		tb.Fatal(err)
	}
	for _, folder := range folders {
		text, err := fs.ReadFile(goldens, "testdata/wire/"+folder.Name()+"/request.http")
		if err != nil {
			tb.Fatal(err)
		}
		_, all[folder.Name()], _ = bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\n\n"))
	}
	return all
}

// differs says how a quick reader disagrees with the general one; "" when it gave
// up or they agree.
func differs[T any](quick func(string, *T) bool, text string) string {
	var got, want T
	if !quick(text, &got) {
		if !reflect.ValueOf(&got).Elem().IsZero() {
			return "it gave up and left something behind"
		}
		return ""
	}
	if err := dialect.Unmarshal(Name, "", []byte(text), &want); err != nil {
		return "the general reader refuses it: " + err.Error()
	}
	if !reflect.DeepEqual(got, want) {
		return "the general reader reads something else"
	}
	return ""
}

func TestQuick_ReadsWhatIsPlainAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want bool
	}{
		{`{}`, true},
		{` { "callId" : "a" , "timestamp" : 0 , "payload" : { } } ` + "\n", true},
		{`{"payload":{"ext":{},"bodies":[{"msg":"你好 \"x\" \u00e9\n","type":"txt"}]}}`, true},
		{`{"payload":{"ext":{"a":[1,{"b":"]}\"["}],"a":null},"bodies":[{"action":"ring","type":"cmd"}]}}`, true},
		{`{"payload":{"bodies":[]}}`, false},
		{`{"payload":{"bodies":[{},{}]}}`, false},
		{`{"payload":{"bodies":[{"msg":"x","length":1}]}}`, false},
		{`{"payload":{"ext":null}}`, false},
		{`{"payload":{"ext":"x"}}`, false},
		{`{"payload":{"ext":{]}}}`, false},
		{`{"payload":{"ext":{"a":}}}`, false},
		{`{"payload":{"ext":{` + strings.Repeat(`"a":[`, 40) + strings.Repeat(`]`, 40) + `}}}`, false},
		{`{"payload":{},"payload":{}}`, false},
		{`{"from":"a","from":"b"}`, false},
		{`{"from":null}`, false},
		{`{"from":7}`, false},
		{`{"from":"a","event":"x"}`, false},
		{`{"":"a"}`, false},
		{`{"fr\u006fm":"a"}`, false},
		{`{"timestamp":-1}`, false},
		{`{"timestamp":01}`, false},
		{`{"timestamp":1.0}`, false},
		{`{"timestamp":1e3}`, false},
		{`{"timestamp":"1"}`, false},
		{`{"timestamp":1,"timestamp":1}`, false},
		{`{"timestamp":9223372036854775807}`, true},
		{`{"timestamp":9223372036854775808}`, false},
		{"{\"from\":\"\xff\"}", false},
		{"{\"from\":\"\x01\"}", false},
		{`{"from":"\x"}`, false},
		{`{"from":"\ud800"}`, false},
		{`{"from":"a`, false},
		{`{"from":"a\`, false},
		{`{"from":"a"`, false},
		{`{"from":"a",}`, false},
		{`{"from" "a"}`, false},
		{`{"from":"a"} {}`, false},
		{`{"from":"a"}}`, false},
		{`[]`, false},
		{`{`, false},
		{`{"`, false},
		{``, false},
	} {
		var m message
		if got := quickMessage(tt.text, &m); got != tt.want {
			t.Errorf("quickMessage(%s) = %t, want %t", tt.text, got, tt.want)
		}
		if why := differs(quickMessage, tt.text); why != "" {
			t.Errorf("%s: %s", tt.text, why)
		}
	}
	for text, want := range map[string]bool{
		`{"event":"group_op_event","payload":{"type":"KICK","member":["a","b\n"],"expire_timestamp":1}}`: true,
		`{"payload":{"member":[]}}`:                 true,
		`{"payload":{"admin":[ "a" , "b" ]}}`:       true,
		`{"payload":{"admin":["a",]}}`:              false,
		`{"payload":{"admin":["a" "b"]}}`:           false,
		`{"payload":{"admin":[null]}}`:              false,
		`{"payload":{"admin":null}}`:                false,
		`{"payload":{"admin":["a"],"admin":["b"]}}`: false,
		`{"payload":{"info":{}}}`:                   false,
		`{"payload":null}`:                          false,
	} {
		var w groupOp
		if got := quickGroupOp(text, &w); got != want {
			t.Errorf("quickGroupOp(%s) = %t, want %t", text, got, want)
		}
		if why := differs(quickGroupOp, text); why != "" {
			t.Errorf("%s: %s", text, why)
		}
	}
}

// Messages of text are the reason for the reader, so it must not give up on those of
// the pages.
func TestQuick_ReadsTheTextsOfThePages(t *testing.T) {
	t.Parallel()
	all := goldenBodies(t)
	for _, name := range []string{"chat_txt", "chat_txt_offline", "groupchat_txt", "chatroom_txt", "chat_cmd"} {
		if !quickMessage(string(all[name]), new(message)) {
			t.Errorf("it gives up on %s: %s", name, all[name])
		}
	}
	for _, name := range []string{"group_op_LEAVE_KICK", "group_op_JOIN_INVITE", "group_op_MUTE_ADD", "group_op_ADMIN_ADD"} {
		if !quickGroupOp(string(all[name]), new(groupOp)) {
			t.Errorf("it gives up on %s: %s", name, all[name])
		}
	}
}

// FuzzQuick: what is read quickly is what the general reader reads.
func FuzzQuick(f *testing.F) {
	for _, body := range goldenBodies(f) {
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if why := differs(quickMessage, text); why != "" {
			t.Errorf("as a message, %s: %q", why, text)
		}
		if why := differs(quickGroupOp, text); why != "" {
			t.Errorf("as a report, %s: %q", why, text)
		}
	})
}
