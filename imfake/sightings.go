package imfake

import (
	"errors"
	"fmt"

	"github.com/imhook/imhook/event"
)

// sightings remembers which events were taken, and in which order for the first
// time.
type sightings struct {
	keep   int // events kept; negative for all
	counts map[string]int
	lanes  map[event.Lane][]sighting
	total  int
	kept   int
}

// sighting is the first taking of an event; ev is nil when it was not kept.
type sighting struct {
	key string
	ev  *event.Event
}

func (s *sightings) note(ev *event.Event) {
	if s.counts == nil {
		s.counts = make(map[string]int)
		s.lanes = make(map[event.Lane][]sighting)
	}
	key := Key(ev)
	s.total++
	s.counts[key]++
	if s.counts[key] > 1 {
		return
	}
	first := sighting{key: key}
	if s.keep < 0 || s.kept < s.keep {
		first.ev = ev
		s.kept++
	}
	s.lanes[ev.Lane] = append(s.lanes[ev.Lane], first)
}

func (s *sightings) distinct() int { return len(s.counts) }

// FirstSightings returns the keys (see [Key]) of the events of each lane in the
// order in which they were taken for the first time.
func (b *Backend) FirstSightings() map[event.Lane][]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	firsts := make(map[event.Lane][]string, len(b.sightings.lanes))
	for lane, ss := range b.sightings.lanes {
		keys := make([]string, len(ss))
		for i, s := range ss {
			keys[i] = s.key
		}
		firsts[lane] = keys
	}
	return firsts
}

// Events counts the different events that were taken.
func (b *Backend) Events() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sightings.distinct()
}

// Duplicates counts how often an event was taken that had been taken before.
func (b *Backend) Duplicates() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sightings.total - b.sightings.distinct()
}

// CheckOrder says which lanes were not taken in order: position gives an event's
// place in its lane, false leaves it out. Only the first time counts, because a
// retry may repeat what was delivered. An event that was not kept (see [Keep]) is
// an error, since nothing could be said about it.
func (b *Backend) CheckOrder(position func(ev *event.Event) (place uint64, ok bool)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for lane, ss := range b.sightings.lanes {
		if err := checkLane(lane, ss, position); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func checkLane(lane event.Lane, ss []sighting, position func(*event.Event) (uint64, bool)) error {
	var last uint64
	first := true
	for _, s := range ss {
		if s.ev == nil {
			return fmt.Errorf("lane %q: event %q was not kept, its order cannot be checked", lane, s.key)
		}
		place, ok := position(s.ev)
		if !ok {
			continue
		}
		if !first && place <= last {
			return fmt.Errorf("lane %q: event %q has place %d but was taken after place %d", lane, s.key, place, last)
		}
		last, first = place, false
	}
	return nil
}
