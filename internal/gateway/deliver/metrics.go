package deliver

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// metrics are the counters of all endpoints; their names are part of the outside
// surface.
type metrics struct {
	matched        *prometheus.CounterVec
	delivered      *prometheus.CounterVec
	attempts       *prometheus.CounterVec
	parked         *prometheus.CounterVec
	expired        *prometheus.CounterVec
	echoes         *prometheus.CounterVec
	untranslatable *prometheus.CounterVec
	coalesced      *prometheus.CounterVec
	seconds        *prometheus.HistogramVec
	// What runs do: the endpoint's own counters, which must add up, leave them out.
	repeats, repeatsParked, repeatsUnsaid *prometheus.CounterVec
	// forgotten is of all endpoints together: who is forgotten has no series.
	forgotten prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"app", "endpoint"}, labels...))
	}
	m := &metrics{
		matched:        counter("imhook_matched_total", "Events that the endpoint's rule picked, and those that were open when it began."),
		delivered:      counter("imhook_delivered_total", "Events that the endpoint has."),
		attempts:       counter("imhook_attempts_total", "Attempts, each one request, by what became of them.", "outcome", "reason"),
		parked:         counter("imhook_parked_total", "Events set aside as dead letters.", "reason"),
		expired:        counter("imhook_expired_total", "Events dropped because the endpoint's backlog was too old or too large."),
		echoes:         counter("imhook_echoes_total", "Second reports of one fact, left out of a translation."),
		untranslatable: counter("imhook_untranslatable_total", "Events that the endpoint's dialect cannot express.", "type"),
		coalesced:      counter("imhook_coalesced_total", "Events that were folded into a later one of the same user's device, by coalesce."),
		repeats:        counter("imhook_repeats_total", "Events of requeues and replays: selected, and what became of them. They are not among the endpoint's own.", "kind", "outcome"),
		repeatsParked:  counter("imhook_repeats_parked_total", "Events of requeues and replays that were set aside as dead letters.", "kind", "reason"),
		repeatsUnsaid:  counter("imhook_repeats_untranslatable_total", "Events of replays that the endpoint's dialect cannot express.", "kind", "type"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "imhook_attempt_seconds", Help: "How long attempts took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"app", "endpoint"}),
		forgotten: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "imhook_forgotten_total", Help: "Events that were open for endpoints that had been removed for so long that they were forgotten.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	err := errors.Join(
		register(reg, &m.matched), register(reg, &m.delivered), register(reg, &m.attempts), register(reg, &m.parked),
		register(reg, &m.expired), register(reg, &m.echoes), register(reg, &m.untranslatable), register(reg, &m.seconds),
		register(reg, &m.repeats), register(reg, &m.repeatsParked), register(reg, &m.repeatsUnsaid), register(reg, &m.forgotten), register(reg, &m.coalesced),
	)
	if err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return m, nil
}

// register registers a collector, or takes the one that is registered already:
// several Deliverers may share a registry, and count together then.
func register[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	if before, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := before.ExistingCollector.(C); ok {
			*c = same
			return nil
		}
	}
	return err
}

// endpointMetrics are one endpoint's, with the labels resolved once.
type endpointMetrics struct {
	matched, delivered, expired, echoes  prometheus.Counter
	coalesced                            prometheus.Counter
	ok                                   prometheus.Counter
	seconds                              prometheus.Observer
	attempts, parkedBy, untranslatableBy *prometheus.CounterVec
	deliveredTotal, parkedTotal          *atomic.Uint64
	// books count what the account is made of; a counter that is not booked does not
	// take part in it.
	books *books
}

func (m *metrics) endpoint(app, name string) endpointMetrics {
	l := prometheus.Labels{"app": app, "endpoint": name}
	attempts := m.attempts.MustCurryWith(l)
	b := &books{}
	return endpointMetrics{
		books:   b,
		matched: booked{m.matched.With(l), &b.matched}, delivered: booked{m.delivered.With(l), &b.delivered},
		expired: booked{m.expired.With(l), &b.expired}, echoes: booked{m.echoes.With(l), &b.echoes},
		coalesced: booked{m.coalesced.With(l), &b.coalesced},
		ok:        attempts.WithLabelValues(string(gateway.Delivered), ""),
		seconds:   m.seconds.With(l),
		attempts:  attempts, parkedBy: m.parked.MustCurryWith(l), untranslatableBy: m.untranslatable.MustCurryWith(l),
		deliveredTotal: new(atomic.Uint64), parkedTotal: new(atomic.Uint64),
	}
}

// run are the counters of a run at an endpoint: attempts are the endpoint's.
func (m *metrics) run(app, name string, kind event.Repeat) endpointMetrics {
	e := m.endpoint(app, name)
	l := prometheus.Labels{"app": app, "endpoint": name, "kind": string(kind)}
	of := m.repeats.MustCurryWith(l)
	e.matched, e.delivered = of.WithLabelValues("selected"), of.WithLabelValues("delivered")
	e.expired, e.echoes = of.WithLabelValues("missing"), of.WithLabelValues("echo")
	e.parkedBy, e.untranslatableBy = m.repeatsParked.MustCurryWith(l), m.repeatsUnsaid.MustCurryWith(l)
	return e
}

// forget stops exporting an endpoint. Who still counts for it counts for nobody.
func (m *metrics) forget(app, name string) {
	l := prometheus.Labels{"app": app, "endpoint": name}
	for _, v := range []*prometheus.CounterVec{m.matched, m.delivered, m.expired, m.echoes, m.coalesced} {
		v.Delete(l)
	}
	m.seconds.Delete(l)
	for _, v := range []*prometheus.CounterVec{m.attempts, m.parked, m.untranslatable, m.repeats, m.repeatsParked, m.repeatsUnsaid} {
		v.DeletePartialMatch(l)
	}
}

// attempt counts an attempt of ev, or of several of which it is the first.
func (m endpointMetrics) attempt(o gateway.Outcome, ev *event.Event) {
	switch {
	case o.Kind == gateway.Untranslatable, o.Kind == gateway.Echoed:
		return // nothing was sent
	case o.Reason == gateway.ReasonCancelled:
		return // it says nothing
	case o.Kind == gateway.Delivered:
		m.ok.Inc()
	default:
		m.attempts.WithLabelValues(string(o.Kind), string(o.Reason)).Inc()
	}
	gateway.Observe(m.seconds, o.Took.Seconds(), ev.Trace)
}

// resumes counts the events that are open when an endpoint begins: from then on
// what was matched is what is open and what came to its end.
func (r *runner) resumes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.unfinished() + r.missing
	r.metrics.matched.Add(float64(n))
	r.metrics.books.carried.Add(uint64(n))
}

func (m endpointMetrics) delivers() {
	m.delivered.Inc()
	m.deliveredTotal.Add(1)
}

func (m endpointMetrics) parked(why gateway.Reason) {
	m.parkedBy.WithLabelValues(string(why)).Inc()
	m.parkedTotal.Add(1)
}

func (m endpointMetrics) untranslatable(t event.Type) {
	m.untranslatableBy.WithLabelValues(string(t)).Inc()
	m.books.untranslatable.Add(1)
}
