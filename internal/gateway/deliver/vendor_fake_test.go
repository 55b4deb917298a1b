package deliver

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// reply is how a backend meets one request.
type reply struct {
	out  gateway.Outcome
	took time.Duration
}

// request is one attempt: of which event, when, since the beginning.
type request struct {
	event int
	at    time.Duration
}

// moodyBackend is a Sender that answers the k-th request of the n-th event as its script says,
// and remembers when they came.
type moodyBackend struct {
	began  time.Time
	script func(n, k int) reply

	mu       sync.Mutex
	count    map[int]int
	requests []request
}

func (m *moodyBackend) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	var n int
	if _, err := fmt.Sscanf(ev.ID, "v/%d", &n); err != nil {
		panic(err)
	}
	m.mu.Lock()
	if m.count == nil {
		m.count = map[int]int{}
	}
	m.count[n]++
	k := m.count[n]
	m.requests = append(m.requests, request{n, time.Since(m.began)})
	m.mu.Unlock()
	r := m.script(n, k)
	pause(ctx, r.took)
	if ctx.Err() != nil {
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	return r.out
}

// seen are the requests, in the order of their times.
func (m *moodyBackend) seen() []request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return inTime(slices.Clone(m.requests))
}

func inTime(all []request) []request {
	slices.SortFunc(all, func(a, b request) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.event - b.event
	})
	return all
}

// model says, step by step in the order of time, what a vendor does with events that
// come at these times: which requests it makes and which events it loses.
type model struct {
	*dialect.Delivery
	parallel int
	script   func(n, k int) reply

	now      time.Duration
	arrived  []time.Duration
	again    []int
	waiting  []int
	flying   []flown
	count    []int
	attempts []int
	failed   [][]time.Duration
	began    [][]time.Duration
	until    []time.Duration

	requests []request
	lost     []int
}

type flown struct {
	event int
	out   gateway.Outcome
	ends  time.Duration
}

func newModel(d *dialect.Delivery, parallel int, arrived []time.Duration, script func(n, k int) reply) *model {
	n := len(d.Pauses)
	return &model{
		Delivery: d, parallel: parallel, script: script, arrived: arrived,
		count: make([]int, len(arrived)), attempts: make([]int, len(arrived)),
		failed: make([][]time.Duration, n), began: make([][]time.Duration, n), until: make([]time.Duration, n),
	}
}

func (m *model) run() {
	for next := 0; ; {
		at := time.Duration(-1)
		sooner := func(t time.Duration) {
			if at < 0 || t < at {
				at = t
			}
		}
		if next < len(m.arrived) {
			sooner(m.arrived[next])
		}
		for _, f := range m.flying {
			sooner(f.ends)
		}
		for _, u := range m.until {
			if u > m.now {
				sooner(u)
			}
		}
		for _, n := range m.queueless() {
			sooner(m.arrived[n] + m.QueueWait)
		}
		if at < 0 {
			break
		}
		m.now = at
		for i := 0; i < len(m.flying); {
			if f := m.flying[i]; f.ends == at {
				m.flying = slices.Delete(m.flying, i, i+1)
				m.end(f)
				continue
			}
			i++
		}
		m.send()
		if next < len(m.arrived) && m.arrived[next] == at {
			if m.isLosing() {
				m.lost = append(m.lost, next)
			} else {
				m.waiting = append(m.waiting, next)
			}
			next++
		}
		m.send()
		for _, n := range m.queueless() {
			if m.arrived[n]+m.QueueWait <= at {
				m.lost = append(m.lost, n)
				m.waiting = slices.DeleteFunc(m.waiting, func(w int) bool { return w == n })
			}
		}
	}
	slices.Sort(m.lost)
	inTime(m.requests)
}

// queueless are those that have no place in the queue.
func (m *model) queueless() []int {
	if m.QueueWait == 0 || len(m.waiting) <= m.Queue {
		return nil
	}
	return slices.Clone(m.waiting[m.Queue:])
}

func (m *model) isLosing() bool {
	for i, p := range m.Pauses {
		if !p.Keeps && m.until[i] > m.now {
			return true
		}
	}
	return false
}

func (m *model) isPausing() bool {
	return slices.ContainsFunc(m.until, func(u time.Duration) bool { return u > m.now })
}

func (m *model) send() {
	for !m.isPausing() && len(m.flying) < m.parallel {
		var n int
		switch {
		case len(m.again) > 0:
			n, m.again = m.again[0], m.again[1:]
		case len(m.waiting) > 0:
			n, m.waiting = m.waiting[0], m.waiting[1:]
		default:
			return
		}
		m.count[n]++
		r := m.script(n, m.count[n])
		m.requests = append(m.requests, request{n, m.now})
		m.flying = append(m.flying, flown{n, r.out, m.now + r.took})
	}
}

// end is the end of a request.
func (m *model) end(f flown) {
	kind := failureOf(f.out)
	for i, p := range m.Pauses {
		if !slices.Contains(p.After, kind) || m.until[i] > m.now {
			continue
		}
		m.failed[i] = append(m.failed[i], m.now)
		recent := 0
		for _, t := range m.failed[i] {
			if t == m.now || m.now-t < p.Within {
				recent++
			}
		}
		if recent < p.Count {
			continue
		}
		before := 0
		for _, t := range m.began[i] {
			if m.now-t < p.Over {
				before++
			}
		}
		m.failed[i] = nil
		m.began[i] = append(m.began[i], m.now)
		m.until[i] = m.now + p.Lasts[min(before, len(p.Lasts)-1)]
		if !p.Keeps {
			m.lost = append(m.lost, m.again...)
			m.lost = append(m.lost, m.waiting...)
			m.again, m.waiting = nil, nil
		}
	}
	if f.out.Kind == gateway.Delivered {
		return
	}
	for i, p := range m.Pauses {
		if p.Keeps && m.until[i] > m.now && slices.Contains(p.After, kind) {
			m.waits(f.event)
			return
		}
	}
	m.attempts[f.event]++
	if m.attempts[f.event] > m.Retries {
		m.lost = append(m.lost, f.event)
		return
	}
	m.waits(f.event)
}

// waits lets an event be tried again, unless it is lost meanwhile.
func (m *model) waits(n int) {
	if m.isLosing() {
		m.lost = append(m.lost, n)
		return
	}
	m.again = append(m.again, n)
}
