package cluster

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/imhook/imhook/event"
)

// some is an index that gives the same places for every event.
type some []int

func (s some) Match(*event.Event) []int { return s }

// The places stood in one slice that the next call wrote over: the tail and a survey ask
// side by side, and an event was given to the parts of another one's lane.
func TestPartIndex_IsAskedSideBySide(t *testing.T) {
	t.Parallel()
	var parts []part
	var all some
	for id := range 3 {
		for i := range 4 {
			all = append(all, len(parts))
			parts = append(parts, part{id: fmt.Sprint("a/", id), i: i, n: 4})
		}
	}
	parts = append(parts, part{id: "a/whole", n: 1})
	all = append(all, len(parts)-1)
	x := &partIndex{Index: all, parts: parts}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := range 500 {
				ev := &event.Event{Lane: event.Lane(fmt.Sprint("group:", g, "-", n))}
				var want []int
				for i, p := range parts {
					if p.has(ev.Lane) {
						want = append(want, i)
					}
				}
				got := x.Match(ev)
				if !slices.Equal(got, want) || len(want) != 4 {
					t.Errorf("%s: places %v, want %v", ev.Lane, got, want)
				}
			}
		})
	}
	wg.Wait()
	if !slices.Equal(all, some{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) {
		t.Errorf("the index below has %v now", all)
	}
}
