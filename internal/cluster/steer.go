package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// order is what is asked of all parts of an endpoint.
type order struct {
	ID  string `json:"id"`
	Why string `json:"why,omitzero"`
	// Lane is one conversation; empty is all of the endpoint.
	Lane  event.Lane `json:"lane,omitzero"`
	Until time.Time  `json:"until,omitzero"`
	Now   bool       `json:"now,omitzero"`
}

// obeyed is what became of an order at one gateway.
type obeyed struct {
	// Known is true when it delivers to a part of the endpoint, Done when one of them
	// did it. Otherwise Problem says why not.
	Known   bool   `json:"known"`
	Done    bool   `json:"done"`
	Problem string `json:"problem,omitzero"`
}

func (o *obeyed) add(x obeyed) {
	o.Known, o.Done = o.Known || x.Known, o.Done || x.Done
	if o.Problem == "" {
		o.Problem = x.Problem
	}
}

// Resume is that of [deliver.Deliverer], whoever delivers to the endpoint.
func (n *Node) Resume(id string, how deliver.Resume) error {
	return n.command(sayResume, order{ID: id, Lane: how.Lane, Now: how.Now}, n.resume)
}

// Pause is that of [deliver.Deliverer], whoever delivers to the endpoint.
func (n *Node) Pause(id string, p deliver.Pause) error {
	return n.command(sayPause, order{ID: id, Lane: p.Lane, Why: p.Why, Until: p.Until}, n.pause)
}

func (n *Node) resume(o order) obeyed {
	return n.steer(func(d *deliver.Deliverer) error { return d.Resume(o.ID, deliver.Resume{Lane: o.Lane, Now: o.Now}) })
}

// pause tells all parts of an endpoint, also of a conversation that only one of them
// has: it stays paused when the endpoint is cut otherwise.
func (n *Node) pause(o order) obeyed {
	return n.steer(func(d *deliver.Deliverer) error {
		return d.Pause(o.ID, deliver.Pause{Lane: o.Lane, Why: o.Why, Until: o.Until})
	})
}

func (n *Node) steer(do func(*deliver.Deliverer) error) (all obeyed) {
	for _, d := range n.deliverers() {
		switch err := do(d); {
		case errors.Is(err, gateway.ErrNoEndpoint):
		case err != nil:
			all.add(obeyed{Known: true, Problem: err.Error()})
		default:
			all.add(obeyed{Known: true, Done: true})
		}
	}
	return all
}

// command asks all parts of an endpoint for something, or says which of them may not
// have heard it. Then it can be asked again.
func (n *Node) command(what string, o order, do func(order) obeyed) error {
	ctx, cancel := context.WithTimeout(n.ctx, 2*askTimeout)
	defer cancel()
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	v, err := n.View(ctx)
	if err != nil {
		return err
	}
	for _, p := range v.Parts {
		if p.Endpoint == o.ID && (p.Owner == "" || p.Moving) {
			return fmt.Errorf("%w: part %d of %d is going to another gateway, ask again", gateway.ErrUnavailable, p.Part, p.Of)
		}
	}
	var all obeyed
	err = n.each(ctx, what, data,
		func() []byte { b, _ := json.Marshal(do(o)); return b },
		func(answer []byte) error {
			var x obeyed
			err := json.Unmarshal(answer, &x)
			all.add(x)
			return err
		})
	if err != nil {
		n.cfg.Log.Warn("not every gateway of the cluster could be told", "what", what, "endpoint", o.ID, "err", err)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: not every gateway could be told, ask again: %w", gateway.ErrUnavailable, err)
	case all.Done:
		return nil
	case all.Known:
		return errors.New(all.Problem)
	default:
		return gateway.ErrNoEndpoint
	}
}

func (n *Node) serveResume(_ context.Context, data []byte) ([]byte, error) {
	return n.serveCommand(data, n.resume)
}

func (n *Node) servePause(_ context.Context, data []byte) ([]byte, error) {
	return n.serveCommand(data, n.pause)
}

func (n *Node) serveCommand(data []byte, do func(order) obeyed) ([]byte, error) {
	var o order
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("reading an order: %w", err)
	}
	return json.Marshal(do(o))
}

// addHealth adds how another part of an endpoint is doing as a whole.
func addHealth(m *deliver.Status, s deliver.Status) {
	if s.PausedUntil.After(m.PausedUntil) {
		m.PausedUntil = s.PausedUntil
	}
	if m.Breaker != deliver.StateOpen && s.Breaker != deliver.StateClosed && s.Breaker != "" {
		m.Breaker = s.Breaker
	}
	if m.ProbeAt.IsZero() || !s.ProbeAt.IsZero() && s.ProbeAt.Before(m.ProbeAt) {
		m.ProbeAt = s.ProbeAt
	}
	m.Ramp, m.RampOf = m.Ramp+s.Ramp, m.RampOf+s.RampOf
	m.PerSecond, m.BytesInFlight = m.PerSecond+s.PerSecond, m.BytesInFlight+s.BytesInFlight
	m.Blocked += s.Blocked
	m.BlockedLanes = append(m.BlockedLanes, s.BlockedLanes...)
	place := make(map[event.Lane]int, len(m.PausedLanes))
	for i, l := range m.PausedLanes {
		place[l.Lane] = i
	}
	for _, l := range s.PausedLanes {
		if i, ok := place[l.Lane]; ok {
			m.PausedLanes[i].Open += l.Open
			continue
		}
		m.PausedLanes = append(m.PausedLanes, l)
	}
}
