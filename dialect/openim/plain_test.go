package openim

import (
	"testing"

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
