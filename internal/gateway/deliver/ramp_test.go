package deliver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRamp_DoublesEachRoundAfterAnOutage(t *testing.T) {
	t.Parallel()
	p := ramp{limit: 32, most: 32, brink: 32}
	p.restart()
	var rounds []int
	for !p.full() {
		rounds = append(rounds, p.limit)
		for range p.limit {
			p.pass(1)
		}
	}
	if diff := cmp.Diff([]int{1, 2, 4, 8, 16}, rounds); diff != "" {
		t.Errorf("limits of the rounds (-want +got):\n%s", diff)
	}
}

func TestRamp_HalvesOnceForWhatWasInFlightAndThenGrowsInSteps(t *testing.T) {
	t.Parallel()
	p := ramp{limit: 32, most: 32, brink: 32}
	seen := p.cuts
	for range 10 {
		p.cut(seen)
	}
	if p.limit != 16 {
		t.Fatalf("limit is %d after the trouble of one round, want 16", p.limit)
	}
	rounds := 0
	for ; !p.full(); rounds++ {
		for range p.limit {
			p.pass(1)
		}
	}
	if rounds != 16 {
		t.Errorf("back at full speed after %d rounds, want 16: one more in each", rounds)
	}
}

func TestRamp_RestReachesHalfOfWhatItHadAtOnce(t *testing.T) {
	t.Parallel()
	p := ramp{limit: 32, most: 32, brink: 32}
	p.hold()
	var rounds []int
	for range 6 {
		rounds = append(rounds, p.limit)
		for range p.limit {
			p.pass(1)
		}
	}
	if diff := cmp.Diff([]int{1, 2, 4, 8, 16, 17}, rounds); diff != "" {
		t.Errorf("limits of the rounds (-want +got):\n%s", diff)
	}
}

func TestRamp_BatchesGrowBeforeTheirNumberDoes(t *testing.T) {
	t.Parallel()
	type size struct{ Width, Share int }
	p := ramp{limit: 400, most: 400, brink: 400}
	p.restart()
	var got []size
	for range 10 {
		got = append(got, size{p.width(100), p.share(100)})
		p.pass(p.limit)
	}
	want := []size{{1, 1}, {1, 2}, {1, 4}, {1, 8}, {1, 16}, {1, 32}, {1, 64}, {2, 64}, {3, 86}, {4, 100}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batches at once, and events in each (-want +got):\n%s", diff)
	}
}

// TestRamp_StaysInItsBounds draws what may happen to a ramp: the limit stays from 1 to
// most, never rises by more than what was delivered or a step, and never falls to
// less than half but where it begins again.
func TestRamp_StaysInItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(1, 5000).Draw(rt, "most")
		p := ramp{limit: most, most: most, brink: most}
		count := rapid.SampledFrom([]int{1, 10, 100}).Draw(rt, "count")
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			was := p
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				p.restart()
			case 1:
				p.hold()
			case 2, 3:
				seen := p.cuts - rapid.Uint64Range(0, min(p.cuts, 2)).Draw(rt, "rounds ago")
				p.cut(seen)
				if seen != was.cuts && p != was {
					rt.Fatalf("%+v became %+v by what began before the last cut", was, p)
				}
				if p.limit < was.limit/2 {
					rt.Fatalf("%+v became %+v, which is less than half", was, p)
				}
			case 4:
				p.resize(rapid.IntRange(1, 5000).Draw(rt, "new most"))
				if was.full() != p.full() && was.full() {
					rt.Fatalf("%+v became %+v: full speed was lost", was, p)
				}
			default:
				n := rapid.IntRange(1, 100).Draw(rt, "delivered")
				p.pass(n)
				if p.limit < was.limit || p.limit-was.limit > max(n, 1, was.most/rampSteps) {
					rt.Fatalf("%+v became %+v with %d delivered", was, p, n)
				}
			}
			if p.limit < 1 || p.limit > p.most || p.brink < 1 || p.brink > p.most {
				rt.Fatalf("%+v", p)
			}
			if in := p.width(count) * p.share(count); in < p.limit || p.share(count) > count {
				rt.Fatalf("%d batches of %d for a limit of %d", p.width(count), p.share(count), p.limit)
			}
		}
	})
}
