package live_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what a gateway would say of itself.
type world struct {
	// t is that of the bubble.
	t                           *testing.T
	meter                       live.Meter
	counters                    *live.Counters
	received, rejected, refused *prometheus.CounterVec

	mu        sync.Mutex
	endpoints []live.Endpoint
	hooks     []live.Hook
	letters   map[string]uint64
	history   live.History
	troubles  []string
}

// run looks at a world in a bubble whose clock stands at the begin of a day.
func run(t *testing.T, do func(w *world, l *live.Live)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		counter := func(name string, labels ...string) *prometheus.CounterVec {
			return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: name}, labels)
		}
		w := &world{
			t:        t,
			counters: live.NewCounters(prometheus.NewRegistry()),
			received: counter("imhook_received_total", "app", "source", "type"),
			rejected: counter("imhook_rejected_total", "source", "reason"),
			refused:  counter("imhook_refused_total", "source"),
		}
		w.counters.MustRegister(w.received, w.rejected, w.refused, counter("imhook_received_totals", "app"))
		l, err := live.New(live.Config{
			Meter: &w.meter, Counters: w.counters, Version: "v1",
			Sources: func() []live.Source { return []live.Source{{App: "shop", Name: "im", Dialect: "openim"}} },
			Hooks: func() []live.Hook {
				w.mu.Lock()
				defer w.mu.Unlock()
				return slices.Clone(w.hooks)
			},
			Endpoints: func(context.Context) []live.Endpoint {
				w.mu.Lock()
				defer w.mu.Unlock()
				return slices.Clone(w.endpoints)
			},
			DeadLetters: func(context.Context) (map[string]uint64, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.letters, nil
			},
			Troubles: func(context.Context) []string {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.troubles
			},
			History: func() live.History {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.history
			},
			Gateways: func(context.Context) ([]live.Gateway, error) { return nil, errors.New("nobody writes") },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Stop(t.Context()) }()
		do(w, l)
	})
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func attempt(endpoint string, kind event.Type, took time.Duration, why gateway.Reason) gateway.Attempt {
	a := gateway.Attempt{Endpoint: endpoint, N: 1, Event: &event.Event{Type: kind}, Outcome: gateway.Outcome{Kind: gateway.Delivered, Took: took}}
	if why != "" {
		a.Outcome.Kind, a.Outcome.Reason = gateway.Retry, why
	}
	return a
}

// lines are the lines of a chart: what they measure, their labels and the points that
// there are.
func lines(c live.Charts) []string {
	var all []string
	for _, s := range c.Series {
		var points []string
		for i, p := range s.Points {
			if !math.IsNaN(p) && p != 0 {
				points = append(points, fmt.Sprintf("%d:%.4g", i, p))
			}
		}
		all = append(all, strings.TrimSpace(fmt.Sprint(s.Metric, " ", s.Labels, " ", strings.Join(points, " "))))
	}
	return all
}

func TestCharts_HourByTenSeconds(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		pass(time.Minute)
		w.received.WithLabelValues("shop", "im", "message.send").Add(50)
		for range 99 {
			w.meter.Attempt(attempt("shop/a", "message.send", 10*time.Millisecond, ""))
		}
		w.meter.Attempt(attempt("shop/b", "group.create", time.Second, gateway.ReasonStatus5xx))
		w.meter.Decision(gateway.Decision{
			Event: &event.Event{App: "shop", Type: "message.send"}, Took: 20 * time.Millisecond, Verdict: event.Allowed(),
			Hooks: []gateway.Asked{{Hook: "words", Cause: gateway.CauseHook, Verdict: event.Allowed(), Took: 5 * time.Millisecond}},
		})
		pass(10 * time.Second)
		w.mu.Lock()
		w.endpoints = []live.Endpoint{{App: "shop", Name: "a", Backlog: 1, OldestAt: time.Now().Add(-25 * time.Second)}}
		w.mu.Unlock()
		pass(15 * time.Second)

		c := l.Charts(live.SpanHour, "")
		if c.StepS != 10 || len(c.Series) == 0 || len(c.Series[0].Points) != 360 {
			t.Fatalf("charts are %+v", c)
		}
		if want := time.Now().Truncate(10 * time.Second).Add(-time.Hour).UTC(); !c.From.Equal(want) {
			t.Errorf("from %v, want %v", c.From, want)
		}
		// The two steps before this one are over: 358 and 359.
		for by, want := range map[live.By][]string{
			"": {
				"received map[] 358:5", "delivered map[] 358:9.9", "failed map[] 358:0.1", "decision_p50_ms map[] 358:19.46", "decision_p99_ms map[] 358:19.46",
				"delivery_p50_ms map[] 358:9.728", "delivery_p99_ms map[] 358:9.728", "backlog_age_s map[] 359:35",
			},
			live.ByEndpoint: {
				"delivered map[app:shop endpoint:a] 358:9.9", "delivery_p50_ms map[app:shop endpoint:a] 358:9.728", "delivery_p99_ms map[app:shop endpoint:a] 358:9.728",
				"backlog_age_s map[app:shop endpoint:a] 359:35",
				"failed map[app:shop endpoint:b] 358:0.1", "delivery_p50_ms map[app:shop endpoint:b] 358:1016", "delivery_p99_ms map[app:shop endpoint:b] 358:1016",
			},
			live.ByType: {
				"failed map[type:group.create] 358:0.1", "delivery_p50_ms map[type:group.create] 358:1016", "delivery_p99_ms map[type:group.create] 358:1016",
				"received map[type:message.send] 358:5", "delivered map[type:message.send] 358:9.9",
				"decision_p50_ms map[type:message.send] 358:19.46", "decision_p99_ms map[type:message.send] 358:19.46",
				"delivery_p50_ms map[type:message.send] 358:9.728", "delivery_p99_ms map[type:message.send] 358:9.728",
			},
			live.BySource: {"received map[app:shop source:im] 358:5"},
			live.ByHook:   {"decision_p50_ms map[app:shop hook:words] 358:4.864", "decision_p99_ms map[app:shop hook:words] 358:4.864"},
		} {
			if diff := cmp.Diff(want, lines(l.Charts(live.SpanHour, by))); diff != "" {
				t.Errorf("by %q (-want +got):\n%s", by, diff)
			}
		}
		if diff := cmp.Diff([]live.Reason{{Reason: "5xx", Count: 1}}, c.Reasons); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		b, err := json.Marshal(c)
		if err != nil || !strings.Contains(string(b), "null,0,0") || !strings.Contains(string(b), ",5,0]") {
			t.Errorf("as JSON: %s, %v; want null before the begin and zeros since", b, err)
		}
	})
}

func TestCharts_DayByFiveMinutes(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		w.mu.Lock()
		w.endpoints = []live.Endpoint{{App: "shop", Name: "a"}}
		w.mu.Unlock()
		for n := range 30 {
			for range 100 {
				took := 10 * time.Millisecond
				if n == 29 {
					took = time.Second // a sixtieth of the second five minutes
				}
				w.meter.Attempt(attempt("shop/a", "message.send", took, ""))
			}
			pass(20 * time.Second)
		}
		w.meter.Attempt(attempt("shop/a", "message.send", time.Second, gateway.ReasonTimeout))
		pass(time.Minute)
		c := l.Charts(live.SpanDay, live.ByEndpoint)
		if len(c.Series) == 0 || len(c.Series[0].Points) != 288 || c.StepS != 300 {
			t.Fatalf("charts are %+v", c)
		}
		want := []string{
			"delivered map[app:shop endpoint:a] 286:5 287:5",
			"delivery_p50_ms map[app:shop endpoint:a] 286:9.728 287:9.728", "delivery_p99_ms map[app:shop endpoint:a] 286:9.728 287:1016",
		}
		if diff := cmp.Diff(want, lines(c)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		pass(5 * time.Minute)
		if got := l.Charts(live.SpanDay, "").Reasons; len(got) != 1 || got[0].Count != 1 {
			t.Errorf("reasons are %+v", got)
		}
		pass(26 * time.Hour)
		if got := l.Charts(live.SpanDay, ""); len(got.Series) != 0 || len(got.Reasons) != 0 {
			t.Errorf("a day later there are %+v", got)
		}
	})
}

func TestCharts_ManyThingsCostBoundedMemory(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		for n := range 3000 {
			w.mu.Lock()
			w.endpoints = append(w.endpoints, live.Endpoint{App: "shop", Name: fmt.Sprint(n)})
			w.mu.Unlock()
			w.meter.Attempt(attempt(fmt.Sprint("shop/", n), event.Type(fmt.Sprint("t", n)), time.Millisecond, gateway.Reason(fmt.Sprint("r", n))))
			w.received.WithLabelValues("shop", fmt.Sprint("s", n), fmt.Sprint("t", n)).Inc()
		}
		pass(time.Minute)
		for by, most := range map[live.By]int{live.ByEndpoint: 257, live.ByType: 129, live.BySource: 257} {
			names, total := map[string]bool{}, 0.0
			for _, s := range l.Charts(live.SpanHour, by).Series {
				names[fmt.Sprint(s.Labels)] = true
				if s.Metric == "failed" || by == live.BySource {
					for _, p := range s.Points {
						if p > 0 {
							total += 10 * p
						}
					}
				}
			}
			if len(names) > most || len(names) < most-2 || math.Round(total) != 3000 {
				t.Errorf("by %s there are %d lines that add up to %v; want up to %d, and all of 3000", by, len(names), total, most)
			}
		}
	})
}

// look is the next overview.
func look(t *testing.T, w *live.Watcher) *live.Overview {
	t.Helper()
	o, ok := <-w.C
	if !ok {
		t.Fatal("the watching ended")
	}
	return o
}

func TestWatch_RatesAndProblems(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		w.mu.Lock()
		w.endpoints = []live.Endpoint{{App: "shop", Name: "a", Dialect: "openim", State: "live", Breaker: "closed", Ramp: 32, RampOf: 32}}
		w.hooks = []live.Hook{{App: "shop", Name: "words", Kind: "wordlist", State: "asked", Breaker: "closed"}}
		w.history = live.History{State: "ok", Lag: 2}
		w.mu.Unlock()
		watcher, err := l.Watch()
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		first := look(t, watcher)
		if len(first.Sources) != 1 || len(first.Hooks) != 1 || len(first.Endpoints) != 1 {
			t.Fatalf("the first overview is %+v", first)
		}
		if diff := cmp.Diff([]string{"cluster: nobody writes"}, first.Problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		var last *live.Overview
		for range 8 {
			w.received.WithLabelValues("shop", "im", "message.send").Add(10)
			for range 4 {
				w.meter.Attempt(attempt("shop/a", "message.send", time.Millisecond, gateway.ReasonDNS))
				w.meter.Decision(gateway.Decision{Event: &event.Event{App: "shop", Type: "message.send"}, Hooks: []gateway.Asked{
					{Hook: "words", Cause: gateway.CauseHook, Verdict: event.Verdict{Action: event.Deny}, Took: time.Millisecond},
					{Hook: "other", Cause: gateway.CauseTimeout, Verdict: event.Allowed()},
				}})
			}
			w.mu.Lock()
			w.endpoints[0].Delivered += 20
			w.mu.Unlock()
			last = look(t, watcher)
		}
		s, h, e := last.Sources[0], last.Hooks[0], last.Endpoints[0]
		if s.PerSecond < 9.5 || s.PerSecond > 10 || s.LastAt.IsZero() || e.PerSecond < 19 || e.PerSecond > 20 || e.FailedPerSecond < 3.8 || h.PerSecond < 3.8 || h.Denied != 32 || h.Failed != 0 {
			t.Errorf("after eight seconds: %+v, %+v, %+v", s, h, e)
		}
		for range 10 {
			last = look(t, watcher)
		}
		if got := last.Sources[0].PerSecond; got != 0 {
			t.Errorf("ten silent seconds later %v come in a second", got)
		}
		if last.Hooks[0].P99 == 0 {
			t.Error("the hook's time of the last minute is missing")
		}
		// Who does not look gets the newest.
		pass(5 * time.Second)
		if got := time.Since(look(t, watcher).At); got > time.Second {
			t.Errorf("who did not look gets an overview of %v ago", got)
		}
	})
}

func TestWatch_SaysInWordsWhatIsWrong(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		old := time.Now().Add(-2 * time.Minute)
		w.mu.Lock()
		w.endpoints = []live.Endpoint{
			{App: "shop", Name: "fine", State: "live"},
			{App: "shop", Name: "paused", State: "paused", Paused: "moving\n the database", Backlog: 1, OldestAt: old},
			{App: "shop", Name: "dev", State: "paused", Paused: "nobody listens; imhook listen --from this gateway does", Backlog: 1, OldestAt: old},
			{App: "shop", Name: "open", State: "open", LastError: "answered 503", Backlog: 7, More: true, OldestAt: old},
			{App: "shop", Name: "blocked", State: "live", Blocked: 2},
			{App: "shop", Name: "failing", State: "live", LastError: "no such host", Backlog: 3, OldestAt: old},
			{App: "shop", Name: "behind", State: "live", Backlog: 3, OldestAt: old.Add(-time.Hour)},
			{App: "shop", Name: "letters", State: "live"},
			{App: "shop", Name: "gone", State: "removed", Backlog: 2, OldestAt: old},
			{App: "shop", Name: "unread", State: "removed", More: true},
			{App: "shop", Name: "moving", State: "moving"},
		}
		w.letters = map[string]uint64{"shop/letters": 1}
		w.hooks = []live.Hook{{App: "shop", Name: "mod", State: "open", Failure: "timeout"}, {App: "shop", Name: "words", State: "asked", Trouble: "words.txt: no such file"}}
		w.history = live.History{State: "ok", Lag: 601}
		w.troubles = []string{"journal: it is nearly full"}
		w.mu.Unlock()
		w.rejected.WithLabelValues("im", "signature").Add(3)
		w.refused.WithLabelValues("im").Add(1)
		watcher, err := l.Watch()
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		got := look(t, watcher).Problems
		want := []string{
			"journal: it is nearly full",
			"cluster: nobody writes",
			"history: the search is 10m1s behind; deliveries do not depend on it",
			"source im: 4 requests refused within a minute, most because of signature; the log says why: request refused",
			"hook shop/mod: it failed too often and is not asked for now; its policy answers (its last failure was: timeout)",
			"hook shop/words: words.txt: no such file",
			"endpoint shop/paused: it is paused (moving the database); 1 event waits, the oldest since 2m0s",
			"endpoint shop/open: it failed too often and is left alone for now (answered 503); 7 or more events wait, the oldest since 2m0s",
			"endpoint shop/blocked: blocked: 2 conversations (on_poison is block, and it does not take their first event); nothing waits",
			"endpoint shop/failing: it fails (no such host); 3 events wait, the oldest since 2m0s",
			"endpoint shop/behind: it is behind (events come faster than it takes them, or it has just come back); 3 events wait, the oldest since 1h2m0s",
			"endpoint shop/letters: 1 dead letter",
			"endpoint shop/gone: it is not configured any more; 2 events wait, the oldest since 2m0s",
			"endpoint shop/unread: it is not configured any more; events may wait",
			"endpoint shop/moving: no gateway of the cluster delivers to it at the moment",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

func TestWatch_TellsOfSilenceAndGrowth(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		for range 60 {
			w.received.WithLabelValues("shop", "im", "message.send").Inc()
			pass(10 * time.Second)
		}
		watcher, err := l.Watch()
		if err != nil {
			t.Fatal(err)
		}
		if o := look(t, watcher); o.Sources[0].Problem != "" {
			t.Errorf("a source that talks: %s", o.Sources[0].Problem)
		}
		watcher.Close()
		backlog := 2000
		for range 70 { // twelve minutes
			w.mu.Lock()
			w.endpoints = []live.Endpoint{{App: "shop", Name: "a", State: "live", Backlog: backlog, OldestAt: time.Now()}}
			w.mu.Unlock()
			pass(10 * time.Second)
			backlog += 200
		}
		if watcher, err = l.Watch(); err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		o := look(t, watcher)
		if got := o.Sources[0].Problem; !strings.HasPrefix(got, "it is silent: nothing came for 11m") || !strings.Contains(got, "one event every 10s") {
			t.Errorf("a silent source: %q", got)
		}
		if got := o.Endpoints[0].Problem; !strings.HasPrefix(got, "its backlog grows: 14") {
			t.Errorf("a growing backlog: %q", got)
		}
	})
}

func TestWatch_ManyEndpointsAndTheEnd(t *testing.T) {
	t.Parallel()
	run(t, func(w *world, l *live.Live) {
		t := w.t
		for n := range 2000 {
			e := live.Endpoint{App: "shop", Name: fmt.Sprint(n), State: "live"}
			if n >= 1800 {
				e.Paused = "why not"
			}
			w.mu.Lock()
			w.endpoints = append(w.endpoints, e)
			w.mu.Unlock()
		}
		watcher, err := l.Watch()
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		o := look(t, watcher)
		if len(o.Endpoints) != 500 || o.MoreEndpoints != 1500 || o.Endpoints[0].Paused == "" || len(o.Problems) != 101 || o.Problems[100] != "and 101 more problems" {
			t.Errorf("%d endpoints, %d more, %d problems, the last %q", len(o.Endpoints), o.MoreEndpoints, len(o.Problems), o.Problems[len(o.Problems)-1])
		}
		var some []*live.Watcher
		for {
			one, err := l.Watch()
			if err != nil {
				break
			}
			if some = append(some, one); len(some) > 1000 {
				t.Fatal("everybody may watch")
			}
		}
		if err := l.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for range watcher.C { // what was not seen, and the end
		}
		if _, err := l.Watch(); err == nil {
			t.Error("after Stop somebody watches")
		}
		for _, one := range some {
			one.Close()
		}
	})
}

// BenchmarkMeter is what an attempt and a decision pay.
func BenchmarkMeter(b *testing.B) {
	var m live.Meter
	a := attempt("shop/a", "message.send", 3*time.Millisecond, "")
	d := gateway.Decision{
		Event: &event.Event{App: "shop", Type: "message.send"}, Took: time.Millisecond, Verdict: event.Allowed(),
		Hooks: []gateway.Asked{{Hook: "words", Cause: gateway.CauseHook, Verdict: event.Allowed(), Took: time.Millisecond}},
	}
	b.Run("attempt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Attempt(a)
		}
	})
	b.Run("decision", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Decision(d)
		}
	})
}
