package deliver

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// TestBacklog_NeverForgetsALane: what was noted waits until the reader has passed the
// page, however many lanes share its places.
func TestBacklog_NeverForgetsALane(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint64Range(1, 1<<40).Draw(t, "base")
		b := newBacklog(base)
		last := map[event.Lane]uint64{}
		seq := base
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			seq += rapid.SampledFrom([]uint64{0, 1, 7, 1 << 31, 1 << 33}).Draw(t, "pages")
			l := event.Lane(fmt.Sprint(rapid.IntRange(0, 50).Draw(t, "lane")))
			b.note(l, seq)
			last[l] = seq
		}
		for l, page := range last {
			for _, next := range []uint64{base, page - 1, page} {
				if !b.waits(l, next) {
					t.Fatalf("lane %s, last in page %d behind %d: waits not for %d", l, page, base, next)
				}
			}
			if page-base < 1<<31 && len(last) == 1 && b.waits(l, page+1) {
				t.Fatalf("lane %s waits behind its last page", l)
			}
		}
	})
}

func TestBacklog_TakesFewLanesForOthers(t *testing.T) {
	t.Parallel()
	for lanes, most := range map[int]int{3_000: 20, 20_000: 1_000} {
		b := newBacklog(1)
		for i := range lanes {
			b.note(event.Lane(fmt.Sprint("waits ", i)), uint64(1+i))
		}
		wrong := 0
		for i := range 100_000 {
			if b.waits(event.Lane(fmt.Sprint("free ", i)), 1) {
				wrong++
			}
		}
		if wrong > most {
			t.Errorf("with %d lanes waiting %d of 100000 others are taken for one of them, want up to %d", lanes, wrong, most)
		}
		if b.waits("free 0", uint64(lanes+1)) {
			t.Error("a lane waits that the reader has passed")
		}
	}
}
