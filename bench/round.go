package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/imhook/imhook/imfake"
)

// drainWithin is how long a side may take to hand on what it took in.
const drainWithin = 2 * time.Minute

// round is what one side did in one turn.
type round struct {
	Side   string `json:"side"`
	Events int    `json:"events"`
	// Rate is events over the time until the last one arrived, per second; In is
	// the rate at which they were answered.
	Rate float64 `json:"rate"`
	In   float64 `json:"in"`
	// CPU is the child's microseconds per event, whether handed on or answered.
	CPU float64 `json:"cpuMicrosPerEvent"`
	// P50 and P99 are of the answers to the poster, in microseconds.
	P50 float64 `json:"p50Micros"`
	P99 float64 `json:"p99Micros"`
	// Requests is how many requests the sink got.
	Requests int `json:"requests"`
	// Duplicates and Disorders are of the round's messages.
	Duplicates int `json:"duplicates"`
	Disorders  int `json:"disorders"`
}

// measure warms all sides up and then lets them take turns.
func measure(ctx context.Context, cfg config, sides []*side, progress io.Writer) (*report, error) {
	rep := &report{Config: cfg}
	for _, s := range sides {
		rep.Sides = append(rep.Sides, s.name)
		if cfg.Warmup > 0 {
			if _, err := oneRound(ctx, cfg, s, cfg.Warmup); err != nil {
				return nil, fmt.Errorf("warming up: %w", err)
			}
		}
	}
	for n := range cfg.Rounds {
		var turn []round
		for _, s := range sides {
			profiled := func() error { return nil }
			if cfg.profiles != "" && s.profiled && n == cfg.Rounds-1 {
				profiled = profile(ctx, s, cfg.profiles, cfg.Conns, cfg.Duration)
			}
			r, err := oneRound(ctx, cfg, s, cfg.Duration)
			if err := errors.Join(err, profiled()); err != nil {
				return nil, fmt.Errorf("round %d: %w", n+1, err)
			}
			turn = append(turn, r)
			fmt.Fprintf(progress, "round %d  %s\n", n+1, r)
		}
		rep.Rounds = append(rep.Rounds, turn)
	}
	for _, s := range sides {
		peak, err := peakMemory(s.pid())
		if err != nil {
			return nil, err
		}
		rep.Memory = append(rep.Memory, peak)
	}
	return rep, nil
}

// oneRound posts for d and waits until everything arrived. What is asked before is
// over with its answer: such a side has no sink.
func oneRound(ctx context.Context, cfg config, s *side, d time.Duration) (round, error) {
	before := s.snapshot()
	cpu, err := cpuTime(s.pid())
	if err != nil {
		return round{}, err
	}
	begin := time.Now()
	p, err := post(ctx, cfg, s, d)
	if err != nil {
		return round{}, err
	}
	posting := time.Since(begin)
	if err := drain(ctx, s, before.distinct+p.accepted); err != nil {
		return round{}, err
	}
	all := time.Since(begin)
	after := s.snapshot()
	cpuAfter, err := cpuTime(s.pid())
	if err != nil {
		return round{}, err
	}
	if s.sink != nil {
		if missing := s.sink.Tally().Missing(p.marks()); len(missing) > 0 {
			return round{}, fmt.Errorf("%s lost %d messages, such as %s", s.name, len(missing), missing[0])
		}
	}
	slices.Sort(p.latency)
	return round{
		Side:       s.name,
		Events:     p.accepted,
		Rate:       float64(p.accepted) / all.Seconds(),
		In:         float64(p.accepted) / posting.Seconds(),
		CPU:        micros(cpuAfter-cpu) / float64(max(1, p.accepted)),
		P50:        micros(quantile(p.latency, 0.50)),
		P99:        micros(quantile(p.latency, 0.99)),
		Requests:   after.requests - before.requests,
		Duplicates: after.duplicates - before.duplicates,
		Disorders:  after.disorders - before.disorders,
	}, nil
}

// marks are the places of all messages of the round.
func (p posted) marks() []imfake.Mark {
	marks := make([]imfake.Mark, 0, p.accepted)
	for lane, last := range p.seqs {
		for seq := range last {
			marks = append(marks, imfake.Mark{Lane: p.first + uint32(lane), Seq: seq + 1})
		}
	}
	return marks
}

type counts struct{ distinct, duplicates, disorders, requests int }

func (s *side) snapshot() counts {
	if s.sink == nil {
		return counts{}
	}
	t := s.sink.Tally()
	disorders, _ := t.Disorders()
	return counts{distinct: t.Distinct(), duplicates: t.Duplicates(), disorders: disorders, requests: int(s.sink.Requests())}
}

// drain waits until want different messages have arrived.
func drain(ctx context.Context, s *side, want int) error {
	if s.sink == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.sink.Tally().Distinct() < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s has handed on %d of %d messages: %w", s.name, s.sink.Tally().Distinct(), want, ctx.Err())
		}
	}
	return nil
}

// quantile of sorted values; zero when there are none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
