package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/gateway/journal"
)

// boundCollector shows the bounds that other numbers are held against, so that alerts
// need not be written anew for each configuration.
type boundCollector struct {
	app                            *App
	journal                        *journal.Journal
	timeout, open, budget          *prometheus.Desc
	retain, diskFree, diskReserved *prometheus.Desc
}

func newBoundCollector(a *App, j *journal.Journal) *boundCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &boundCollector{
		app: a, journal: j,
		timeout:      desc("imhook_hook_timeout_seconds", "How long the hook may take to answer.", "app", "hook"),
		open:         desc("imhook_hook_open", "1 while the hook is not asked because it failed too often.", "app", "hook"),
		budget:       desc("imhook_verdict_budget_seconds", "How long a before-callback of the source may wait for its verdict.", "app", "source"),
		retain:       desc("imhook_journal_retain_bytes", "Bytes that endpoints have not finished at which the journal is full."),
		diskFree:     desc("imhook_journal_disk_free_bytes", "Bytes that are free on the disk of the journal; absent where it is on a server."),
		diskReserved: desc("imhook_journal_disk_reserve_bytes", "Bytes of that disk that are kept free: with less, the journal is full."),
	}
}

// Describe sends the descriptions.
func (c *boundCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.timeout, c.open, c.budget, c.retain, c.diskFree, c.diskReserved} {
		ch <- d
	}
}

// Collect sends the values.
func (c *boundCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	conf := c.app.current.Load()
	for _, app := range conf.Apps {
		for _, h := range app.Hooks {
			if h.Enabled {
				gauge(c.timeout, h.Timeout.Seconds(), app.Name, h.Name)
			}
		}
	}
	for _, st := range c.app.decide.Status() {
		open := 0.0
		if len(st.Open) > 0 {
			open = 1
		}
		gauge(c.open, open, st.App, st.Name)
	}
	for _, b := range c.app.in.Budgets() {
		gauge(c.budget, b.Wait.Seconds(), b.App, b.Source)
	}
	gauge(c.retain, float64(conf.Journal.RetainBytes))
	if avail, reserve, err := c.journal.Room(); err == nil && reserve > 0 {
		gauge(c.diskFree, float64(avail))
		gauge(c.diskReserved, float64(reserve))
	}
}
