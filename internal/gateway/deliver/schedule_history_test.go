package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// trial is an attempt for one event, from begin to end.
type trial struct {
	begin, end time.Time
	out        gateway.Outcome
}

// fates is a Sender that fails each event as often and as it was drawn for it, and
// writes down every attempt.
type fates struct {
	mu     sync.Mutex
	rng    *rand.Rand
	fails  map[string][]gateway.Outcome // what is left of an event's failures
	trials map[string][]trial
	order  []string // events as they were first tried
}

func (f *fates) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	begin := time.Now()
	f.mu.Lock()
	if len(f.trials[ev.ID]) == 0 && !slices.Contains(f.order, ev.ID) {
		f.order = append(f.order, ev.ID)
	}
	took := time.Duration(f.rng.IntN(3000)) * time.Millisecond
	f.mu.Unlock()
	pause(ctx, took)
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	out := gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
	if left := f.fails[ev.ID]; len(left) > 0 {
		out, f.fails[ev.ID] = left[0], left[1:]
	}
	f.trials[ev.ID] = append(f.trials[ev.ID], trial{begin: begin, end: time.Now(), out: out})
	return out
}

// TestSchedule_EveryAttemptIsOnTime runs histories of events that fail in every way,
// with restarts in between. Each attempt begins when the schedule says so: not before
// what the endpoint asked for, not after the nominal delay, whatever was restarted
// meanwhile; an event is parked by the bound that it reached, and by none before; and
// the next one of its lane is tried after that and not before. The seeds are fixed: a
// failure is run again by its name.
func TestSchedule_EveryAttemptIsOnTime(t *testing.T) {
	t.Parallel()
	seeds := uint64(25)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { scheduleHistory(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func scheduleHistory(t *testing.T, rng *rand.Rand) {
	t.Helper()
	f := &fates{rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), fails: map[string][]gateway.Outcome{}, trials: map[string][]trial{}}
	e := endpoint(f)
	e.Concurrency, e.Breaker.Off, e.Start = 64, true, Start{Beginning: true}
	e.Retry = Schedule{
		Fast:     [][]time.Duration{{}, {time.Second}, {time.Second, 5 * time.Second, 30 * time.Second}}[rng.IntN(3)],
		SlowFrom: time.Duration(1+rng.IntN(120)) * time.Second,
		SlowTo:   10 * time.Minute,
		MaxAge:   []time.Duration{-1, 5 * time.Minute, time.Hour}[rng.IntN(3)],
	}
	e.Retry.MaxAttempts = []int{0, 1, 4, 8}[rng.IntN(4)]
	j := newMemJournal()
	const lanes, each = 12, 4
	for n := range each {
		for lane := range lanes {
			next := ev(fmt.Sprint(lane), n)
			for range rng.IntN(3) * rng.IntN(5) {
				out := failing(gateway.Retry, []gateway.Reason{gateway.ReasonConnect, gateway.ReasonStatus5xx, gateway.ReasonTimeout, gateway.ReasonRefused}[rng.IntN(4)])
				switch rng.IntN(8) {
				case 0:
					out = failing(gateway.Refused, gateway.ReasonStatus4xx)
				case 1:
					out.RetryAfter = time.Duration(rng.IntN(600)) * time.Second
				}
				f.fails[next.ID] = append(f.fails[next.ID], out)
			}
			j.add(next)
		}
	}
	d := start(t, j, nil, e)
	var restarts []time.Time // when each began and was over
	for range 150 {
		advance(time.Duration(rng.IntN(60_000)) * time.Millisecond)
		if rng.IntN(20) > 0 {
			continue
		}
		restarts = append(restarts, time.Now())
		ctx, cancel := context.WithCancel(context.Background())
		if rng.IntN(2) == 0 {
			cancel() // attempts in flight are cut short
		}
		if err := d.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		advance(time.Duration(rng.IntN(60_000)) * time.Millisecond)
		d = start(t, j, nil, e)
		restarts = append(restarts, time.Now())
	}
	s := statusOf(t, d, "e")
	for range 100 {
		if s.Open == 0 {
			break
		}
		pass(10 * time.Minute)
		s = statusOf(t, d, "e")
	}
	stop(t, d)
	if s.Open != 0 || len(f.order) != lanes*each {
		t.Fatalf("%d of %d were tried, and in the end: %+v", len(f.order), lanes*each, s)
	}
	parked := map[string]gateway.DeadLetter{}
	for _, l := range j.parked {
		parked[l.Event.ID] = l
	}
	ended := map[string]time.Time{} // by lane
	for _, id := range f.order {
		if problem := onTime(e.WithDefaults().Retry, f.trials[id], parked[id], restarts); problem != "" {
			t.Errorf("%s: %s", id, problem)
		}
		lane, _, _ := strings.Cut(id, "/")
		if first := f.trials[id][0].begin; first.Before(ended[lane]) {
			t.Errorf("%s was tried at %v, the one before it ended at %v", id, first, ended[lane])
		}
		ended[lane] = f.trials[id][len(f.trials[id])-1].end
	}
	inOrder(t, f.order)
}

// onTime says what is wrong with the attempts for one event.
func onTime(s Schedule, trials []trial, letter gateway.DeadLetter, restarts []time.Time) string {
	fails := trials
	if last := trials[len(trials)-1]; last.out.Kind == gateway.Delivered {
		fails = trials[:len(trials)-1]
	}
	for i, tr := range fails {
		attempts := i + 1
		// What was cut short by a restart counts as the first attempt, and is no failure.
		age := tr.end.Sub(trials[0].begin)
		var ends gateway.Reason
		switch {
		case s.MaxAttempts > 0 && attempts >= s.MaxAttempts:
			ends = gateway.ReasonAttempts
		case s.MaxAge > 0 && age >= s.MaxAge:
			ends = gateway.ReasonMaxAge
		case tr.out.Kind == gateway.Refused && attempts > len(s.Fast):
			ends = tr.out.Reason
		}
		switch {
		case ends != gateway.ReasonNone && i != len(trials)-1:
			return fmt.Sprintf("attempt %d at the age of %v should have been the last, for %s", attempts, age, ends)
		case ends != letter.Reason && i == len(trials)-1:
			return fmt.Sprintf("parked for %q after attempt %d at the age of %v, want %q", letter.Reason, attempts, age, ends)
		case ends != gateway.ReasonNone:
			return ""
		case i == len(trials)-1:
			return fmt.Sprintf("nothing follows attempt %d, and it is not parked", attempts)
		}
		next := trials[i+1].begin
		latest := tr.end.Add(s.nominal(attempts))
		if after := tr.out.RetryAfter; after > 0 {
			if next.Before(tr.end.Add(after)) {
				return fmt.Sprintf("attempt %d came %v after a failure that asked for %v", attempts+1, next.Sub(tr.end), after)
			}
			latest = later(latest, tr.end.Add(after+min(after/10, time.Minute)))
		}
		// What is due while nothing runs comes with the next start; one that was cut
		// short comes again.
		for k := 0; k < len(restarts); k += 2 {
			if !restarts[k].After(latest.Add(3 * time.Second)) {
				latest = later(latest, restarts[k+1])
			}
		}
		if next.After(latest.Add(5 * time.Millisecond)) {
			return fmt.Sprintf("attempt %d came %v after the failure before it, nominal are %v", attempts+1, next.Sub(tr.end), latest.Sub(tr.end))
		}
	}
	return ""
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
