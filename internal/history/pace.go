package history

import (
	"context"
	"runtime"
	"time"
)

// pacer keeps whoever works from taking processor time that others want: after each
// slice of work it rests, the longer the less of the machine is idle.
//
// It is one goroutine's.
type pacer struct {
	//nolint:containedctx // the life of who works: a rest ends with it
	ctx context.Context
	// idle is how many processors nobody used of late.
	idle func() float64
	// begun is when the slice began, asked when idle was last asked for.
	begun, asked time.Time
	share        float64
}

const (
	// slice is after how much work it may rest.
	slice = 2 * time.Millisecond
	// leastShare is the part of one processor that it takes in any case, mostShare that
	// it takes at most.
	leastShare = 0.04
	mostShare  = 0.75
	// askEvery is how often it looks at how idle the machine is.
	askEvery = 250 * time.Millisecond
	// longestRest bounds a rest, so that it notices soon that others are done.
	longestRest = 100 * time.Millisecond
)

func newPacer(ctx context.Context, idle func() float64) *pacer {
	return &pacer{ctx: ctx, idle: idle, share: leastShare}
}

// begin begins a slice: what came before was waiting.
func (p *pacer) begin() { p.begun = time.Now() }

// rest rests if there was enough work since it last did. The time of a slice is what the
// clock says: where others take the processor away in between it rests longer.
func (p *pacer) rest() {
	now := time.Now()
	worked := now.Sub(p.begun)
	if worked < slice {
		return
	}
	if now.Sub(p.asked) > askEvery {
		// It takes half of what is idle, so that there is always some left for who wants
		// it next.
		p.asked, p.share = now, min(mostShare, max(leastShare, p.idle()/2))
	}
	t := time.NewTimer(min(longestRest, time.Duration(float64(worked)*(1/p.share-1))))
	select {
	case <-t.C:
	case <-p.ctx.Done():
		t.Stop()
	}
	p.begun = time.Now()
}

// processors is how many there are to use.
func processors() float64 { return float64(runtime.GOMAXPROCS(0)) }
