package receive

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// metrics are the counters of all sources; their names are part of the outside
// surface. Items received are journaled, duplicates, refused or answered.
type metrics struct {
	received   *prometheus.CounterVec
	rejected   *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	journaled  *prometheus.CounterVec
	refused    *prometheus.CounterVec
	answered   *prometheus.CounterVec
	unanswered *prometheus.CounterVec
	panics     *prometheus.CounterVec
	items      *prometheus.CounterVec

	// place is where a type's counter stands in each source.
	place map[event.Type]int

	// booking guards books, which has the accounts of all sources by app and name.
	booking sync.Mutex
	books   map[[2]string]*book
}

// otherType labels types that no catalogue knows: callers must not make series.
const otherType = "other"

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		received:   counter("imhook_received_total", "Events that came in, authenticated and decoded.", "app", "source", "type"),
		rejected:   counter("imhook_rejected_total", "Requests that were not accepted, by reason.", "source", "reason"),
		duplicates: counter("imhook_duplicates_total", "Events received that the journal had already.", "source"),
		journaled:  counter("imhook_journaled_total", "Events received that the journal keeps.", "source"),
		refused:    counter("imhook_refused_total", "Events received that were not kept; their sender was told.", "source"),
		answered:   counter("imhook_answered_total", "Before-events that got a verdict.", "source", "verdict"),
		unanswered: counter("imhook_unanswered_total", "Requests whose sender left before the answer.", "source"),
		panics:     counter("imhook_panics_total", "Requests that met a defect of ours.", "source"),
		items:      counter("imhook_bulk_items_total", "Items of batches and lines of streams that are settled, by result.", "source", "result"),
		place:      map[event.Type]int{},
		books:      map[[2]string]*book{},
	}
	for i, e := range event.Catalogue() {
		m.place[e.Type] = i
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.received, m.rejected, m.duplicates, m.journaled, m.refused, m.answered, m.unanswered, m.panics, m.items,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// sourceMetrics are one source's, with the labels resolved once.
type sourceMetrics struct {
	all        *metrics
	received   *prometheus.CounterVec
	types      []atomic.Pointer[prometheus.Counter] // by metrics.place, the last for others
	rejected   *prometheus.CounterVec
	answered   *prometheus.CounterVec
	duplicates prometheus.Counter
	journaled  prometheus.Counter
	refused    prometheus.Counter
	unanswered prometheus.Counter
	panics     prometheus.Counter
	items      *prometheus.CounterVec
	book       *book
}

func (m *metrics) source(app, name string) *sourceMetrics {
	l := prometheus.Labels{"source": name}
	return &sourceMetrics{
		all:        m,
		received:   m.received.MustCurryWith(prometheus.Labels{"app": app, "source": name}),
		types:      make([]atomic.Pointer[prometheus.Counter], len(m.place)+1),
		rejected:   m.rejected.MustCurryWith(l),
		answered:   m.answered.MustCurryWith(l),
		duplicates: m.duplicates.With(l),
		journaled:  m.journaled.With(l),
		refused:    m.refused.With(l),
		unanswered: m.unanswered.With(l),
		panics:     m.panics.With(l),
		items:      m.items.MustCurryWith(l),
		book:       m.book(app, name),
	}
}

// receivedType counts one event. Series appear as types do: a source reports a
// handful of them.
func (s *sourceMetrics) receivedType(t event.Type) {
	i, ok := s.all.place[t]
	if !ok {
		i, t = len(s.types)-1, otherType
	}
	c := s.types[i].Load()
	if c == nil {
		made := s.received.WithLabelValues(string(t))
		c = &made
		s.types[i].Store(c)
	}
	(*c).Inc()
}

// bulk counts the items that were settled between two reports. Unknown ones count
// as that alone here.
func (s *sourceMetrics) bulk(before, after *dialect.Report) {
	for result, n := range map[dialect.Result]int{
		dialect.ItemAccepted:  (after.Accepted - after.Unknown) - (before.Accepted - before.Unknown),
		dialect.ItemUnknown:   after.Unknown - before.Unknown,
		dialect.ItemDuplicate: after.Duplicates - before.Duplicates,
		dialect.ItemRefused:   after.Refused - before.Refused,
	} {
		if n > 0 {
			s.items.WithLabelValues(string(result)).Add(float64(n))
		}
	}
}
