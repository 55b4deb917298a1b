package imfake_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// Every dialect's own backend is understood by the server that judges it: in every
// generation that can say the command, allow passes and deny refuses.
func TestAsk_BackendOfTheDialectDecides(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		for _, generation := range append([]string{""}, d.Spec().Generations...) {
			t.Run(d.Spec().Name+" "+generation, func(t *testing.T) {
				t.Parallel()
				b := imfake.NewBackend(d, imfake.Credentials(credentials(d)))
				t.Cleanup(b.Close)
				s := imfake.NewServer(d, b.URL(), imfake.ServerConfig{Credentials: credentials(d), Generation: generation, Wait: time.Minute})
				t.Cleanup(s.Close)
				asked := 0
				for _, c := range d.Spec().Commands {
					if c.Phase != event.Before {
						continue
					}
					for verdict, want := range map[event.Action]imfake.Effect{event.Allow: imfake.Passed, event.Deny: imfake.Refused} {
						b.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Verdict(event.Verdict{Action: verdict}) })
						j, err := s.Ask(t.Context(), c.Name)
						if errors.Is(err, dialect.ErrUntranslatable) {
							break
						}
						if err != nil || j.Effect != want || j.Failed != "" || !j.Answer.Taken || j.Answer.Attempts != 1 {
							t.Errorf("%s: %s is judged %s (%s) after %d attempts, %v; answer %s", c.Name, verdict, j.Effect, j.Failed, j.Answer.Attempts, err, j.Answer.Response.Body)
						}
						asked++
					}
				}
				if asked == 0 {
					t.Error("it asks nothing before")
				}
			})
		}
	}
}

func TestAsk_NobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		name := d.Spec().Name
		if name == "cloudevents" {
			continue
		}
		b := imfake.NewBackend(d)
		b.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Drop: true} })
		var before string
		for _, c := range d.Spec().Commands {
			if c.Phase == event.Before {
				before = c.Name
				break
			}
		}
		for _, generation := range []string{"", "nexconn"} {
			if generation != "" && !slices.Contains(d.Spec().Generations, generation) {
				continue
			}
			s := imfake.NewServer(d, b.URL(), imfake.ServerConfig{Credentials: credentials(d), Generation: generation})
			j, err := s.Ask(t.Context(), before)
			s.Close()
			attempts, want := 1, imfake.Passed
			if generation == "nexconn" {
				attempts, want = 3, imfake.Refused
			}
			if name == "openim" {
				want = imfake.Refused
			}
			if err != nil || j.Effect != want || j.Failed == "" || j.Answer.Taken || j.Answer.Err == nil || j.Answer.Attempts != attempts {
				t.Errorf("%s %s: %s (%q) after %d attempts, %v; want %s after %d", name, generation, j.Effect, j.Failed, j.Answer.Attempts, err, want, attempts)
			}
		}
		b.Close()
	}
}

func TestAsk_WaitsNoLongerThanTheServer(t *testing.T) {
	t.Parallel()
	d, err := builtin.New().Get("easemob")
	if err != nil {
		t.Fatal(err)
	}
	b := imfake.NewBackend(d)
	defer b.Close()
	hold := make(chan struct{})
	defer close(hold)
	b.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Hold: hold} })
	s := imfake.NewServer(d, b.URL(), imfake.ServerConfig{Credentials: credentials(d), Wait: time.Millisecond})
	defer s.Close()
	if j, err := s.Ask(t.Context(), "pre_send"); err != nil || j.Effect != imfake.Passed || !errors.Is(j.Answer.Err, context.DeadlineExceeded) {
		t.Errorf("Ask = %+v, %v; want that the message passed after the deadline", j, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Ask(ctx, "pre_send"); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask = %v, want canceled", err)
	}
}
