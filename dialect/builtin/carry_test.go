package builtin_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

// TestCloudEvents_CarryEveryFactOfEveryDialect: what another gateway posts as
// CloudEvents is the same event here, and goes to an endpoint of the first dialect in
// the same words.
func TestCloudEvents_CarryEveryFactOfEveryDialect(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	ce := cloudevents.New()
	// The form names the strongest link, and tells a retry by its own id.
	same := cmpopts.IgnoreFields(event.Event{}, "Raw", "Dedupe", "Links", "App", "Source")
	for _, d := range builtin.New().All() {
		if d.Spec().Name == cloudevents.Name {
			continue
		}
		t.Run(d.Spec().Name, func(t *testing.T) {
			t.Parallel()
			to := dialect.Target{Credentials: sampleKeys(d.Spec()), Now: now}
			for _, c := range d.Spec().Commands {
				for seed := range uint64(6) {
					req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 5)), now)
					if err != nil {
						t.Fatal(err)
					}
					evs, err := d.Decode(&req)
					if err != nil {
						t.Fatalf("%s: %v", c.Name, err)
					}
					for i, ev := range evs {
						ev.ID, ev.App, ev.Source = fmt.Sprintf("%s-%d-%d", c.Name, seed, i), "shop", "im"
						back := carried(t, ce, ev)
						if ev.Phase == event.Before && ev.Lane == "" {
							back.Lane = "" // a proposal waits for nobody; the form names its conversation
						}
						if diff := cmp.Diff(ev, back, same); diff != "" {
							t.Fatalf("%s (seed %d) carried (-was +is):\n%s", c.Name, seed, diff)
						}
						to.Generation = ev.Generation
						want, wantErr := d.Encode(ev, to)
						got, gotErr := d.Encode(back, to)
						if diff := cmp.Diff(want, got); diff != "" || (wantErr == nil) != (gotErr == nil) {
							t.Fatalf("%s (seed %d) is said differently after it was carried: %v, %v (-was +is):\n%s", c.Name, seed, wantErr, gotErr, diff)
						}
					}
				}
			}
		})
	}
}

func carried(tb testing.TB, ce *cloudevents.Dialect, ev *event.Event) *event.Event {
	tb.Helper()
	reqs, err := ce.Encode(ev, dialect.Target{})
	if err != nil || len(reqs) != 1 {
		tb.Fatalf("%d requests, %v", len(reqs), err)
	}
	evs, err := ce.Decode(&reqs[0])
	if err != nil || len(evs) != 1 {
		tb.Fatalf("%d events, %v\n%s", len(evs), err, reqs[0].Body)
	}
	return evs[0]
}
