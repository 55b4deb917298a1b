package cluster

import "github.com/prometheus/client_golang/prometheus"

// collector shows this gateway's part of the cluster; members and differences are
// known to the one that writes, and shown by it alone.
type collector struct {
	n *Node

	writer, slices, members, differs, moves *prometheus.Desc
}

func newCollector(n *Node) *collector {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &collector{
		n:       n,
		writer:  desc("imhook_cluster_writer", "1 on the gateway of the cluster that writes the journal."),
		slices:  desc("imhook_cluster_slices", "Slices, of 32, whose endpoints this gateway delivers to."),
		members: desc("imhook_cluster_members", "Gateways of the cluster, on the one that writes."),
		differs: desc("imhook_cluster_config_differs", "Gateways whose configuration is another one, on the one that writes."),
		moves:   desc("imhook_cluster_moves_total", "Slices that were given to a gateway, on the one that writes."),
	}
}

// Describe sends the descriptions.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.writer, c.slices, c.members, c.differs, c.moves} {
		ch <- d
	}
}

// Collect sends the values.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	gauge(c.slices, c.n.delivers())
	b, err := c.n.mine()
	if err != nil {
		gauge(c.writer, 0)
		return
	}
	gauge(c.writer, 1)
	st := b.view()
	differs := 0
	for _, m := range st.Members {
		if len(m.Differs) > 0 {
			differs++
		}
	}
	gauge(c.members, len(st.Members))
	gauge(c.differs, differs)
	ch <- prometheus.MustNewConstMetric(c.moves, prometheus.CounterValue, float64(st.Moves))
}

// delivers is how many slices this gateway delivers: one that is being started, or whose
// grant is over, is nobody's.
func (n *Node) delivers() (slices int) {
	if n.held() != nil {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.runs {
		if s.running.Load() {
			slices++
		}
	}
	return slices
}
