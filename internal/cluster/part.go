package cluster

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// Slices is into how many slices all endpoints fall. It is part of the format:
// what is saved under a slice is found under it again.
const Slices = 32

// MaxSpread is into how many parts one endpoint can be cut: its parts lie in
// different slices.
const MaxSpread = Slices

// part is one of the n parts of an endpoint.
type part struct {
	id   string // app/name
	i, n int
}

// home is where the first part of an endpoint lies. It is part of the format.
func home(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % Slices)
}

// slice is where a part lies.
func (p part) slice() int { return (home(p.id) + p.i) % Slices }

// has reports whether the part has the lane. It is part of the format.
func (p part) has(lane event.Lane) bool { return p.n <= 1 || partOf(lane, p.n) == p.i }

// partOf is which of n parts has the lane. The hash is another one than home's, and
// its upper half: lanes whose names differ in little must not fall together.
func partOf(lane event.Lane, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(lane))
	sum := h.Sum64()
	sum ^= sum >> 33
	sum *= 0xff51afd7ed558ccd
	return int((sum >> 32) % uint64(n))
}

// record is the key of a part's position. An endpoint that is not cut has the key
// that a single gateway gives it.
func (p part) record() string {
	if p.n <= 1 {
		return deliver.EndpointKey(p.id)
	}
	return fmt.Sprintf("%s#%dof%d", deliver.EndpointKey(p.id), p.i+1, p.n)
}

// parseRecord is the inverse of record; false for the key of something else.
func parseRecord(key string) (p part, ok bool) {
	id, ok := deliver.EndpointOf(key)
	if !ok {
		return p, false
	}
	name, cut, found := strings.Cut(id, "#")
	if !found {
		return part{id: id, n: 1}, true
	}
	p.id = name
	if _, err := fmt.Sscanf(cut, "%dof%d", &p.i, &p.n); err != nil || p.i < 1 || p.i > p.n || p.n < 2 || p.n > MaxSpread {
		return part{}, false
	}
	p.i--
	return p, true
}

// narrow makes of an endpoint its part.
func (p part) narrow(e deliver.Endpoint) deliver.Endpoint {
	if p.n <= 1 {
		return e
	}
	match := e.Match
	e.Part = p.has
	e.Match = func(ev *event.Event) bool { return p.has(ev.Lane) && match(ev) }
	if e.Rule != "" {
		e.Rule = fmt.Sprintf("%s #%d/%d", e.Rule, p.i+1, p.n)
	}
	// What the backend takes at once it takes from all parts together.
	e = e.WithDefaults()
	e.Concurrency = (e.Concurrency + p.n - 1) / p.n
	e.Rate /= float64(p.n)
	e.BytesInFlight = (e.BytesInFlight + int64(p.n) - 1) / int64(p.n)
	return e
}

// partIndex is the index of the parts in a slice. Like the index of whole endpoints it is
// asked by several goroutines at once: the tail, and who looks what waits.
type partIndex struct {
	deliver.Index
	parts []part // by place
}

// Match returns the places of the parts that get ev. The result is shared and must not
// be changed.
func (x *partIndex) Match(ev *event.Event) []int {
	all := x.Index.Match(ev)
	n := 0
	for _, place := range all {
		if x.parts[place].has(ev.Lane) {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case len(all):
		return all
	}
	found := make([]int, 0, n)
	for _, place := range all {
		if x.parts[place].has(ev.Lane) {
			found = append(found, place)
		}
	}
	return found
}

// Layout is into how many parts endpoints are cut, by app/name; those that are not
// in it are whole.
type Layout map[string]int

// spread is into how many parts the endpoint is cut.
func (l Layout) spread(id string) int { return max(1, l[id]) }

// partIn is the part of an endpoint that lies in a slice; false when none does.
func (l Layout) partIn(id string, slice int) (part, bool) {
	n := l.spread(id)
	i := (slice - home(id) + Slices) % Slices
	return part{id, i, n}, i < n
}
