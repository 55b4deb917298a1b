package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Saved is the saved position of a part of an endpoint, with the saved position of
// the tail that served it, nil where there is none.
type Saved struct{ Position, Tail []byte }

// Regroup makes of the positions of all parts of an endpoint those of n other parts.
// part says which of them an event belongs to, page reads it. Nothing is left out:
// what some part had not read is read again by all, so that what another part had
// delivered of it is delivered again.
//
// None of the parts may run. tail is the position of a tail that serves none but the
// new parts.
func Regroup(ctx context.Context, parts []Saved, n int, part func(*event.Event) int, page func(context.Context, uint64) (*gateway.Page, error)) (records [][]byte, tail []byte, err error) {
	if len(parts) == 0 {
		return nil, nil, nil
	}
	var common position
	open := map[gateway.Pos]openEvent{}
	left := map[event.Lane]leftOver{}
	for i, s := range parts {
		p, err := parsePosition(s.Position)
		if err != nil {
			return nil, nil, err
		}
		if p.Live && s.Tail != nil {
			tail, k := binary.Uvarint(s.Tail)
			if k <= 0 {
				return nil, nil, errPosition
			}
			p.Read = max(p.Read, gateway.Pos(tail))
		}
		for _, o := range p.Open {
			open[o.Pos] = o
		}
		for _, l := range p.Left {
			had, ok := left[l.Lane]
			if ok {
				l.Last = max(l.Last, had.Last)
			}
			if had.Last = l.Last; !ok || l.First < had.First {
				had = leftOver{l, p.Read}
			}
			left[l.Lane] = had
		}
		if i == 0 {
			common = p
			continue
		}
		common.Read = min(common.Read, p.Read)
		if common.Paused == "" {
			common.Paused, common.Until = p.Paused, p.Until
		}
		for _, l := range p.Lanes {
			if !slices.ContainsFunc(common.Lanes, func(o Pause) bool { return o.Lane == l.Lane }) && len(common.Lanes) < maxPausedLanes {
				common.Lanes = append(common.Lanes, l)
			}
		}
		common.Health = durable{
			Open: common.Health.Open || p.Health.Open, Ramping: common.Health.Ramping || p.Health.Ramping, Trips: max(common.Health.Trips, p.Health.Trips),
		}
	}
	// What was taken ahead is read again as well.
	common.Live, common.Open, common.Ahead, common.Removed, common.Left = false, nil, aheadPart{}, removal{}, nil
	all := make([]position, n)
	for i := range all {
		all[i] = common
	}
	var at *gateway.Page
	for _, pos := range slices.Sorted(maps.Keys(open)) {
		if pos > common.Read {
			break // read again
		}
		to := 0
		if n > 1 {
			if at == nil || at.Seq != pos.Seq() {
				at, err = page(ctx, pos.Seq())
				if err != nil && !errors.Is(err, gateway.ErrNoPage) {
					return nil, nil, fmt.Errorf("reading page %d again: %w", pos.Seq(), err)
				}
				if err != nil {
					at = &gateway.Page{}
				}
			}
			// One that is gone is counted by whoever has it.
			if at.Seq == pos.Seq() && pos.Index() < len(at.Events) {
				to = part(at.Events[pos.Index()])
			}
		}
		all[to].Open = append(all[to].Open, open[pos])
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		l := left[key]
		if l.First > common.Read {
			continue // read again
		}
		if l.read > common.Read {
			l.Events, l.Last = 0, min(l.Last, common.Read) // some of them are read again; they are counted then
		}
		to := 0
		if n > 1 {
			to = part(&event.Event{Lane: key})
		}
		all[to].Left = append(all[to].Left, l.leftRecord)
	}
	records = make([][]byte, n)
	for i := range all {
		records[i] = appendPosition(nil, all[i])
	}
	return records, binary.AppendUvarint(nil, uint64(common.Read)), nil
}

// leftOver is what a part left behind of a lane, and up to where that part had read.
type leftOver struct {
	leftRecord
	read gateway.Pos
}
