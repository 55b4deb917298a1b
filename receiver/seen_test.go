package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

func TestMemory_ClaimsAndForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m := receiver.NewMemory(3)
		claim := func(key, wantNote string, want bool) {
			t.Helper()
			note, claimed, err := m.Claim(ctx, key, time.Minute)
			if string(note) != wantNote || claimed != want || err != nil {
				t.Errorf("Claim(%s) = %q, %v, %v; want %q, %v", key, note, claimed, err, wantNote, want)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		claim("a", "", true)
		claim("a", "", false)
		must(m.Release(ctx, "a"))
		claim("a", "", true)
		must(m.Keep(ctx, "a", []byte("done")))
		claim("a", "done", false)
		claim("b", "", true)
		<-time.After(time.Minute)
		claim("b", "", true) // the claim lapsed
		claim("a", "done", false)
		must(m.Release(ctx, "nobody"))
		claim("c", "", true)
		claim("d", "", true) // and a is the oldest
		claim("a", "", true)
	})
}

// Two processes with one store handle an event once; the other one waits, and says
// the same.
func TestSeen_SharedByTwoReceivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := receiver.NewMemory(100)
		var calls atomic.Int32
		build := func() *rig {
			r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Seen = store })
			r.BeforeMessage(func(context.Context, *event.Event, *event.Message) event.Verdict {
				<-time.After(time.Second)
				return event.Verdict{
					Action: event.Rewrite, Code: int(calls.Add(1)),
					Changes: &event.Changes{Message: &event.Message{Text: "h***o"}},
				}
			})
			r.OnMessage(func(context.Context, *event.Event, *event.Message) error {
				if calls.Add(1) == 2 {
					return errors.New("the first time fails")
				}
				<-time.After(10 * time.Second)
				return nil
			})
			return r
		}
		one, two := build(), build()
		req := message(t, event.Before, "q-1")
		first := begin(func() answer { return one.answer(req) })
		synctest.Wait()
		second := two.answer(req)
		if diff := cmp.Diff(<-first, second); diff != "" || calls.Load() != 1 {
			t.Errorf("%d calls; answers (-one +two):\n%s", calls.Load(), diff)
		}
		two.want(receiver.Duplicate)

		fact := message(t, event.After, "q-1")
		if w := one.post(fact); w.Code != 503 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		// It is free, and the other one takes it; it is late, and this one finds it
		// claimed, until it is done.
		codes := []int{two.post(fact).Code, one.post(fact).Code, one.post(fact).Code}
		if diff := cmp.Diff([]int{503, 503, 200}, codes); diff != "" {
			t.Error(diff)
		}
		if n := calls.Load(); n != 3 {
			t.Errorf("%d calls, want 3", n)
		}
		one.want(receiver.Handled, receiver.Failed, receiver.Late, receiver.Duplicate)
		if err := two.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func begin[T any](do func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- do() }()
	return c
}

// store fails as it is told.
type store struct {
	receiver.Seen
	claim, keep, release func() error
}

func (s store) Claim(ctx context.Context, key string, lease time.Duration) ([]byte, bool, error) {
	if s.claim != nil {
		if err := s.claim(); err != nil {
			return nil, false, err
		}
	}
	return s.Seen.Claim(ctx, key, lease)
}

func (s store) Keep(ctx context.Context, key string, note []byte) error {
	if s.keep != nil {
		if err := s.keep(); err != nil {
			return err
		}
	}
	return s.Seen.Keep(ctx, key, note)
}

func (s store) Release(ctx context.Context, key string) error {
	if s.release != nil {
		if err := s.release(); err != nil {
			return err
		}
	}
	return s.Seen.Release(ctx, key)
}

// Twice is better than never: a store that fails keeps no event from its handler.
func TestSeen_FailureHandlesAsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := func() error { return errors.New("store is down") }
		for name, tt := range map[string]struct {
			store store
			log   string
			calls int32
		}{
			"claim":   {store{claim: no}, "cannot be looked up", 2},
			"panic":   {store{claim: func() error { panic("nil map") }}, "nil map", 2},
			"keep":    {store{keep: no}, "cannot be remembered", 1}, // the claim still holds
			"release": {store{release: no}, "", 1},
			"slow":    {store{claim: func() error { <-time.After(1999 * time.Millisecond); return nil }}, "", 1},
		} {
			tt.store.Seen = receiver.NewMemory(10)
			r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Seen = tt.store })
			var calls atomic.Int32
			r.OnMessage(func(context.Context, *event.Event, *event.Message) error { calls.Add(1); return nil })
			for i := range 2 {
				w := r.post(message(t, event.After, "e"))
				synctest.Wait()
				if want := name != "keep" || i == 0; (w.Code == 200) != want {
					t.Errorf("%s, %d: %d %s", name, i, w.Code, w.Body)
				}
			}
			if n := calls.Load(); n != tt.calls || !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("%s: %d calls, want %d; log %s", name, n, tt.calls, r.log)
			}
		}
	})
}

func TestSeen_DamagedNoteHandlesAsNew(t *testing.T) {
	t.Parallel()
	for _, note := range []string{"not JSON", `{"verdict":""}`, "[]"} {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Seen = noted(note) })
		var got recorder
		r.OnMessage(func(_ context.Context, ev *event.Event, _ *event.Message) error { got.note(ev); return nil })
		if w := r.post(message(t, event.After, "e")); w.Code != 200 || len(got.seen()) != 1 || !strings.Contains(r.log.String(), "cannot be read") {
			t.Errorf("%s: %d, %d calls, log %s", note, w.Code, len(got.seen()), r.log)
		}
	}
}

// noted has a note of every event.
type noted string

func (n noted) Claim(context.Context, string, time.Duration) ([]byte, bool, error) {
	return []byte(n), false, nil
}
func (noted) Keep(context.Context, string, []byte) error { return nil }
func (noted) Release(context.Context, string) error      { return nil }

func TestReceiver_WindowIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Window = 10 })
		var got recorder
		r.OnMessage(func(_ context.Context, ev *event.Event, _ *event.Message) error { got.note(ev); return nil })
		first := message(t, event.After, "e-0")
		for i := range 11 {
			r.post(message(t, event.After, fmt.Sprint("e-", i)))
			synctest.Wait() // it is remembered after it is answered
		}
		r.post(first)
		if n := len(got.seen()); n != 12 {
			t.Errorf("%d calls, want the forgotten one again: 12", n)
		}
	})
}

// hung answers nothing before it is given up, and says what was released.
type hung struct {
	receiver.Seen
	hangs    bool
	released []string
}

func (h *hung) Claim(ctx context.Context, key string, lease time.Duration) ([]byte, bool, error) {
	if h.hangs {
		<-ctx.Done()
		return nil, false, ctx.Err()
	}
	return h.Seen.Claim(ctx, key, lease)
}

func (h *hung) Release(_ context.Context, key string) error {
	h.released = append(h.released, key)
	return nil
}

func TestSeen_HungStoreLeavesTheHandlerHalfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) {
			c.Seen = &hung{Seen: receiver.NewMemory(10), hangs: true}
			c.Deadline = time.Second
		})
		r.BeforeMessage(func(ctx context.Context, _ *event.Event, _ *event.Message) event.Verdict {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != 500*time.Millisecond {
				t.Errorf("the handler has %s", time.Until(deadline))
			}
			return event.Verdict{Action: event.Deny}
		})
		if w := r.post(message(t, event.Before, "q")); w.Body.String() != `{"verdict":"deny"}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		r.want(receiver.Handled)
	})
}

// After its lease a claim may be another's: it is not given back.
func TestSeen_LapsedClaimIsNotReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]int{10 * time.Second: 1, 2 * time.Minute: 0} {
			s := &hung{Seen: receiver.NewMemory(10)}
			r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Seen = s })
			r.OnMessage(func(context.Context, *event.Event, *event.Message) error {
				<-time.After(after)
				return errors.New("no")
			})
			r.post(message(t, event.After, "e"))
			if err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if len(s.released) != want {
				t.Errorf("failed after %s: released %d times, want %d", after, len(s.released), want)
			}
		}
	})
}
