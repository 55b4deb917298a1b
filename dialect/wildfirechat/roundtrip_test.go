package wildfirechat_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

var now = time.Date(2026, 11, 20, 8, 30, 0, 123e6, time.UTC)

// unwired leaves out what differs between two wire forms of one event.
var unwired = cmpopts.IgnoreFields(event.Event{}, "Raw")

// decodeOne reads a request that must be one event.
func decodeOne(tb testing.TB, d dialect.Dialect, path, body string) *event.Event {
	tb.Helper()
	evs, err := d.Decode(&dialect.Request{Path: path, Body: []byte(body)})
	if err != nil {
		tb.Fatalf("decoding %s %s: %v", path, body, err)
	}
	if len(evs) != 1 {
		tb.Fatalf("decoding %s gave %d events, want 1", path, len(evs))
	}
	return evs[0]
}

// again sends ev through the canonical form back to an event.
func again(tb testing.TB, d dialect.Dialect, ev *event.Event, generation string) *event.Event {
	tb.Helper()
	reqs, err := d.Encode(ev, dialect.Target{Generation: generation, Now: now})
	if err != nil {
		tb.Fatalf("encoding %s %s: %v", ev.Command, ev.Raw.Body, err)
	}
	if len(reqs) != 1 {
		tb.Fatalf("encoding %s gave %d requests, want 1", ev.Command, len(reqs))
	}
	return decodeOne(tb, d, reqs[0].Path, string(reqs[0].Body))
}

func TestSample_ReadsBackAsTheSameEventOfItsCommand(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			seen := map[event.Type]bool{}
			for seed := range uint64(200) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 1)), now)
				if err != nil {
					t.Fatal(err)
				}
				ev := decodeOne(t, d, req.Path, string(req.Body))
				if ev.Command != c.Name || ev.Phase != c.Phase || !slices.Contains(c.Types, ev.Type) {
					t.Fatalf("sample %s reads as %s %s %s", req.Body, ev.Phase, ev.Command, ev.Type)
				}
				seen[ev.Type] = true
				if !ev.Time.IsZero() && (ev.Time.After(now) || ev.Time.Before(now.Add(-2*time.Minute))) {
					t.Fatalf("sample is of %v, want about %v", ev.Time, now)
				}
				if diff := cmp.Diff(ev, again(t, d, ev, ""), unwired); diff != "" {
					t.Fatalf("%s through the canonical form (-was +is):\n%s", req.Body, diff)
				}
				if p := d.Path(ev); p != req.Path {
					t.Fatalf("Path = %q, want %q as the sample", p, req.Path)
				}
			}
			for _, typ := range c.Types {
				if !seen[typ] {
					t.Errorf("no sample is a %s", typ)
				}
			}
		})
	}
}

func TestSample_UnknownCommandIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := wildfirechat.New().Sample("no_such", rand.New(rand.NewPCG(1, 1)), now); !isUnknownCommand(err) {
		t.Errorf("Sample(no_such) = %v, want ErrUnknownCommand", err)
	}
}

// TestRoundTrip_LosesNothing puts keys of no vendor into every object of a
// sample, and values that have no canonical place.
func TestRoundTrip_LosesNothing(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 2)), now)
				if err != nil {
					t.Fatal(err)
				}
				body := strings.ReplaceAll(string(req.Body), `{`, `{"x-unknown":{"deep":[1,9007199254740993]},`)
				body = strings.ReplaceAll(body, `\"x-unknown\"`, `x`) // inside strings braces are content
				if !jsontext.Value(body).IsValid() {
					body = `{"x-unknown":{"deep":[1,9007199254740993]},` + string(req.Body)[1:]
				}
				ev := decodeOne(t, d, req.Path, body)
				if !strings.Contains(string(ev.Vendor), "9007199254740993") {
					t.Fatalf("vendor fields of %s are %s", body, ev.Vendor)
				}
				if diff := cmp.Diff(ev, again(t, d, ev, ""), unwired); diff != "" {
					t.Fatalf("%s through the canonical form (-was +is):\n%s", body, diff)
				}
			}
		})
	}
}

func isUnknownCommand(err error) bool { return errors.Is(err, dialect.ErrUnknownCommand) }
