package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// want compares what became of everything.
func (r *rig) want(want ...receiver.Result) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.results()); diff != "" {
		r.t.Errorf("results (-want +got):\n%s", diff)
	}
}

// A question is answered when the dialect's server still waits, whatever its
// handler does.
func TestBefore_SlowHandlerIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		for _, command := range d.Spec().Commands {
			if command.Phase != event.Before {
				continue
			}
			t.Run(d.Spec().Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					deny := event.Verdict{Action: event.Deny, Reason: "ask again later"}
					r := newRig(t, d, func(c *receiver.Config) { c.OnFailure = deny })
					release := make(chan struct{})
					r.Before("**", func(ctx context.Context, _ *event.Event) event.Verdict {
						deadline, _ := ctx.Deadline()
						if left := time.Until(deadline); left != d.Spec().Deadline*4/5 {
							t.Errorf("the handler has %s, the server waits %s", left, d.Spec().Deadline)
						}
						<-ctx.Done()
						<-release // and goes on without a thought
						return event.Allowed()
					})
					req := r.sample(command.Name, 1)
					evs, err := d.Decode(&req)
					if err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					got := r.answer(req)
					if took := time.Since(begin); took != d.Spec().Deadline*4/5 {
						t.Errorf("answered after %s", took)
					}
					if diff := cmp.Diff(plain(d.Answer(evs[0], deny)), got); diff != "" {
						t.Errorf("answer (-want +got):\n%s", diff)
					}
					r.want(receiver.Late)
					if n := r.Stats().Running; n != 1 {
						t.Errorf("%d handlers run, want the one that does not end", n)
					}
					<-time.After(time.Second)
					close(release)
					if err := r.Wait(t.Context()); err != nil {
						t.Error(err)
					}
					if !strings.Contains(r.log.String(), "ended after its time") {
						t.Errorf("log = %s", r.log)
					}
				})
			})
			break
		}
	}
}

func TestBefore_NoVerdictIsOnFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			do   receiver.BeforeFunc
			want receiver.Result
			log  string
		}{
			"zero":    {func(context.Context, *event.Event) event.Verdict { return event.Verdict{} }, receiver.Failed, "no verdict"},
			"word":    {func(context.Context, *event.Event) event.Verdict { return event.Verdict{Action: "perhaps"} }, receiver.Failed, "perhaps"},
			"rewrite": {func(context.Context, *event.Event) event.Verdict { return event.Verdict{Action: event.Rewrite} }, receiver.Failed, "without changes"},
			"panic":   {func(context.Context, *event.Event) event.Verdict { panic("ouch") }, receiver.Panicked, "flight_test.go"},
			"exit":    {func(context.Context, *event.Event) event.Verdict { runtime.Goexit(); return event.Allowed() }, receiver.Panicked, "ended its goroutine"},
			"late": {func(ctx context.Context, _ *event.Event) event.Verdict {
				<-ctx.Done()
				return event.Verdict{Action: event.Deny}
			}, receiver.Late, "in time"},
		} {
			for _, policy := range []event.Verdict{{}, {Action: event.Deny, Reason: "closed"}} {
				r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.OnFailure = policy })
				r.Before(event.MessageSend, tt.do)
				w := r.post(message(t, event.Before, "q-1"))
				want := `{"verdict":"allow"}`
				if policy.Action != "" {
					want = `{"verdict":"deny","reason":"closed"}`
				}
				if w.Code != 200 || w.Body.String() != want {
					t.Errorf("%s: %d %s, want %s", name, w.Code, w.Body, want)
				}
				r.want(tt.want)
				if !strings.Contains(r.log.String(), tt.log) {
					t.Errorf("%s: log = %s, want %q", name, r.log, tt.log)
				}
				// What failed is new when it comes again.
				r.post(message(t, event.Before, "q-1"))
				r.want(tt.want, tt.want)
			}
		}
	})
}

func TestOn_FailureIsRefusedAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			do     receiver.AfterFunc
			status int
			want   receiver.Result
			log    string
		}{
			"error":    {func(context.Context, *event.Event) error { return errors.New("secret-words") }, 503, receiver.Failed, "secret-words"},
			"rejected": {func(context.Context, *event.Event) error { return fmt.Errorf("%w: secret-words", receiver.ErrRejected) }, 422, receiver.Rejected, "secret-words"},
			"panic":    {func(context.Context, *event.Event) error { panic("secret-words") }, 503, receiver.Panicked, "flight_test.go"},
			"exit":     {func(context.Context, *event.Event) error { runtime.Goexit(); return nil }, 503, receiver.Panicked, "goroutine"},
			"late":     {func(ctx context.Context, _ *event.Event) error { <-ctx.Done(); return ctx.Err() }, 503, receiver.Late, "in time"},
		} {
			r := newRig(t, cloudevents.New(), nil)
			do := tt.do
			r.OnMessage(func(ctx context.Context, ev *event.Event, _ *event.Message) error { return do(ctx, ev) })
			w := r.post(message(t, event.After, "e-1"))
			if w.Code != tt.status || strings.Contains(w.Body.String(), "secret-words") {
				t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.status)
			}
			_, id, _ := strings.Cut(r.log.String(), "error_id=")
			id, _, _ = strings.Cut(id, " ")
			if len(id) != 26 || !strings.Contains(w.Body.String(), id) || !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("%s: the answer is %s and the log %s", name, w.Body, r.log)
			}
			synctest.Wait()
			do = func(context.Context, *event.Event) error { return nil }
			for range 2 {
				if w := r.post(message(t, event.After, "e-1")); w.Code != 200 {
					t.Errorf("%s, again: %d %s", name, w.Code, w.Body)
				}
			}
			r.want(tt.want, receiver.Handled, receiver.Duplicate)
		}
	})
}

// A handler that is slower than its caller's patience is not run twice: who comes
// again waits for it.
func TestOn_ComingAgainWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Timeout = 2 * time.Second })
		var calls atomic.Int32
		r.On(event.MessageSend, func(context.Context, *event.Event) error {
			calls.Add(1)
			<-time.After(5 * time.Second)
			return nil
		})
		begin := time.Now()
		var at []time.Duration
		var codes []int
		for range 4 {
			codes = append(codes, r.post(message(t, event.After, "e-1")).Code)
			at = append(at, time.Since(begin))
		}
		if diff := cmp.Diff([]int{503, 503, 200, 200}, codes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}, at); diff != "" {
			t.Error(diff)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
		r.want(receiver.Late, receiver.Late, receiver.Duplicate, receiver.Duplicate)
	})
}

// Who waited for a handler that ran out of time has time left: it is his turn.
func TestOn_WhoWaitedTakesOverFromTheLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Timeout = 2 * time.Second })
		var calls atomic.Int32
		r.On(event.MessageSend, func(ctx context.Context, _ *event.Event) error {
			if calls.Add(1) == 1 {
				<-time.After(3 * time.Second)
				return ctx.Err()
			}
			return nil
		})
		req := message(t, event.After, "e-1")
		if w := r.post(req); w.Code != 503 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := r.post(req); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		r.want(receiver.Late, receiver.Handled)
	})
}

func TestReceiver_ManyAtOnceAreHandledOnce(t *testing.T) {
	t.Parallel()
	for _, phase := range []event.Phase{event.Before, event.After} {
		r := newRig(t, cloudevents.New(), nil)
		var got recorder
		entered, release := make(chan struct{}, 1), make(chan struct{})
		r.On(event.MessageSend, func(_ context.Context, ev *event.Event) error {
			got.note(ev)
			entered <- struct{}{}
			<-release
			return nil
		})
		r.Before(event.MessageSend, func(_ context.Context, ev *event.Event) event.Verdict {
			n := got.note(ev)
			entered <- struct{}{}
			<-release
			return event.Verdict{Action: event.Deny, Code: n}
		})
		req := message(t, phase, "e-1")
		answers := make([]answer, 16)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = r.answer(req) })
		}
		<-entered
		close(release)
		wg.Wait()
		for _, a := range answers {
			if diff := cmp.Diff(answers[0], a); diff != "" || a.Status != 200 {
				t.Errorf("%s: %+v (-first +other):\n%s", phase, a, diff)
			}
		}
		if n := len(got.seen()); n != 1 {
			t.Errorf("%s: handled %d times", phase, n)
		}
		if diff := cmp.Diff(map[receiver.Result]uint64{receiver.Handled: 1, receiver.Duplicate: 15}, r.Stats().Results); diff != "" {
			t.Errorf("%s: %s", phase, diff)
		}
	}
}

// Those who wait for a handler that fails fail with it.
func TestOn_FailureIsThatOfAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), nil)
		release := make(chan struct{})
		r.On(event.MessageSend, func(context.Context, *event.Event) error { <-release; return errors.New("no") })
		var failed atomic.Int32
		var wg sync.WaitGroup
		req := message(t, event.After, "e-1")
		for range 5 {
			wg.Go(func() {
				if r.post(req).Code == http.StatusServiceUnavailable {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if failed.Load() != 5 {
			t.Errorf("%d of 5 failed", failed.Load())
		}
	})
}

// The caller that leaves does not end the handler: most never send again.
func TestOn_HandlerOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), nil)
		r.On(event.MessageSend, func(ctx context.Context, _ *event.Event) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
				return nil
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		hr := httpRequest(message(t, event.After, "e-1")).WithContext(ctx)
		time.AfterFunc(time.Millisecond, cancel)
		r.serve(hr)
		r.want(receiver.Handled)
	})
}

func TestReceiver_Overload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cloudevents.New(), func(c *receiver.Config) {
			c.MaxRunning = 2
			c.OnFailure = event.Verdict{Action: event.Drop}
		})
		release := make(chan struct{})
		r.On("**", func(context.Context, *event.Event) error { <-release; return nil })
		r.Before("**", func(context.Context, *event.Event) event.Verdict { return event.Allowed() })
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b"} {
			wg.Go(func() { r.post(message(t, event.After, id)) })
		}
		synctest.Wait()
		if w := r.post(message(t, event.After, "c")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		if w := r.post(message(t, event.Before, "c")); w.Body.String() != `{"verdict":"drop"}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		r.want(receiver.Overloaded, receiver.Overloaded)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v while two run", err)
		}
		close(release)
		wg.Wait()
		if err := r.Wait(t.Context()); err != nil || r.Stats().Running != 0 {
			t.Errorf("Wait = %v, %d run", err, r.Stats().Running)
		}
		if w := r.post(message(t, event.After, "c")); w.Code != 200 {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	})
}

// A proposal and its fact may have one id.
func TestReceiver_PhasesAreApart(t *testing.T) {
	t.Parallel()
	r := newRig(t, cloudevents.New(), nil)
	r.BeforeMessage(func(context.Context, *event.Event, *event.Message) event.Verdict { return event.Allowed() })
	r.OnMessage(func(context.Context, *event.Event, *event.Message) error { return nil })
	question, fact := message(t, event.Before, "m-1"), message(t, event.After, "m-1")
	for i, req := range []dialect.Request{question, fact, question, fact} {
		if w := r.post(req); w.Code != 200 {
			t.Errorf("%d: %d %s", i, w.Code, w.Body)
		}
	}
	r.want(receiver.Handled, receiver.Handled, receiver.Duplicate, receiver.Duplicate)
}

// The id that a gateway gives an event tells it apart where the body does not.
func TestReceiver_GatewaysIDNamesTheEvent(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		if d.Spec().Name == "cloudevents" {
			continue // has ids of its own
		}
		var command string
		for _, c := range d.Spec().Commands {
			if c.Phase == event.After {
				command = c.Name
				break
			}
		}
		r := newRig(t, d, nil)
		var got recorder
		r.On("**", func(_ context.Context, ev *event.Event) error { got.note(ev); return nil })
		for i, id := range []string{"one", "two", "one"} {
			hr := httpRequest(signed(t, d, command, uint64(10*i), credentials(d)))
			hr.Header.Set("Imhook-Event-Id", id)
			if w := r.serve(hr); w.Code != 200 {
				t.Errorf("%s: %d %s", d.Spec().Name, w.Code, w.Body)
			}
		}
		if diff := cmp.Diff([]string{"one", "two"}, got.seen()); diff != "" {
			t.Errorf("%s: %s", d.Spec().Name, diff)
		}
	}
}
