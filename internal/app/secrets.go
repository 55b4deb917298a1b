package app

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
)

// uses is when the secrets of sources and endpoints were used last. It outlives
// the configuration: what is known of a name stays when it is read again.
type uses struct {
	mu  sync.Mutex
	all map[admin.Owner]*dialect.SecretUses
}

// of returns the memory of one of them, always the same.
func (u *uses) of(o admin.Owner) *dialect.SecretUses {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all[o] == nil {
		if u.all == nil {
			u.all = map[admin.Owner]*dialect.SecretUses{}
		}
		u.all[o] = &dialect.SecretUses{}
	}
	return u.all[o]
}

// secretCollector shows the secrets of the configuration that is in force when
// somebody asks: those that were removed are gone at once.
type secretCollector struct {
	app             *App
	lastUsed, until *prometheus.Desc
}

func newSecretCollector(a *App) *secretCollector {
	labels := []string{"kind", "app", "name", "key", "place"}
	return &secretCollector{
		app: a,
		lastUsed: prometheus.NewDesc("imhook_secret_last_used_timestamp_seconds",
			"When a secret or path token was last used by a verified request, or signed one; 0 when it was not since the start.", labels, nil),
		until: prometheus.NewDesc("imhook_secret_expires_timestamp_seconds",
			"When a secret or path token ends, or has ended; absent for those that do not.", labels, nil),
	}
}

// Describe sends the descriptions.
func (c *secretCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.lastUsed
	ch <- c.until
}

// Collect sends the values.
func (c *secretCollector) Collect(ch chan<- prometheus.Metric) {
	a, now := c.app, c.app.cfg.Now()
	for _, app := range a.current.Load().Apps {
		for i := range app.Sources {
			s, o := &app.Sources[i], admin.Owner{Kind: admin.OwnerSource, App: app.Name, Name: app.Sources[i].Name}
			if d, err := a.cfg.Registry.Get(s.Dialect); err == nil {
				c.collect(ch, o, admin.SourceSecrets(s, d, a.uses.of(o), now))
			}
		}
		for i := range app.Endpoints {
			e, o := &app.Endpoints[i], admin.Owner{Kind: admin.OwnerEndpoint, App: app.Name, Name: app.Endpoints[i].Name}
			if d, err := a.cfg.Registry.Get(e.Dialect); err == nil {
				c.collect(ch, o, admin.EndpointSecrets(e, d, a.uses.of(o), now))
			}
		}
		for i := range app.Hooks {
			h, o := &app.Hooks[i], admin.Owner{Kind: admin.OwnerHook, App: app.Name, Name: app.Hooks[i].Name}
			if d, err := a.cfg.Registry.Get(h.Dialect); err == nil {
				c.collect(ch, o, admin.HookSecrets(h, d, a.uses.of(o), now))
			}
		}
	}
}

func (c *secretCollector) collect(ch chan<- prometheus.Metric, o admin.Owner, all []admin.SecretStatus) {
	for _, s := range all {
		labels := []string{string(o.Kind), o.App, o.Name, s.Key, strconv.Itoa(s.Place)}
		ch <- prometheus.MustNewConstMetric(c.lastUsed, prometheus.GaugeValue, seconds(s.LastUsed), labels...)
		if !s.Until.IsZero() {
			ch <- prometheus.MustNewConstMetric(c.until, prometheus.GaugeValue, seconds(s.Until), labels...)
		}
	}
}

// seconds is t in Unix time, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
