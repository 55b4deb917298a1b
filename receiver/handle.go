package receiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// handle brings after-events to their handlers, one after the other.
func (c *call) handle() dialect.Response {
	rc := c.rc
	for _, ev := range c.evs {
		begin, key := time.Now(), c.name(ev)
		head := envelope(ev)
		do := rc.afterOf(ev.Type)
		if do == nil {
			rc.unhandled(Outcome{Result: Unhandled, Event: head})
			continue
		}
		l := rc.take(c.r.Context(), job{
			ev: head, key: key, deadline: begin.Add(rc.cfg.Timeout),
			do: func(ctx context.Context) (event.Verdict, error) { return event.Verdict{}, do(ctx, ev) },
		})
		rc.tell(Outcome{Result: l.result, Event: head, Took: time.Since(begin), Err: l.err})
		if l.err != nil {
			return c.fail(head, l)
		}
	}
	return rc.cfg.Dialect.Ack(&c.req, c.evs)
}

// decide brings a before-event to its handler and answers with the verdict.
func (c *call) decide(ev *event.Event) dialect.Response {
	rc := c.rc
	key := c.question(ev)
	head := envelope(ev)
	do := rc.beforeOf(ev.Type)
	if do == nil {
		v := event.Allowed()
		rc.unhandled(Outcome{Result: Unhandled, Event: head, Verdict: v})
		return rc.cfg.Dialect.Answer(ev, v)
	}
	// The handler may change its event, and go on with it when nobody waits any more:
	// the answer is made from the event as it came.
	own, err := c.again()
	if err != nil {
		panic(err) // it could be read a moment ago
	}
	l := rc.take(c.r.Context(), job{
		ev: head, key: key, deadline: c.begin.Add(rc.cfg.Deadline),
		do: func(ctx context.Context) (event.Verdict, error) {
			v := do(ctx, own)
			if ctx.Err() != nil {
				return event.Verdict{}, errLate
			}
			return v, usable(v)
		},
	})
	v := l.verdict
	if l.err != nil {
		v = rc.cfg.OnFailure
		rc.log(l).Error("nobody decided: the answer is OnFailure's", "source", rc.cfg.Name, "event", head.ID, "type", head.Type,
			"result", l.result, "verdict", v.Action, "err", l.err)
	}
	res := rc.cfg.Dialect.Answer(ev, v)
	rc.tell(Outcome{Result: l.result, Event: head, Verdict: v, Took: time.Since(c.begin), Err: l.err})
	return res
}

// again reads the one event of the request once more.
func (c *call) again() (*event.Event, error) {
	evs, err := c.rc.cfg.Dialect.Decode(&c.req)
	if err != nil || len(evs) != 1 {
		return nil, fmt.Errorf("reading the event again: %d events, %w", len(evs), err)
	}
	id := c.evs[0].ID
	c.fill(evs[0])
	evs[0].ID = id
	return evs[0], nil
}

// errNoVerdict: the handler could not tell.
var errNoVerdict = errors.New("the handler returned no verdict")

// usable says what is wrong with a handler's verdict.
func usable(v event.Verdict) error {
	switch v.Action {
	case event.Allow, event.Deny, event.Drop:
		return nil
	case event.Rewrite:
		if v.Changes == nil {
			return fmt.Errorf("%w: a rewrite without changes", errNoVerdict)
		}
		return nil
	case "":
		return errNoVerdict
	}
	return fmt.Errorf("%w: there is no %q", errNoVerdict, v.Action)
}

// envelope is ev without what it is about: what may be read while a handler has the
// event.
func envelope(ev *event.Event) *event.Event {
	return &event.Event{
		ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time,
		Dialect: ev.Dialect, Generation: ev.Generation, Command: ev.Command, Trace: ev.Trace, TraceState: ev.TraceState,
		Lane: ev.Lane, Dedupe: ev.Dedupe, Echo: ev.Echo,
	}
}

// maxStrange bounds of how many kinds without a handler the log speaks.
const maxStrange = 100

// unhandled counts an event without a handler, and speaks once of each kind.
func (rc *Receiver) unhandled(o Outcome) {
	rc.tell(o)
	kind := string(o.Event.Phase) + " " + string(o.Event.Type)
	if o.Event.Type == event.VendorUnknown {
		kind += " " + short(o.Event.Command)
	}
	rc.mu.Lock()
	known := rc.strange[kind] || len(rc.strange) >= maxStrange
	if !known {
		rc.strange[kind] = true
	}
	rc.mu.Unlock()
	if !known {
		about := []any{"source", rc.cfg.Name, "phase", o.Event.Phase, "type", o.Event.Type, "command", short(o.Event.Command)}
		if o.Event.Phase == event.Before {
			rc.cfg.Log.Warn("questions of this type have no handler: they are allowed", about...)
		} else {
			rc.cfg.Log.Warn("events of this type have no handler: they are acknowledged", about...)
		}
	}
}
