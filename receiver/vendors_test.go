package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// answer is what a recorder wrote, as the vendor's server reads it.
type answer struct {
	Status      int
	ContentType string
	Body        string
}

func plain(res dialect.Response) answer {
	if res.Status == 0 {
		res.Status = http.StatusOK
	}
	return answer{res.Status, res.ContentType, string(res.Body)}
}

func (r *rig) answer(req dialect.Request) answer {
	r.t.Helper()
	w := r.post(req)
	return answer{w.Code, w.Header().Get("Content-Type"), w.Body.String()}
}

// Every command of every dialect, as its vendor sends it: the handler gets the
// event, and the answer is the dialect's own for what the handler said.
func TestReceiver_EveryCommandOfEveryVendor(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		for _, command := range d.Spec().Commands {
			t.Run(d.Spec().Name+"/"+strings.Trim(strings.ReplaceAll(command.Name, "/", "_"), "_"), func(t *testing.T) {
				t.Parallel()
				if command.Phase == event.Before {
					before(t, d, command)
				} else {
					after(t, d, command)
				}
			})
		}
	}
}

func after(t *testing.T, d dialect.Dialect, command dialect.Command) {
	t.Helper()
	var got recorder
	fail := errors.New("the database is down: secret-words")
	var err error
	r := newRig(t, d, nil)
	r.On("**", func(_ context.Context, ev *event.Event) error {
		got.note(ev)
		if ev.Command != command.Name || ev.Phase != event.After || ev.Source != d.Spec().Name || ev.ID == "" || ev.Time.IsZero() || ev.Lane == "" {
			t.Errorf("the handler got %s %s of %q, id %q, lane %q, time %s", ev.Phase, ev.Command, ev.Source, ev.ID, ev.Lane, ev.Time)
		}
		return err
	})
	req := r.sample(command.Name, 1)
	evs, decodeErr := d.Decode(&req)
	if decodeErr != nil {
		t.Fatal(decodeErr)
	}

	err = fail
	refused := r.answer(req)
	if refused.Status != http.StatusServiceUnavailable || len(got.seen()) != 1 || strings.Contains(refused.Body, "secret-words") {
		t.Errorf("a failure is answered %+v after %d calls", refused, len(got.seen()))
	}
	err = nil
	if diff := cmp.Diff(plain(d.Ack(&req, evs)), r.answer(req)); diff != "" {
		t.Errorf("acknowledgement (-want +got):\n%s", diff)
	}
	called := len(got.seen())
	if called != 1+len(evs) {
		t.Errorf("%d calls for a failure and %d events", called, len(evs))
	}
	if diff := cmp.Diff(plain(d.Ack(&req, evs)), r.answer(req)); diff != "" {
		t.Errorf("acknowledgement of a duplicate (-want +got):\n%s", diff)
	}
	again := 0
	for _, ev := range evs {
		if ev.Dedupe == "" && ev.ID == "" {
			again++
		}
	}
	if n := len(got.seen()) - called; n != again {
		t.Errorf("the duplicate called the handler %d times, want %d", n, again)
	}
}

func before(t *testing.T, d dialect.Dialect, command dialect.Command) {
	t.Helper()
	var got recorder
	for _, want := range []event.Verdict{
		event.Allowed(),
		{Action: event.Deny, Code: 38001, Reason: "not here"},
		{Action: event.Drop},
		{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "h***o"}}},
	} {
		r := newRig(t, d, nil)
		r.Before("**", func(_ context.Context, ev *event.Event) event.Verdict {
			got.note(ev)
			if ev.Command != command.Name || ev.Phase != event.Before {
				t.Errorf("the handler got %s %s", ev.Phase, ev.Command)
			}
			// What a handler does to its event does not count.
			ev.Message, ev.Members, ev.Generation, ev.Command = nil, nil, "", ""
			return want
		})
		req := r.sample(command.Name, 1)
		evs, err := d.Decode(&req)
		if err != nil || len(evs) != 1 {
			t.Fatalf("%d events, %v", len(evs), err)
		}
		expect := plain(d.Answer(evs[0], want))
		calls := len(got.seen())
		for range 2 {
			if diff := cmp.Diff(expect, r.answer(req)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.Action, diff)
			}
		}
		calls = len(got.seen()) - calls
		if known := evs[0].Dedupe != "" || evs[0].ID != ""; known && calls != 1 || !known && calls != 2 {
			t.Errorf("%s: %d calls for a question that came twice, known again = %v", want.Action, calls, known)
		}
	}
}

func TestReceiver_WrongSecretIsRefusedInEveryDialect(t *testing.T) {
	t.Parallel()
	signing := 0
	for _, d := range builtin.New().All() {
		if len(credentials(d).Secrets) == 0 {
			continue
		}
		signing++
		r := newRig(t, d, nil)
		r.On("**", func(context.Context, *event.Event) error {
			t.Errorf("%s: a handler was called", d.Spec().Name)
			return nil
		})
		wrong := credentials(d)
		wrong.Secrets = []dialect.DatedSecret{{Value: "whsec_b3RoZXItc2VjcmV0"}}
		for _, command := range d.Spec().Commands {
			w := r.post(signed(t, d, command.Name, 1, wrong))
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String()+r.log.String(), testSecret) {
				t.Errorf("%s %s: %d %s", d.Spec().Name, command.Name, w.Code, w.Body)
			}
		}
		for _, got := range r.results() {
			if got != receiver.RefusedSignature {
				t.Errorf("%s: counted as %s", d.Spec().Name, got)
			}
		}
	}
	if signing < 4 {
		t.Errorf("%d dialects sign, want at least 4", signing)
	}
}
