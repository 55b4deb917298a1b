package live

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Counters is where stages register what they count. It hands everything on, and keeps
// those at hand that are looked at here, so that nobody counts twice and not all of the
// gateway is asked.
type Counters struct {
	prometheus.Registerer

	mu                          sync.Mutex
	received, rejected, refused prometheus.Collector
}

// NewCounters hands on to reg.
func NewCounters(reg prometheus.Registerer) *Counters { return &Counters{Registerer: reg} }

// Register registers c.
func (c *Counters) Register(one prometheus.Collector) error {
	if err := c.Registerer.Register(one); err != nil {
		return err
	}
	for name, to := range map[string]*prometheus.Collector{
		"imhook_received_total": &c.received, "imhook_rejected_total": &c.rejected, "imhook_refused_total": &c.refused,
	} {
		if describes(one, name) {
			c.mu.Lock()
			*to = one
			c.mu.Unlock()
		}
	}
	return nil
}

// MustRegister registers all, or panics.
func (c *Counters) MustRegister(all ...prometheus.Collector) {
	for _, one := range all {
		if err := c.Register(one); err != nil {
			panic(err)
		}
	}
}

// describes reports whether a metric of that name is what one collects, and all.
func describes(one prometheus.Collector, name string) bool {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		one.Describe(descriptions)
	}()
	n, found := 0, false
	for d := range descriptions {
		n++
		found = found || strings.Contains(d.String(), `fqName: "`+name+`"`)
	}
	return found && n == 1
}

// arrivals are the counters of sources, by name: those of receive, which name no app
// where a source's name is enough.
type arrivals struct {
	// received is by source (app/name) and by type.
	received, types map[string]uint64
	// turned are requests that were not accepted and events that were not kept, by the
	// source's name; why has the former by reason.
	turned map[string]uint64
	why    map[string]map[string]uint64
}

func (c *Counters) arrivals() arrivals {
	a := arrivals{map[string]uint64{}, map[string]uint64{}, map[string]uint64{}, map[string]map[string]uint64{}}
	if c == nil {
		return a
	}
	c.mu.Lock()
	received, rejected, refused := c.received, c.rejected, c.refused
	c.mu.Unlock()
	collect(received, func(label func(string) string, n uint64) {
		a.received[label("app")+"/"+label("source")] += n
		a.types[label("type")] += n
	})
	collect(rejected, func(label func(string) string, n uint64) {
		name := label("source")
		a.turned[name] += n
		if a.why[name] == nil {
			a.why[name] = map[string]uint64{}
		}
		a.why[name][label("reason")] += n
	})
	collect(refused, func(label func(string) string, n uint64) { a.turned[label("source")] += n })
	return a
}

// collect calls fn for each counter of c.
func collect(c prometheus.Collector, fn func(label func(string) string, n uint64)) {
	if c == nil {
		return
	}
	metrics := make(chan prometheus.Metric, 64)
	go func() {
		defer close(metrics)
		c.Collect(metrics)
	}()
	for m := range metrics {
		var out dto.Metric
		if m.Write(&out) != nil || out.GetCounter() == nil {
			continue
		}
		fn(func(name string) string {
			for _, l := range out.GetLabel() {
				if l.GetName() == name {
					return l.GetValue()
				}
			}
			return ""
		}, uint64(out.GetCounter().GetValue()))
	}
}
