package deliver

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Pause is what is held by hand, why, and for how long.
type Pause struct {
	// Lane is one conversation; empty is the whole endpoint.
	Lane event.Lane
	// Why is shown to whoever wonders; at most 1 KiB of it is kept.
	Why string
	// Until is when it ends by itself, on the second; zero means not before
	// [Deliverer.Resume].
	Until time.Time
}

// Resume is what goes on.
type Resume struct {
	// Lane is one conversation; empty is the whole endpoint, but for conversations
	// that are paused themselves.
	Lane event.Lane
	// Now also closes the breaker and tries at once what waits for its next attempt,
	// or is blocked.
	Now bool
}

// Bounds of what is kept of pauses.
const (
	maxPausedLanes = 1000
	maxLaneName    = 4 << 10
)

// Errors of [Deliverer.Pause] and [Deliverer.Resume], beside [gateway.ErrNoEndpoint].
var (
	// ErrCannotPause wraps why a conversation cannot be paused.
	ErrCannotPause = errors.New("the conversation cannot be paused")
	// ErrNotHeld: the conversation is not paused, and with Now neither waiting nor
	// blocked.
	ErrNotHeld = errors.New("the conversation is not held")
)

// Pause makes no attempts for an endpoint (app/name), or for one of its
// conversations, until [Deliverer.Resume] or Until, also across restarts, and says
// why. What is held stays in order and is delivered then; attempts in flight end.
// What is paused already is so with the new reason and end.
func (d *Deliverer) Pause(id string, p Pause) error {
	return d.with(id, func(r *runner) error {
		if p.Lane == "" {
			r.pauseByHand(p)
			return nil
		}
		return r.pauseLane(p)
	})
}

// Resume lets a paused endpoint (app/name), or one of its conversations, go on. An
// endpoint comes back at its own pace: it begins with one attempt at a time.
func (d *Deliverer) Resume(id string, how Resume) error {
	return d.with(id, func(r *runner) error {
		if how.Lane == "" {
			r.resume(how.Now)
			return nil
		}
		return r.resumeLane(how)
	})
}

func (d *Deliverer) with(id string, do func(*runner) error) error {
	_, runners, _ := d.serving()
	i := slices.IndexFunc(runners, func(r *runner) bool { return r.id == id })
	if i < 0 {
		return gateway.ErrNoEndpoint
	}
	r := runners[i]
	r.mu.Lock()
	defer r.mu.Unlock()
	return do(r)
}

// because is a reason as it is kept.
func because(why string) string {
	why = strings.ToValidUTF8(why[:min(len(why), maxPaused)], "")
	if why == "" {
		return "no reason was given" // an empty one would be no pause
	}
	return why
}

// pause stops attempts until resume. What a run meets stops its endpoint, and with it
// the run: nobody could resume a run. Call with mu.
func (r *runner) pause(why string) {
	if r.guest != nil {
		if h := r.guest.host.Load(); h != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.pause(why)
		}
		return
	}
	if r.paused == "" {
		r.pauseByHand(Pause{Why: why})
	}
}

// pauseByHand stops attempts, whatever they were stopped for before. Call with mu.
func (r *runner) pauseByHand(p Pause) {
	r.paused, r.pausedUntil, r.dirty = because(p.Why), onMillisecond(p.Until), true
	r.log.Warn("endpoint paused", "endpoint", r.id, "why", r.paused, "until", until(p.Until))
}

// onMillisecond is a time as a record has it.
func onMillisecond(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// until says in a log when something ends.
func until(t time.Time) string {
	if t.IsZero() {
		return "resumed by hand"
	}
	return t.UTC().Format(time.RFC3339)
}

// resume lets attempts go on. Call with mu.
func (r *runner) resume(now bool) {
	if r.paused != "" {
		// It was gone, or something was done to it.
		r.ramp.restart()
	}
	r.paused, r.pausedUntil = "", time.Time{}
	r.dirty = true
	if now {
		if r.health.state != closed {
			r.ramp.restart()
			r.closes()
		}
		r.health.trips = 0
		r.recall(func(*lane) bool { return true })
	}
	r.dispatch()
}

// pauseLane holds one conversation. Call with mu.
func (r *runner) pauseLane(p Pause) error {
	switch _, again := r.pausedLanes[p.Lane]; {
	case r.Order != OrderConversation:
		return fmt.Errorf("%w: the endpoint's order is %s and knows no conversations; pause the endpoint", ErrCannotPause, r.Order)
	case len(p.Lane) > maxLaneName:
		return fmt.Errorf("%w: its name has more than %d bytes", ErrCannotPause, maxLaneName)
	case !again && len(r.pausedLanes) >= maxPausedLanes:
		return fmt.Errorf("%w: %d others are, which is the most; pause the endpoint", ErrCannotPause, maxPausedLanes)
	}
	p.Why, p.Until = because(p.Why), onMillisecond(p.Until)
	r.pausedLanes[p.Lane] = p
	r.dirty = true
	// One that waits or is in flight is set aside when it would go on.
	if l := r.lanes[p.Lane]; l != nil && l.state == laneReady {
		r.ready.remove(l)
		r.setAside(l)
	}
	r.log.Info("conversation paused", "endpoint", r.id, "conversation", p.Lane, "why", p.Why, "until", until(p.Until))
	return nil
}

// resumeLane lets one conversation go on. Call with mu.
func (r *runner) resumeLane(how Resume) error {
	_, paused := r.pausedLanes[how.Lane]
	l := r.lanes[how.Lane]
	waits := how.Now && l != nil && l.state == laneWaiting
	if !paused && !waits {
		return ErrNotHeld
	}
	r.release(how.Lane)
	if waits {
		r.waiting.remove(l)
		l.outage, l.blocked = false, nil
		l.queue[0].dueAt = r.now()
		r.makeReady(l)
	}
	r.dispatch()
	return nil
}

// release ends the pause of a conversation. Call with mu.
func (r *runner) release(key event.Lane) {
	delete(r.pausedLanes, key)
	r.dirty = true
	if l := r.lanes[key]; l != nil && l.state == laneHeld {
		r.makeReady(l)
	}
}

// holds reports whether somebody paused the lane. Call with mu.
func (r *runner) holds(l *lane) bool {
	if len(r.pausedLanes) == 0 {
		return false
	}
	_, held := r.pausedLanes[l.key]
	return held
}

// setAside holds a lane that would go on. Call with mu.
func (r *runner) setAside(l *lane) {
	l.state, l.flying = laneHeld, 0
	r.lighten(l)
	r.trim(l)
	r.nudgeIfRoomy()
}

// endPauses ends those whose time has come. Call with mu.
func (r *runner) endPauses(now time.Time) {
	if r.paused != "" && !r.pausedUntil.IsZero() && !r.pausedUntil.After(now) {
		r.log.Info("endpoint goes on: the time for which it was paused is over", "endpoint", r.id)
		r.resume(false)
	}
	if len(r.pausedLanes) == 0 {
		return
	}
	over := false
	for key, p := range r.pausedLanes {
		if !p.Until.IsZero() && !p.Until.After(now) {
			r.release(key)
			over = true
		}
	}
	if over {
		r.dispatch()
	}
}

// heldLanes are the pauses of conversations, in the order of their names. Call with
// mu.
func (r *runner) heldLanes() []Pause {
	if len(r.pausedLanes) == 0 {
		return nil
	}
	all := make([]Pause, 0, len(r.pausedLanes))
	for _, p := range r.pausedLanes {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Pause) int { return cmp.Compare(a.Lane, b.Lane) })
	return all
}
