package app

import (
	"path/filepath"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/history"
)

// historyFiles is the history's directory below the data directory.
const historyFiles = "history"

// newHistory makes the read model; nil when it is off.
func (a *App) newHistory(j *journal.Journal) (*history.History, error) {
	c := a.cfg.Config
	if c.History.Off {
		return nil, nil
	}
	return history.New(history.Config{
		Dir: filepath.Join(c.DataDir, historyFiles), URL: c.History.URL, Age: c.History.Age, Bytes: c.History.Bytes,
		Journal: j, Decisions: j.Decisions(), Attempts: j.Attempts(), Letters: j, Restore: a.cfg.Registry.Restore,
		Picks: a.picked, Standing: a.standing, Room: j.Room, Metrics: a.metrics, Log: a.cfg.Log, Now: a.cfg.Now,
	})
}

// picks are the rules of endpoints, for who asks which of them pick an event.
type picks struct {
	index *match.Index
	ids   []string
}

// picks are those of the plan's endpoints.
func (p *plan) picks() *picks {
	x := &picks{}
	rules := make([]*match.Matcher, len(p.rules))
	for i := range p.endpoints {
		rules[i] = p.rules[i].Quiet() // deliver counts what cannot be evaluated
		x.ids = append(x.ids, p.endpoints[i].ID())
	}
	x.index = match.NewIndex(rules)
	return x
}

// picked are the endpoints (app/name) that get an event by the rules in force.
func (a *App) picked(ev *event.Event) []string {
	x := a.rulesNow.Load()
	if x == nil {
		return nil
	}
	var ids []string
	for _, place := range x.index.Match(ev) {
		ids = append(ids, x.ids[place])
	}
	return ids
}

// standing says where an event stands at an endpoint, where this gateway knows.
func (a *App) standing(endpoint string, pos gateway.Pos, lane event.Lane) gateway.Standing {
	if d := a.delivers.Load(); d != nil {
		return d.Standing(endpoint, pos, lane)
	}
	return gateway.Standing{}
}

// told is told what becomes of deliveries: the log of attempts of those, and the history
// of every end.
type told struct {
	attempts deliver.Attempts
	history  *history.History // may be nil
}

// Record implements [deliver.Attempts].
func (t told) Record(at gateway.Attempt) {
	if t.history != nil {
		t.history.Record(at)
	}
	if at.Outcome.Kind.Tried() {
		t.attempts.Record(at)
	}
}
