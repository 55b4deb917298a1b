package live

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// charts is what was sampled.
type charts struct {
	// begun is the first step that was sampled.
	begun     int64
	total     series
	endpoints map[string]*series
	types     map[string]*series
	sources   map[string]*series
	hooks     map[string]*series
	reasons   map[string]*counting
}

// series is all that is measured of one thing; what does not apply stays empty.
type series struct {
	received, delivered, failed counting
	decision, delivery          *timing
	age                         level
	// backlogs are those of the last minute, oldest first.
	backlogs []int
}

func newCharts() charts {
	return charts{
		endpoints: map[string]*series{}, types: map[string]*series{}, sources: map[string]*series{}, hooks: map[string]*series{},
		reasons: map[string]*counting{},
	}
}

func (s *series) tookDecision() *timing { return made(&s.decision) }
func (s *series) tookDelivery() *timing { return made(&s.delivery) }

func made(t **timing) *timing {
	if *t == nil {
		*t = &timing{}
	}
	return *t
}

// of is the series of a name, which is made when there is room, or that of all others.
func of(all map[string]*series, name string, most int) *series {
	if s := all[name]; s != nil {
		return s
	}
	if len(all) >= most {
		name = other
		if s := all[name]; s != nil {
			return s
		}
	}
	s := &series{}
	all[name] = s
	return s
}

// sample looks at what was counted until now, as the end of a fine step.
func (l *Live) sample(ctx context.Context) {
	// The step that ends is the one before this moment.
	step := l.cfg.Now().Add(-fineStep/2).Unix() / int64(fineStep/time.Second)
	arrived := l.cfg.Counters.arrivals()
	var endpoints []Endpoint
	if l.cfg.Endpoints != nil {
		endpoints = l.cfg.Endpoints(ctx)
	}
	var letters map[string]uint64
	if l.cfg.DeadLetters != nil {
		var err error
		if letters, err = l.cfg.DeadLetters(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Log.DebugContext(ctx, "counting dead letters failed", "err", err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if letters != nil {
		l.seen.letters = letters
	}
	c := &l.charts
	if c.begun == 0 {
		c.begun = step + 1
	}
	l.sampleArrivals(step, &arrived)
	l.sampleAttempts(step)
	l.sampleDecisions(step)
	oldest := 0.0
	for i := range endpoints {
		e := &endpoints[i]
		s := of(c.endpoints, e.App+"/"+e.Name, maxEndpoints)
		age := 0.0
		if !e.OldestAt.IsZero() {
			age = max(0, l.cfg.Now().Sub(e.OldestAt).Seconds())
		}
		oldest = max(oldest, age)
		s.age.sample(step, age)
		if s.backlogs = append(s.backlogs, e.Backlog); len(s.backlogs) > 7 {
			s.backlogs = s.backlogs[1:]
		}
	}
	c.total.age.sample(step, oldest)
	l.forget(step, endpoints)
}

func (l *Live) sampleArrivals(step int64, a *arrivals) {
	c := &l.charts
	var total uint64
	for name, n := range a.received {
		total += n
		of(c.sources, name, maxSources) // those that are too many are counted together
	}
	c.total.received.sample(step, total)
	sampleEach(c.sources, a.received, step, func(s *series) *counting { return &s.received })
	for name := range a.types {
		of(c.types, name, maxTypes)
	}
	sampleEach(c.types, a.types, step, func(s *series) *counting { return &s.received })
	l.seen.arrived(l.cfg.Now(), a)
}

// sampleEach samples the counters that are in all, and those that are not as one.
func sampleEach(all map[string]*series, counts map[string]uint64, step int64, of func(*series) *counting) {
	var rest uint64
	for name, n := range counts {
		if s := all[name]; s != nil && name != other {
			of(s).sample(step, n)
		} else {
			rest += n
		}
	}
	if s := all[other]; s != nil {
		of(s).sample(step, rest)
	}
}

func (l *Live) sampleAttempts(step int64) {
	c, m := &l.charts, l.cfg.Meter
	all := sampleAttempted(step, c.endpoints, maxEndpoints, &m.endpoints)
	c.total.delivered.sample(step, all.delivered)
	c.total.failed.sample(step, all.failed)
	c.total.tookDelivery().sample(step, &all.took)
	sampleAttempted(step, c.types, maxTypes, &m.types)
	m.reasons.each(maxReasons, func(name string, n *atomic.Uint64) {
		if c.reasons[name] == nil {
			c.reasons[name] = &counting{}
		}
		c.reasons[name].sample(step, n.Load())
	})
}

// reading is what counters of attempts held at one moment.
type reading struct {
	delivered, failed uint64
	took              spread
}

func (r *reading) add(more *reading) {
	r.delivered, r.failed = r.delivered+more.delivered, r.failed+more.failed
	r.took.add(&more.took)
}

func (r *reading) sample(step int64, s *series) {
	s.delivered.sample(step, r.delivered)
	s.failed.sample(step, r.failed)
	s.tookDelivery().sample(step, &r.took)
}

// sampleAttempted samples the counters that have a series of their own, the others as
// one, and returns all of them together.
func sampleAttempted(step int64, all map[string]*series, most int, counters *bounded[attempted]) (sum reading) {
	var rest, one reading
	counters.each(int64(most), func(name string, a *attempted) {
		one.delivered, one.failed = a.delivered.Load(), a.failed.Load()
		a.took.read(&one.took)
		sum.add(&one)
		if s := of(all, name, most); s != all[other] {
			one.sample(step, s)
		} else {
			rest.add(&one)
		}
	})
	if s := all[other]; s != nil {
		rest.sample(step, s)
	}
	return sum
}

func (l *Live) sampleDecisions(step int64) {
	c, m := &l.charts, l.cfg.Meter
	all := sampleDecided(step, c.types, maxTypes, &m.proposals)
	c.total.tookDecision().sample(step, &all)
	sampleDecided(step, c.hooks, maxHooks, &m.hooks)
}

// sampleDecided is sampleAttempted for decisions.
func sampleDecided(step int64, all map[string]*series, most int, counters *bounded[decided]) (sum spread) {
	var rest, one spread
	counters.each(int64(most), func(name string, d *decided) {
		d.took.read(&one)
		sum.add(&one)
		if s := of(all, name, most); s != all[other] {
			s.tookDecision().sample(step, &one)
		} else {
			rest.add(&one)
		}
	})
	if s := all[other]; s != nil {
		s.tookDecision().sample(step, &rest)
	}
	return sum
}

// forget gives the room of those away that are not configured any more. Call with mu.
func (l *Live) forget(step int64, endpoints []Endpoint) {
	if step%perCoarse != 0 {
		return
	}
	there := map[string]bool{}
	for i := range endpoints {
		there[endpoints[i].App+"/"+endpoints[i].Name] = true
	}
	gone := func(name string) bool { return !there[name] && name != other }
	l.cfg.Meter.endpoints.forget(gone)
	for name := range l.charts.endpoints {
		if gone(name) {
			delete(l.charts.endpoints, name)
		}
	}
	if l.cfg.Sources != nil {
		known := map[string]bool{}
		for _, s := range l.cfg.Sources() {
			known[s.App+"/"+s.Name] = true
		}
		for name := range l.charts.sources {
			if !known[name] && name != other {
				delete(l.charts.sources, name)
			}
		}
	}
	if l.cfg.Hooks != nil {
		known := map[string]bool{}
		for _, h := range l.cfg.Hooks() {
			known[h.App+"/"+h.Name] = true
		}
		l.cfg.Meter.hooks.forget(func(name string) bool { return !known[name] && name != other })
		for name := range l.charts.hooks {
			if !known[name] && name != other {
				delete(l.charts.hooks, name)
			}
		}
	}
}

// Span is how far charts look back. The words are the API's: append only.
type Span string

// The spans: an hour by ten seconds, a day by five minutes.
const (
	SpanHour Span = "1h"
	SpanDay  Span = "24h"
)

// Spans returns all spans.
func Spans() []Span { return []Span{SpanHour, SpanDay} }

// By says what a chart has a line for. The words are the API's: append only.
type By string

// What there may be lines for; empty is the gateway as a whole.
const (
	ByEndpoint By = "endpoint"
	ByType     By = "type"
	BySource   By = "source"
	ByHook     By = "hook"
)

// Bys returns all of them.
func Bys() []By { return []By{ByEndpoint, ByType, BySource, ByHook} }

// Charts are how the gateway did.
type Charts struct {
	Span Span `json:"span"`
	// StepS is how long a step is, in seconds, and From when the first one begins.
	StepS  int       `json:"step_s"`
	From   time.Time `json:"from"`
	Series []Line    `json:"series"`
	// Reasons are why attempts failed in that time, the most frequent first.
	Reasons []Reason `json:"reasons"`
}

// Line is one line of a chart.
type Line struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels,omitempty"`
	// Points are one for each step, the oldest first; null where nothing was measured.
	Points Points `json:"points"`
}

// Reason is why attempts failed, and how many did.
type Reason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Points are the values of a line; NaN is none.
type Points []float64

// MarshalJSONTo writes three significant digits, and null for none.
func (p Points) MarshalJSONTo(e *jsontext.Encoder) error {
	b := []byte{'['}
	for i, v := range p {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) {
			b = append(b, "null"...)
			continue
		}
		b = fmt.Appendf(b, "%s", rounded(v))
	}
	return e.WriteValue(append(b, ']'))
}

// rounded is v with about three significant digits.
func rounded(v float64) string {
	switch {
	case v == math.Trunc(v) || v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return trim(fmt.Sprintf("%.1f", v))
	case v >= 1:
		return trim(fmt.Sprintf("%.2f", v))
	}
	return trim(fmt.Sprintf("%.4f", v))
}

func trim(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

// Charts returns the lines of a span that anything was measured for.
func (l *Live) Charts(span Span, by By) Charts {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := view{step: fineStep, n: fineCount, of: func(t *track) *ring { return t.fine }}
	if span == SpanDay {
		v = view{step: coarseStep, n: coarseCount, of: func(t *track) *ring { return t.coarse }}
	}
	// The step that is under way is not over.
	v.last = l.cfg.Now().Unix()/int64(v.step/time.Second) - 1
	v.begun = l.charts.begun
	if span == SpanDay {
		v.begun = (l.charts.begun + perCoarse - 1) / perCoarse
	}
	out := Charts{
		Span: span, StepS: int(v.step / time.Second), From: time.Unix((v.last-int64(v.n)+1)*int64(v.step/time.Second), 0).UTC(),
		Series: []Line{}, Reasons: []Reason{},
	}
	c := &l.charts
	switch by {
	case ByEndpoint:
		v.each(&out, c.endpoints, appAnd("endpoint"))
	case ByType:
		v.each(&out, c.types, func(name string) map[string]string { return map[string]string{"type": name} })
	case BySource:
		v.each(&out, c.sources, appAnd("source"))
	case ByHook:
		v.each(&out, c.hooks, appAnd("hook"))
	default:
		v.lines(&out, &c.total, nil)
	}
	for why, n := range c.reasons {
		r, count := v.of(&n.track), 0.0
		if r == nil {
			continue
		}
		for s := v.last - int64(v.n) + 1; s <= v.last; s++ {
			if rate := r.at(s); rate > 0 {
				count += rate * v.step.Seconds()
			}
		}
		if span == SpanDay {
			count += float64(n.coarse)
		}
		if count = math.Round(count); count > 0 {
			out.Reasons = append(out.Reasons, Reason{why, int(count)})
		}
	}
	slices.SortFunc(out.Reasons, func(a, b Reason) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Reason, b.Reason)) })
	return out
}

func appAnd(key string) func(string) map[string]string {
	return func(name string) map[string]string {
		app, rest, ok := strings.Cut(name, "/")
		if !ok {
			return map[string]string{key: name}
		}
		return map[string]string{"app": app, key: rest}
	}
}

// view is how series are looked at.
type view struct {
	step        time.Duration
	n           int
	last, begun int64
	of          func(*track) *ring
}

func (v *view) each(out *Charts, all map[string]*series, labels func(string) map[string]string) {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v.lines(out, all[name], labels(name))
	}
}

// lines adds those of one thing. Rates and levels that are not measured because nothing
// came are zero from the begin on; times are not.
func (v *view) lines(out *Charts, s *series, labels map[string]string) {
	add := func(metric string, t *track, absent float64) {
		r := v.of(t)
		if r == nil || r.empty(v.last-int64(v.n)+1) {
			return
		}
		p := make(Points, v.n)
		for i := range p {
			at := v.last - int64(v.n) + 1 + int64(i)
			if p[i] = r.at(at); math.IsNaN(p[i]) && at >= v.begun && at < r.last {
				p[i] = absent
			}
		}
		out.Series = append(out.Series, Line{metric, labels, p})
	}
	add("received", &s.received.track, 0)
	add("delivered", &s.delivered.track, 0)
	add("failed", &s.failed.track, 0)
	for _, t := range []struct {
		name string
		of   *timing
	}{{"decision", s.decision}, {"delivery", s.delivery}} {
		if t.of != nil {
			add(t.name+"_p50_ms", &t.of.p50, math.NaN())
			add(t.name+"_p99_ms", &t.of.p99, math.NaN())
		}
	}
	add("backlog_age_s", &s.age.track, 0)
}
