package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/live"
	"github.com/imhook/imhook/internal/trail"
)

// metered keeps attempts, has them counted, and shows them to those who look.
type metered struct {
	*attempts.Log
	meter *live.Meter
	feed  *live.Feed
}

// Record is told of an attempt.
func (m metered) Record(a gateway.Attempt) {
	m.Log.Record(a)
	m.meter.Attempt(a)
	m.feed.Attempt(a)
}

// weighed does so with decisions.
type weighed struct {
	*trail.Trail
	meter *live.Meter
	feed  *live.Feed
}

// Record is told of a decision.
func (w weighed) Record(d gateway.Decision) {
	w.Trail.Record(d)
	w.meter.Decision(d)
	w.feed.Decision(d)
}

// endStreams ends what would keep the listeners open.
func (a *App) endStreams(context.Context) error {
	close(a.closing)
	return nil
}

// liveConfig shows the running parts to those who want to see how they are doing.
func (a *App) liveConfig(j *journal.Journal, d delivering) live.Config {
	cfg := live.Config{
		Meter: &a.meter, Counters: a.counters, Version: a.cfg.Version, Now: a.cfg.Now, Log: a.cfg.Log,
		Sources: a.liveSources, Hooks: a.liveHooks, DeadLetters: j.DeadLetterCounts,
		Endpoints: func(ctx context.Context) []live.Endpoint { return a.liveEndpoints(ctx, d) },
		Troubles:  a.troubles(j),
	}
	if h := a.history; h != nil {
		cfg.History = func() live.History {
			s := h.Status()
			return live.History{State: string(s.State), Lag: s.Lag.Round(100 * time.Millisecond).Seconds(), Trouble: s.Trouble}
		}
	}
	if d, ok := d.(together); ok {
		cfg.Gateways = d.gateways
	}
	if h := a.history; h != nil {
		cfg.History = func() live.History {
			s := h.Status()
			return live.History{State: string(s.State), Lag: s.Lag.Seconds()}
		}
	}
	return cfg
}

func (a *App) liveSources() []live.Source {
	var all []live.Source
	for _, app := range a.current.Load().Apps {
		for _, s := range app.Sources {
			all = append(all, live.Source{App: app.Name, Name: s.Name, Dialect: s.Dialect, Generation: s.Generation})
		}
	}
	return all
}

func (a *App) liveHooks() []live.Hook {
	var all []live.Hook
	for _, h := range (hookStatuses{a}).Hooks() {
		one := live.Hook{
			App: h.App, Name: h.Name, Kind: h.Builtin + h.Dialect, State: string(h.State), Breaker: deliver.StateClosed,
			Trouble: h.Trouble, Failure: string(h.Failure),
		}
		if h.State == admin.HookOpen {
			one.Breaker = deliver.StateOpen
		}
		all = append(all, one)
	}
	return all
}

func (a *App) liveEndpoints(ctx context.Context, d delivering) []live.Endpoint {
	dialects := map[string]string{}
	for _, app := range a.current.Load().Apps {
		for _, e := range app.Endpoints {
			dialects[app.Name+"/"+e.Name] = e.Builtin + e.Dialect
		}
	}
	var all []live.Endpoint
	for _, s := range d.Status(ctx) {
		all = append(all, live.Endpoint{
			App: s.App, Name: s.Name, Dialect: dialects[s.App+"/"+s.Name], State: s.State, Breaker: s.Breaker,
			Paused: s.Paused, PausedUntil: s.PausedUntil, Backlog: s.Open + max(0, s.Behind), More: s.Unread && s.Behind <= 0, OldestAt: s.OldestAt,
			InFlight: s.InFlight, Ramp: s.Ramp, RampOf: s.RampOf, Blocked: s.Blocked,
			Delivered: s.Delivered, Parked: s.Parked, LastError: s.LastError,
		})
	}
	return all
}

// nearlyFull is the part of a bound that is worth a word.
const nearlyFull = 0.8

// troubles says in words what is wrong with configuration and journal.
func (a *App) troubles(j *journal.Journal) func(context.Context) []string {
	status := a.status(j)
	return func(ctx context.Context) (all []string) {
		s := status(ctx)
		if s.Config.Refused != "" {
			all = append(all, "configuration: what the files hold is not in force; the one before goes on: "+s.Config.Refused)
		}
		switch js := &s.Journal; {
		case js.Trouble != "":
			all = append(all, "journal: callbacks cannot be kept, and are refused: "+js.Trouble)
		case js.RetainBytes > 0 && float64(js.UnfinishedBytes) > nearlyFull*float64(js.RetainBytes):
			what := fmt.Sprintf("journal: it is nearly full: endpoints have not finished %d MiB of %d", js.UnfinishedBytes>>20, js.RetainBytes>>20)
			if held := a.deliver.Holding(); held != "" {
				what += "; " + held
			}
			all = append(all, what)
		}
		if js := &s.Journal; js.DiskReserveBytes > 0 && js.DiskFreeBytes < 2*js.DiskReserveBytes {
			all = append(all, fmt.Sprintf("journal: its disk is nearly full: %d MiB are free, %d are kept free", js.DiskFreeBytes>>20, js.DiskReserveBytes>>20))
		}
		if s.Journal.DroppedEvents > 0 {
			all = append(all, fmt.Sprintf("journal: %d events were dropped unfinished since the start: it was full and when_full is %s", s.Journal.DroppedEvents, s.Journal.WhenFull))
		}
		return all
	}
}

// gateways are those that share the journal.
func (t together) gateways(ctx context.Context) ([]live.Gateway, error) {
	v, err := t.View(ctx)
	var all []live.Gateway
	for _, m := range v.Members {
		g := live.Gateway{ID: m.ID, Host: m.Host, PID: m.PID, Writes: m.Writes, Self: m.ID == v.Self, Problem: m.Note}
		if len(m.Differs) > 0 && g.Problem == "" {
			g.Problem = "its configuration is another one than that of the gateway that writes: " + strings.Join(m.Differs, "; ")
		}
		all = append(all, g)
	}
	return all, err
}
