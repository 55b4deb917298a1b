package live

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// Overview is how the gateway is doing now. Its JSON form is the API's: append only.
// Problems are in words, and absent where all is well.
type Overview struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	// Gateways are those that share the journal; absent where there is one. What is
	// counted in a second is this gateway's own but for what endpoints got.
	Gateways  []Gateway        `json:"gateways,omitempty"`
	Sources   []SourceGlance   `json:"sources"`
	Hooks     []HookGlance     `json:"hooks"`
	Endpoints []EndpointGlance `json:"endpoints"`
	// MoreEndpoints are those that are not shown because there are so many; those with a
	// problem are.
	MoreEndpoints int     `json:"more_endpoints,omitzero"`
	History       History `json:"history"`
	// Problems are those of the gateway and of everything in it, the gateway's first.
	Problems []string `json:"problems"`
}

// SourceGlance is how a source is doing.
type SourceGlance struct {
	App        string `json:"app"`
	Name       string `json:"name"`
	Dialect    string `json:"dialect"`
	Generation string `json:"generation,omitzero"`
	// PerSecond events came in of late; RefusedPerSecond requests and events were turned
	// away.
	PerSecond        float64 `json:"per_second"`
	RefusedPerSecond float64 `json:"refused_per_second"`
	// LastAt is when the last event came, about: zero when none did since the start.
	LastAt  time.Time `json:"last_at,omitzero"`
	Problem string    `json:"problem,omitzero"`
}

// HookGlance is how a hook is doing.
type HookGlance struct {
	App   string `json:"app"`
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	// PerSecond questions were asked of late. Allowed, Denied and Failed are what came of
	// them since the start; Failed were answered by the policy.
	PerSecond float64 `json:"per_second"`
	Allowed   uint64  `json:"allowed"`
	Denied    uint64  `json:"denied"`
	Failed    uint64  `json:"failed"`
	Breaker   string  `json:"breaker"`
	// P99 is that of the last minute in milliseconds; absent when nothing was asked.
	P99     float64 `json:"p99_ms,omitzero"`
	Problem string  `json:"problem,omitzero"`
}

// EndpointGlance is how an endpoint is doing.
type EndpointGlance struct {
	App     string `json:"app"`
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	State   string `json:"state"`
	// PerSecond events were delivered of late, FailedPerSecond attempts failed.
	PerSecond       float64 `json:"per_second"`
	FailedPerSecond float64 `json:"failed_per_second"`
	Backlog         int     `json:"backlog"`
	More            bool    `json:"more,omitzero"`
	OldestAge       float64 `json:"oldest_age_s"`
	InFlight        int     `json:"in_flight"`
	Ramp            int     `json:"ramp"`
	RampOf          int     `json:"ramp_of"`
	Breaker         string  `json:"breaker"`
	Paused          string  `json:"paused,omitzero"`
	DeadLetters     uint64  `json:"dead_letters"`
	Problem         string  `json:"problem,omitzero"`
}

// History says how the search of what was is doing.
type History struct {
	State string `json:"state"`
	// Lag is how far it is behind, in seconds; Trouble says in words what is wrong.
	Lag     float64 `json:"lag_s,omitzero"`
	Trouble string  `json:"trouble,omitzero"`
}

// maxShown is how many endpoints one overview has.
const maxShown = 500

// seen is what is remembered from one overview to the next. [Live.mu] guards it.
type seen struct {
	at      time.Time
	rates   map[string]*rate
	sources map[string]*heard
	letters map[string]uint64
}

func newSeen() seen { return seen{rates: map[string]*rate{}, sources: map[string]*heard{}} }

// rate is a counter with how fast it grows.
type rate struct {
	last uint64
	perS float64
	used bool
}

// weight is how much the latest second counts.
const weight = 0.5

// per is how fast the counter of that name grows, which is now n.
func (s *seen) per(name string, n uint64, now time.Time, before float64) float64 {
	r := s.rates[name]
	passed := now.Sub(s.at).Seconds()
	switch {
	case r == nil || s.at.IsZero() || passed > 10*glance.Seconds() || n < r.last:
		// Nobody watched: what the charts have is the next best.
		if math.IsNaN(before) {
			before = 0
		}
		s.rates[name] = &rate{last: n, perS: before, used: true}
		return tenth(before)
	case passed <= 0:
		r.used = true
		return tenth(r.perS)
	}
	r.perS += weight * (float64(n-r.last)/passed - r.perS)
	if n == r.last && r.perS < 0.05 {
		r.perS = 0
	}
	r.last, r.used = n, true
	return tenth(r.perS)
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// sweep forgets what the last overview did not have.
func (s *seen) sweep() {
	for name, r := range s.rates {
		if !r.used {
			delete(s.rates, name)
		}
		r.used = false
	}
}

// overview makes the one of this moment.
func (l *Live) overview(ctx context.Context) *Overview {
	now := l.cfg.Now()
	o := &Overview{
		At: now.UTC(), Version: l.cfg.Version,
		Sources: []SourceGlance{}, Hooks: []HookGlance{}, Endpoints: []EndpointGlance{}, Problems: []string{},
		History: History{State: "off"},
	}
	// What may wait comes before the lock.
	arrived := l.cfg.Counters.arrivals()
	var endpoints []Endpoint
	if l.cfg.Endpoints != nil {
		endpoints = l.cfg.Endpoints(ctx)
	}
	if l.cfg.Troubles != nil {
		o.Problems = append(o.Problems, l.cfg.Troubles(ctx)...)
	}
	if l.cfg.History != nil {
		if h := l.cfg.History(); h.State != "" {
			o.History = h
		}
	}
	if l.cfg.Gateways != nil {
		var err error
		if o.Gateways, err = l.cfg.Gateways(ctx); err != nil && ctx.Err() == nil {
			o.Problems = append(o.Problems, "cluster: "+err.Error())
		}
	}
	l.countLetters(ctx)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.arrived(now, &arrived)
	l.glanceSources(o, now, &arrived)
	l.glanceHooks(o, now)
	l.glanceEndpoints(o, now, endpoints)
	l.seen.sweep()
	l.seen.at = now
	for _, g := range o.Gateways {
		if g.Problem != "" {
			o.Problems = append(o.Problems, "gateway "+g.Host+": "+g.Problem)
		}
	}
	if p := historyProblem(o.History); p != "" {
		o.Problems = append(o.Problems, p)
	}
	for i := range o.Sources {
		if s := &o.Sources[i]; s.Problem != "" {
			o.Problems = append(o.Problems, "source "+s.Name+": "+s.Problem)
		}
	}
	for i := range o.Hooks {
		if h := &o.Hooks[i]; h.Problem != "" {
			o.Problems = append(o.Problems, "hook "+h.App+"/"+h.Name+": "+h.Problem)
		}
	}
	for i := range o.Endpoints {
		if e := &o.Endpoints[i]; e.Problem != "" {
			o.Problems = append(o.Problems, "endpoint "+e.App+"/"+e.Name+": "+e.Problem)
		}
	}
	o.shorten()
	return o
}

// maxProblems is how many problems are told in one list.
const maxProblems = 100

// shorten leaves out what is too much to look at.
func (o *Overview) shorten() {
	if n := len(o.Problems); n > maxProblems {
		o.Problems = append(o.Problems[:maxProblems:maxProblems], "and "+counted(n-maxProblems, "more problem"))
	}
	if n := len(o.Endpoints); n > maxShown {
		slices.SortStableFunc(o.Endpoints, func(a, b EndpointGlance) int {
			rank := func(e *EndpointGlance) int {
				if e.Problem != "" {
					return 0
				}
				return 1
			}
			return cmp.Compare(rank(&a), rank(&b))
		})
		o.Endpoints, o.MoreEndpoints = o.Endpoints[:maxShown], n-maxShown
	}
}

// countLetters counts the dead letters, when nothing has counted them yet.
func (l *Live) countLetters(ctx context.Context) {
	l.mu.Lock()
	known := l.seen.letters != nil
	l.mu.Unlock()
	if known || l.cfg.DeadLetters == nil {
		return
	}
	if letters, err := l.cfg.DeadLetters(ctx); err == nil {
		l.mu.Lock()
		l.seen.letters = letters
		l.mu.Unlock()
	}
}

// latest is the last value of a track; NaN when there is none.
func (t *track) latest() float64 {
	if t.fine == nil {
		return math.NaN()
	}
	return t.fine.at(t.fine.last)
}

func (l *Live) glanceSources(o *Overview, now time.Time, a *arrivals) {
	if l.cfg.Sources == nil {
		return
	}
	for _, s := range l.cfg.Sources() {
		id := s.App + "/" + s.Name
		g := SourceGlance{App: s.App, Name: s.Name, Dialect: s.Dialect, Generation: s.Generation}
		before := math.NaN()
		if c := l.charts.sources[id]; c != nil {
			before = c.received.latest()
		}
		g.PerSecond = l.seen.per("source "+id, a.received[id], now, before)
		g.RefusedPerSecond = l.seen.per("refused "+s.Name, a.turned[s.Name], now, 0)
		if h := l.seen.sources[id]; h != nil {
			g.LastAt = h.last.UTC()
		}
		g.Problem = l.sourceProblem(id, s.Name, now)
		o.Sources = append(o.Sources, g)
	}
}

func (l *Live) glanceHooks(o *Overview, now time.Time) {
	if l.cfg.Hooks == nil {
		return
	}
	counts := map[string]*decided{}
	l.cfg.Meter.hooks.each(maxHooks, func(name string, d *decided) { counts[name] = d })
	for _, h := range l.cfg.Hooks() {
		id := h.App + "/" + h.Name
		g := HookGlance{App: h.App, Name: h.Name, Kind: h.Kind, State: h.State, Breaker: h.Breaker}
		var asked uint64
		if d := counts[id]; d != nil {
			asked, g.Allowed, g.Denied, g.Failed = d.asked.Load(), d.allowed.Load(), d.denied.Load(), d.failed.Load()
		}
		g.PerSecond = l.seen.per("hook "+id, asked, now, 0)
		if s := l.charts.hooks[id]; s != nil && s.decision != nil {
			if v := s.decision.lately(0.99); !math.IsNaN(v) {
				g.P99 = math.Round(v*100) / 100
			}
		}
		g.Problem = hookProblem(&h)
		o.Hooks = append(o.Hooks, g)
	}
}

func (l *Live) glanceEndpoints(o *Overview, now time.Time, all []Endpoint) {
	failed := map[string]uint64{}
	l.cfg.Meter.endpoints.each(maxEndpoints, func(name string, a *attempted) { failed[name] = a.failed.Load() })
	for i := range all {
		e := &all[i]
		id := e.App + "/" + e.Name
		g := EndpointGlance{
			App: e.App, Name: e.Name, Dialect: e.Dialect, State: e.State, Backlog: e.Backlog, More: e.More, InFlight: e.InFlight,
			Ramp: e.Ramp, RampOf: e.RampOf, Breaker: e.Breaker, Paused: e.Paused, DeadLetters: l.seen.letters[id],
		}
		before, beforeFailed := math.NaN(), math.NaN()
		c := l.charts.endpoints[id]
		if c != nil {
			before, beforeFailed = c.delivered.latest(), c.failed.latest()
		}
		g.PerSecond = l.seen.per("endpoint "+id, e.Delivered, now, before)
		g.FailedPerSecond = l.seen.per("failed "+id, failed[id], now, beforeFailed)
		if !e.OldestAt.IsZero() {
			g.OldestAge = tenth(max(0, now.Sub(e.OldestAt).Seconds()))
		}
		g.Problem = endpointProblem(e, &g, c)
		o.Endpoints = append(o.Endpoints, g)
	}
}
