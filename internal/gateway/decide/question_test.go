package decide

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

func TestQuestions_AnythingElseIsAnotherQuestion(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]*questions{"tags": newQuestions(), "where no nonce of our own is allowed": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				draw := func(label string) *event.Event {
					text := rapid.StringMatching(`[ab]{0,3}`)
					return &event.Event{
						Source: text.Draw(t, label+" source"), Command: text.Draw(t, label+" command"), ID: text.Draw(t, label+" id"),
						Raw: event.Raw{Body: []byte(text.Draw(t, label+" body"))},
					}
				}
				a, b := draw("one"), draw("other")
				same := a.Source == b.Source && a.Command == b.Command && a.ID == b.ID && bytes.Equal(a.Raw.Body, b.Raw.Body)
				if got := q.key(a) == q.key(b); got != same {
					t.Fatalf("keys are equal: %t, want %t: %+v %+v", got, same, a, b)
				}
				long := *a
				long.ID += string(make([]byte, 2000))
				if key := q.key(&long); key == q.key(a) || key != q.key(&long) {
					t.Fatal("a long id is the same as a short one, or not as itself")
				}
			})
		})
	}
	ev := &event.Event{Raw: event.Raw{Body: []byte("a")}}
	if q := newQuestions(); q.tags != nil && q.key(ev) == newQuestions().key(ev) {
		t.Error("two processes name a question alike")
	}
}

func BenchmarkQuestions(b *testing.B) {
	ev := &event.Event{Source: "openim", Command: "callbackBeforeSendSingleMsgCommand", ID: "0123456789abcdefghjkmnpqrs", Raw: event.Raw{Body: make([]byte, 1024)}}
	for name, q := range map[string]*questions{"tag": newQuestions(), "sha256": {}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.key(ev)
			}
		})
	}
}
