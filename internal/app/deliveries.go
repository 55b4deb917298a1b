package app

import (
	"context"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/match"
)

// delivering delivers: as the one gateway of a journal, or as one of several.
type delivering interface {
	Start(ctx context.Context) error
	// follow replaces the endpoints; see [deliver.Deliverer.Set].
	follow(ctx context.Context, p *plan) error
	Status(ctx context.Context) []deliver.Status
	// Local is Status of what this gateway delivers itself.
	Local(ctx context.Context) []deliver.Status
	// Accounts are those of what this gateway delivers itself.
	Accounts() []deliver.Account
	Pause(id string, p deliver.Pause) error
	Resume(id string, how deliver.Resume) error
	Holding() string
	Unfinished(ctx context.Context, id string) (n int, complete bool, err error)
	StartPage(ctx context.Context, e deliver.Endpoint) (uint64, error)
	Count(ctx context.Context, match func(*event.Event) bool, from uint64) (n int, complete bool, err error)
	Stop(ctx context.Context) error
}

// alone delivers everything itself.
type alone struct{ *deliver.Deliverer }

func (a alone) follow(ctx context.Context, p *plan) error {
	return a.Set(ctx, p.endpoints, match.NewIndex(p.rules))
}

// Local is all.
func (a alone) Local(ctx context.Context) []deliver.Status { return a.Status(ctx) }

// together delivers what gateways of a cluster share.
type together struct{ *cluster.Node }

func (t together) follow(ctx context.Context, p *plan) error { return t.Set(ctx, p.shared()) }

// shared is the plan as a cluster shares it.
func (p *plan) shared() cluster.Plan {
	return cluster.Plan{Endpoints: p.endpoints, Spread: p.spread, Index: p.index, Fingerprint: p.fingerprint}
}

// deliveries makes what delivers the events of j.
func (a *App) deliveries(j *journal.Journal, p *plan, told deliver.Attempts) (delivering, error) {
	c := a.cfg.Config
	cfg := deliver.Config{
		Journal: j, Letters: j, Attempts: told, Select: a.rules.selects, Held: j.Held, Log: a.cfg.Log, Metrics: a.metrics, Now: a.cfg.Now, Aged: a.aged,
		RemovedAge: c.Journal.RetainAge, RemovedBytes: c.Journal.RetainBytes / 2,
	}
	if c.Journal.URL != "" {
		n, err := cluster.New(cluster.Config{Journal: j, Plan: p.shared(), Log: a.cfg.Log, Metrics: a.metrics, Deliver: cfg})
		return together{n}, err
	}
	cfg.Endpoints, cfg.Index = p.endpoints, match.NewIndex(p.rules)
	d, err := deliver.New(cfg)
	return alone{d}, err
}
