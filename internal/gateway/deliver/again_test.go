package deliver

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// bigBacklog stores 4,000 events of 40 conversations in pages of seven, of which
// those of every fourth conversation are delivered and the rest stays open, and
// stops.
func bigBacklog(t *testing.T, j *memJournal, b *backend, e Endpoint) (all []string) {
	t.Helper()
	b.answer = func(ev *event.Event, _ int) gateway.Outcome {
		lane, _, _ := strings.Cut(ev.ID, "/")
		if lane[len(lane)-1]%4 == 0 {
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		return failing(gateway.Retry, gateway.ReasonConnect)
	}
	d := start(t, j, nil, e)
	var page []*event.Event
	for n := range 4000 {
		ev := ev(fmt.Sprint("l", n%40), n/40)
		all = append(all, ev.ID)
		if page = append(page, ev); len(page) == 7 {
			j.add(page...)
			page = nil
		}
	}
	j.add(page...)
	synctest.Wait()
	advance(time.Minute)
	synctest.Wait()
	stop(t, d)
	return all
}

// checkOnce fails unless each of want arrived exactly once, and in order.
func checkOnce(t *testing.T, got, want []string) {
	t.Helper()
	seen, last := map[string]int{}, map[string]int{}
	for _, id := range got {
		seen[id]++
		lane, n := "", 0
		if _, err := fmt.Sscanf(strings.Replace(id, "/", " ", 1), "%s %d", &lane, &n); err != nil {
			t.Fatal(err)
		}
		if before, ok := last[lane]; ok && n <= before {
			t.Errorf("%s came after %s/%d", id, lane, before)
		}
		last[lane] = n
	}
	for _, id := range want {
		if seen[id] != 1 {
			t.Errorf("%s arrived %d times", id, seen[id])
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d events arrived, want %d", len(seen), len(want))
	}
}

func TestDeliver_BacklogThatIsReadAgainAfterTheStartComesWholeAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		e := endpoint(b)
		e.Retry.Fast, e.Retry.SlowFrom, e.Retry.SlowTo = []time.Duration{}, time.Hour, time.Hour
		want := bigBacklog(t, j, b, e)
		p, err := parsePosition(j.saved[endpointPrefix+"a/e"])
		if err != nil || len(p.Open) <= eagerOpen {
			t.Fatalf("%d events are open (%v), this is about more than %d", len(p.Open), err, eagerOpen)
		}
		open := len(p.Open)

		// Starts that come to nothing change nothing: the record stays as it was.
		for range 2 {
			d := start(t, j, nil, e)
			synctest.Wait()
			if s := d.Status(t.Context())[0]; s.Open != open {
				t.Errorf("after a start %d events are open, %d were", s.Open, open)
			}
			if n, _, err := d.Unfinished(t.Context(), "a/e"); n != open || err != nil {
				t.Errorf("after a start %d events are unfinished (%v), want %d", n, err, open)
			}
			stop(t, d)
		}

		b.mu.Lock()
		b.answer = nil
		b.mu.Unlock()
		d := start(t, j, nil, e)
		for n := range 40 {
			ev := ev(fmt.Sprint("l", n), 1000) // comes behind all of its conversation
			want = append(want, ev.ID)
			j.add(ev)
		}
		advance(3 * time.Hour)
		synctest.Wait()
		stop(t, d)
		checkOnce(t, b.ids(), want)
	})
}

func TestDeliver_BacklogThatIsReadAgainIsSentInBatchesToo(t *testing.T) {
	// Nothing else arrives that would send what was read.
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		e := endpoint(b)
		e.Retry.Fast, e.Retry.SlowFrom, e.Retry.SlowTo = []time.Duration{}, time.Second, time.Second
		all := bigBacklog(t, j, b, e)
		delivered := len(b.ids())
		advance(time.Minute) // none of it waits for its retry any more
		batches := newBatcher()
		e.Sender, e.Batch = batches, Batch{Count: 100}
		d := start(t, j, nil, e)
		pass(time.Minute)
		if s := d.Status(t.Context())[0]; s.Open != 0 {
			t.Errorf("%d of %d events are still open", s.Open, len(all)-delivered)
		}
		stop(t, d)
	})
}

func TestDeliver_BacklogThatIsReadAgainExpiresAndIsCounted(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"too old", "gone"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				e := endpoint(b)
				e.Retry.Fast, e.Retry.SlowFrom, e.Retry.SlowTo = []time.Duration{}, 100*time.Hour, 100*time.Hour
				all := bigBacklog(t, j, b, e)
				delivered := len(b.ids())
				b.mu.Lock()
				b.answer = nil
				b.took = 500 * time.Hour // nothing is finished meanwhile
				b.mu.Unlock()
				if how == "gone" {
					_, last, _, err := j.Bounds(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					j.purge(last - 10)
				} else {
					e.MaxBacklogAge = time.Hour
				}
				d := start(t, j, nil, e)
				advance(2 * time.Hour)
				synctest.Wait()
				s := d.Status(t.Context())[0]
				expired := int(testutil.ToFloat64(d.metrics.expired.WithLabelValues("a", "e")))
				if s.Open+expired+delivered != len(all) {
					t.Errorf("%d open, %d expired and %d delivered, of %d", s.Open, expired, delivered, len(all))
				}
				if how == "too old" && s.Open > e.WithDefaults().Concurrency {
					t.Errorf("%d are open, only attempts in flight may be", s.Open)
				}
				stop(t, d)
			})
		})
	}
}
