package scan

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// value is an object of every type that is read here.
type value struct {
	Text  string   `json:"text"`
	Big   int64    `json:"big"`
	Small int32    `json:"small"`
	List  []string `json:"list"`
	Null  *int     `json:"null"`
}

func (v *value) scan(text string) bool {
	r := Over(text)
	var seen Names
	for key := r.Open(); key != ""; key = r.Next() {
		switch key {
		case "text":
			r.String(&v.Text)
		case "big":
			seen.Add(&r, 0)
			v.Big = r.Number()
		case "small":
			seen.Add(&r, 1)
			v.Small = r.Small()
		case "list":
			seen.Add(&r, 2)
			v.List = r.Strings()
		case "null":
			seen.Add(&r, 3)
			if !r.Null() {
				r.GiveUp()
			}
		default:
			r.String(nil)
		}
	}
	return r.Whole()
}

// agrees fails unless what was read is what the library reads.
func agrees(t rapid.TB, text string) (read bool) {
	t.Helper()
	var quick, slow value
	if !quick.scan(text) {
		return false
	}
	if err := json.Unmarshal([]byte(text), &slow); err != nil {
		t.Fatalf("read what is an error: %v\n%q", err, text)
	}
	if d := cmp.Diff(slow, quick); d != "" {
		t.Fatalf("(-library +scan):\n%s\n%q", d, text)
	}
	return true
}

func TestReader_ReadsWhatIsPlainAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true,
		` { "text" : "a" , "big" : 0 , "list" : [ ] } ` + "\n":             true,
		`{"text":"你好 \"x\" \u00e9\n","list":["a","b\"","` + "\x7f" + `"]}`: true,
		`{"big":9223372036854775807,"small":2147483647,"null":null}`:       true,
		`{"text":"` + strings.Repeat("0123456789", 20) + `\\"}`:            true,
		`{"big":9223372036854775808}`:                                      false,
		`{"big":99999999999999999999999}`:                                  false,
		`{"small":2147483648}`:                                             false,
		`{"big":-1}`:                                                       false,
		`{"big":01}`:                                                       false,
		`{"big":1.0}`:                                                      false,
		`{"big":1e3}`:                                                      false,
		`{"big":"1"}`:                                                      false,
		`{"big":1,"big":1}`:                                                false,
		`{"text":"a","text":"b"}`:                                          false,
		`{"text":null}`:                                                    false,
		`{"text":7}`:                                                       false,
		`{"null":nullx}`:                                                   false,
		`{"null":nul}`:                                                     false,
		`{"list":["a",]}`:                                                  false,
		`{"list":["a" "b"]}`:                                               false,
		`{"list":[null]}`:                                                  false,
		`{"more":"a"}`:                                                     false,
		`{"":"a"}`:                                                         false,
		`{"te\u0078t":"a"}`:                                                false,
		"{\"text\":\"\xff\"}":                                              false,
		"{\"text\":\"0123456\x01\"}":                                       false,
		`{"text":"\x"}`:                                                    false,
		`{"text":"\ud800"}`:                                                false,
		`{"text":"a`:                                                       false,
		`{"text":"a\`:                                                      false,
		`{"text":"a"`:                                                      false,
		`{"text":"a",}`:                                                    false,
		`{"text" "a"}`:                                                     false,
		`{"text":"a"} {}`:                                                  false,
		`{"text":"a"}}`:                                                    false,
		`[]`:                                                               false,
		`{`:                                                                false,
		`{"`:                                                               false,
		``:                                                                 false,
	} {
		if got := agrees(t, text); got != want {
			t.Errorf("read %q: %t, want %t", text, got, want)
		}
	}
}

func TestPlain_IsTheWalkOverEveryByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.OneOf(rapid.ByteRange('a', 'z'), rapid.SampledFrom([]byte("\"\\ !#[]\x00\x1f\x20\x7f\x80\xff"))), 0, 30).Draw(t, "text"))
		want := strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' })
		if want < 0 {
			want = len(s)
		}
		if got := plain(s); got != want {
			t.Fatalf("plain(%q) = %d, want %d", s, got, want)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(`{"text":"a\n\u00e9","big":12,"small":3,"list":["a","你"],"null":null}`)
	f.Add(` { "text" : "" } `)
	f.Fuzz(func(t *testing.T, text string) { agrees(t, text) })
}
