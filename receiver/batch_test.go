package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

func TestBatch_FirstFailureEndsItAndTheRestComesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, cloudevents.New(), nil)
	var got recorder
	poison := "c"
	r.On(event.MessageSend, func(_ context.Context, ev *event.Event) error {
		got.note(ev)
		if ev.ID == poison {
			return errors.New("no")
		}
		return nil
	})
	batch := message(t, event.After, "a", "b", "c", "d", "e")
	if w := r.post(batch); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := r.post(batch); w.Code != 503 {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	poison = ""
	for range 2 {
		if w := r.post(batch); w.Code != 200 {
			t.Errorf("at last: %d %s", w.Code, w.Body)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "c", "c", "d", "e"}, got.seen()); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if got := r.Stats().Results; got[receiver.Handled] != 5 || got[receiver.Failed] != 2 || got[receiver.Duplicate] != 2+2+5 {
		t.Errorf("%v", got)
	}
}

// Whatever a vendor puts into one request is handled in its order.
func TestBatch_EveryVendorsRequestsWithSeveralEvents(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, d := range builtin.New().All() {
		for _, command := range d.Spec().Commands {
			for _, req := range requests(t, d, command.Name) {
				evs, err := d.Decode(&req)
				if err != nil {
					t.Fatal(err)
				}
				if len(evs) > 1 && evs[0].Phase == event.After {
					found[d.Spec().Name]++
					several(t, d, req, evs)
				}
			}
		}
	}
	for _, name := range []string{"rongcloud", "tencent", "cloudevents"} {
		if found[name] == 0 {
			t.Errorf("%s has no request with several events: %v", name, found)
		}
	}
}

// requests are samples of a command, and several of them in one where the dialect
// can say that.
func requests(t *testing.T, d dialect.Dialect, command string) []dialect.Request {
	t.Helper()
	var all []dialect.Request
	for seed := range uint64(4) {
		req, err := d.Sample(command, randSource(seed), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, req)
	}
	if b, ok := d.(dialect.Batcher); ok {
		if joined, err := b.Batch(all); err == nil {
			all = append(all, joined)
		}
	}
	for i := range all {
		if err := d.Sign(&all[i], credentials(d), fmt.Sprint(command, i), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func several(t *testing.T, d dialect.Dialect, req dialect.Request, evs []*event.Event) {
	t.Helper()
	r := newRig(t, d, nil)
	var got []*event.Event
	failed := false
	r.On("**", func(_ context.Context, ev *event.Event) error {
		if len(got) == 1 && !failed {
			failed = true
			return errors.New("no")
		}
		got = append(got, ev)
		return nil
	})
	if w := r.post(req); w.Code != 503 || len(got) != 1 {
		t.Errorf("%s: %d %s after %d events", evs[0].Command, w.Code, w.Body, len(got))
	}
	if w := r.post(req); w.Code != 200 {
		t.Errorf("%s again: %d %s", evs[0].Command, w.Code, w.Body)
	}
	var want, have []string
	distinct := map[string]bool{}
	for i, ev := range evs {
		key := ev.Dedupe
		if key == "" {
			if i == 0 {
				want = append(want, key) // nothing tells it from the one before
			}
		} else if distinct[key] {
			continue
		}
		distinct[key] = true
		want = append(want, key)
	}
	for _, ev := range got {
		have = append(have, ev.Dedupe)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", d.Spec().Name, evs[0].Command, diff)
	}
}
