package decide

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// metrics are the counters of all hooks; their names are part of the outside
// surface.
type metrics struct {
	seconds    *prometheus.HistogramVec
	decisions  *prometheus.CounterVec
	downgrades *prometheus.CounterVec
	panics     *prometheus.CounterVec
	answers    *prometheus.HistogramVec
	again      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	buckets := prometheus.ExponentialBuckets(0.0005, 2, 14)
	hook := []string{"app", "hook"}
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "imhook_decision_seconds", Help: "How long hooks took to answer.", Buckets: buckets,
		}, hook),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "imhook_decisions_total", Help: "What hooks said, or their policy in their place, and why.",
		}, []string{"app", "hook", "verdict", "cause"}),
		downgrades: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "imhook_downgraded_total", Help: "Verdicts that the source's command cannot carry, by what became of them.",
		}, []string{"app", "hook", "verdict", "instead"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "imhook_hook_panics_total", Help: "Defects met while asking.",
		}, hook),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "imhook_verdict_seconds", Help: "How long before-callbacks waited for their verdict, from the first byte.", Buckets: buckets,
		}, []string{"app", "source", "verdict"}),
		again: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "imhook_decided_again_total", Help: "Retries of before-callbacks that were told the first one's verdict.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.seconds, m.decisions, m.downgrades, m.panics, m.answers, m.again} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) answered(ev *event.Event, v event.Verdict, took time.Duration) {
	gateway.Observe(m.answers.WithLabelValues(ev.App, ev.Source, string(v.Action)), took.Seconds(), ev.Trace)
}

func (m *metrics) downgraded(r *running, a gateway.Asked) {
	m.downgrades.WithLabelValues(r.App, r.Name, string(a.Verdict.Action), string(a.Instead)).Inc()
}

// hookMetrics are one hook's.
type hookMetrics struct {
	seconds   prometheus.Observer
	panics    prometheus.Counter
	decisions *prometheus.CounterVec
}

func (m *metrics) of(h Hook) *hookMetrics {
	labels := prometheus.Labels{"app": h.App, "hook": h.Name}
	return &hookMetrics{
		seconds: m.seconds.With(labels), panics: m.panics.With(labels),
		decisions: m.decisions.MustCurryWith(labels),
	}
}

// count counts what came of asking about an event.
func (m *hookMetrics) count(a gateway.Asked, ev *event.Event) {
	m.decisions.WithLabelValues(string(a.Verdict.Action), string(a.Cause)).Inc()
	if a.Took > 0 && a.Cause != gateway.CauseOpen && a.Cause != gateway.CauseOverload {
		gateway.Observe(m.seconds, a.Took.Seconds(), ev.Trace)
	}
}
