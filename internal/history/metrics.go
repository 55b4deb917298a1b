package history

import "github.com/prometheus/client_golang/prometheus"

// collector shows how the history is doing, read when somebody asks.
type collector struct {
	h    *History
	rows []collected
}

type collected struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*History, Status) float64
}

func newCollector(h *History) *collector {
	c := &collector{h: h}
	row := func(name, help string, kind prometheus.ValueType, value func(*History, Status) float64) {
		c.rows = append(c.rows, collected{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	row("imhook_history_lag_seconds", "Age of the oldest event that the history has not read; 0 when it has read all.", gauge, func(_ *History, s Status) float64 { return s.Lag.Seconds() })
	row("imhook_history_broken", "1 while the history is not fed.", gauge, func(_ *History, s Status) float64 {
		if s.State == Broken {
			return 1
		}
		return 0
	})
	row("imhook_history_events", "Events in the history.", gauge, func(_ *History, s Status) float64 { return float64(s.Events) })
	row("imhook_history_bytes", "Room that the history takes.", gauge, func(_ *History, s Status) float64 { return float64(s.Bytes) })
	row("imhook_history_written_total", "Events that were written into the history.", counter, func(h *History, _ Status) float64 { return float64(h.counters.events.Load()) })
	row("imhook_history_failures_total", "How often feeding the history failed and was begun again.", counter, func(h *History, _ Status) float64 { return float64(h.counters.failures.Load()) })
	row("imhook_history_missed_pages_total", "Pages that left the journal before the history read them.", counter, func(h *History, _ Status) float64 { return float64(h.counters.missed.Load()) })
	row("imhook_history_lost_endings_total", "Deliveries of which the history did not note when they ended: they came faster than it writes.", counter, func(h *History, _ Status) float64 { return float64(h.counters.lostEndings.Load()) })
	return c
}

// Describe sends the descriptions.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range c.rows {
		ch <- r.desc
	}
}

// Collect sends the values.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.h.Status()
	for _, r := range c.rows {
		ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(c.h, s))
	}
}
