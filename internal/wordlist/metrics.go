package wordlist

import "github.com/prometheus/client_golang/prometheus"

// Named is a list with the hook that it is.
type Named struct {
	App, Hook string
	List      *List
}

// NewCollector returns the metrics of all lists that lists returns: how many words are
// in force, and whether the file as it is now is. It keeps nothing, so lists may come
// and go; lists is called at each scrape and must be safe for concurrent use.
func NewCollector(lists func() []Named) prometheus.Collector {
	labels := []string{"app", "hook"}
	return &collector{
		lists: lists,
		words: prometheus.NewDesc("imhook_wordlist_words", "Words in force of a word list.", labels, nil),
		current: prometheus.NewDesc("imhook_wordlist_current",
			"1 while a word list's file is in force as it is, 0 after it was refused or is gone.", labels, nil),
	}
}

type collector struct {
	lists          func() []Named
	words, current *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.words
	ch <- c.current
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, n := range c.lists() {
		s := n.List.Status()
		current := 1.0
		if s.Err != nil {
			current = 0
		}
		ch <- prometheus.MustNewConstMetric(c.words, prometheus.GaugeValue, float64(s.Words), n.App, n.Hook)
		ch <- prometheus.MustNewConstMetric(c.current, prometheus.GaugeValue, current, n.App, n.Hook)
	}
}
