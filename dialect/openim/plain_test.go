package openim

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// An answer that is written by hand must be the general one, to the byte.
func TestPlain_IsAnAnswerWithoutOverrides(t *testing.T) {
	t.Parallel()
	words := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\xff", "\"\\\n\u2028", "拒绝"}))
	rapid.Check(t, func(t *rapid.T) {
		ev := &event.Event{
			Dialect: Name, Generation: rapid.SampledFrom([]string{v20, v21, v30, v35, v37}).Draw(t, "generation"),
			Vendor: rapid.SampledFrom([]jsontext.Value{nil, jsontext.Value(`{"operationID":"1\"7"}`)}).Draw(t, "vendor"),
		}
		c := codes{
			ActionCode: rapid.Int32().Draw(t, "action"), ErrCode: rapid.Int32().Draw(t, "code"), NextCode: rapid.Int32().Draw(t, "next"),
			ErrMsg: words.Draw(t, "message"), ErrDlt: words.Draw(t, "detail"),
		}
		if d := cmp.Diff(answer(ev, c, overrides{}), plain(ev, c)); d != "" {
			t.Fatalf("%s (-answer +plain):\n%s", ev.Generation, d)
		}
	})
}

// What scan reads of an answer must be what the server reads.
func TestCodes_ScanReadsAsTheGeneralReader(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"actionCode":0,"errCode":5001,"errMsg":"no \"x\"","errDlt":"拒","nextCode":1}`: true,
		`{}`:                             true,
		`{"errCode":2147483647}`:         true,
		`{"errCode":2147483648}`:         false,
		`{"errCode":-1}`:                 false,
		`{"ErrCode":1}`:                  false,
		`{"errCode":1,"errCode":2}`:      false,
		`{"errCode":null}`:               false,
		`{"errCode":1,"content":"x"}`:    false,
		`{"errCode":1,"operationID":""}`: false,
		"{\"errMsg\":\"\xff\"}":          false,
		`{"errCode":1} x`:                false,
		``:                               false,
	} {
		var quick, slow codes
		got := quick.scan([]byte(body))
		if got != want {
			t.Errorf("%s is read: %t, want %t", body, got, want)
		}
		if !got {
			continue
		}
		if err := json.Unmarshal([]byte(body), &slow, replyOptions); err != nil || slow != quick {
			t.Errorf("%s is read as %+v, want %+v, %v", body, quick, slow, err)
		}
	}
}

// BenchmarkAnswer is what a decision asks of the dialect: whether the verdict can be
// told, and to tell it.
func BenchmarkAnswer(b *testing.B) {
	d := New()
	ev := &event.Event{Dialect: Name, Generation: v37, Command: "callbackBeforeSendSingleMsgCommand", Message: &event.Message{Kind: event.Text}}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Carries(ev, event.Allowed()); err != nil {
			b.Fatal(err)
		}
		d.Answer(ev, event.Allowed())
	}
}
