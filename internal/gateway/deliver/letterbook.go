package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Letters is where dead letters are read and taken away.
type Letters interface {
	// DeadLetter returns one, or gateway.ErrNoLetter.
	DeadLetter(ctx context.Context, seq uint64) (gateway.DeadLetter, error)
	// NextDeadLetter returns the first at or after seq of one endpoint (app/name), or
	// gateway.ErrNoLetter.
	NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error)
	// DeadLetterBounds returns the first and last number, and how many there are.
	DeadLetterBounds(ctx context.Context) (first, last, n uint64, err error)
	// RemoveDeadLetter takes one away; false when it was not there.
	RemoveDeadLetter(ctx context.Context, seq uint64) (bool, error)
}

// maxListed is how many dead letters a requeue has in order at a time.
const maxListed = 1 << 20

// letterBook shows an endpoint's dead letters to a runner as the pages of the
// journal that their events came in, so that they go in the journal's order, which
// is not always that of their parking: one that was requeued and parked again stands
// behind those that followed it.
//
// It has the places of a bounded number of them in memory; the next ones are listed
// when these are through.
type letterBook struct {
	Journal
	letters  Letters
	endpoint string
	// upTo is the last one that was there when the requeue was asked for.
	upTo  uint64
	wants func(*gateway.DeadLetter) bool
	most  int

	// mu guards the following.
	mu     sync.Mutex
	listed []listed
}

// listed is a dead letter's place.
type listed struct {
	pos gateway.Pos
	seq uint64
}

// list finds the dead letters that are wanted from page from on, and reports whether
// there are more than it could take. Those of earlier pages are through: a crash came
// between the record that says so and their removal, and they are taken away.
func (b *letterBook) list(ctx context.Context, from uint64) (more bool, err error) {
	var all []listed
	end := ^gateway.Pos(0)
	trim := func() {
		slices.SortFunc(all, func(x, y listed) int { return cmp.Or(cmp.Compare(x.pos, y.pos), cmp.Compare(x.seq, y.seq)) })
		if len(all) <= b.most {
			return
		}
		// A page is taken whole or not at all, but for one that is more than all.
		n := b.most
		for n > 0 && all[n-1].pos.Seq() == all[b.most].pos.Seq() {
			n--
		}
		if n == 0 {
			n = sort.Search(len(all), func(i int) bool { return all[i].pos.Seq() > all[0].pos.Seq() })
		}
		if n < len(all) {
			// Of the next page some may not have been seen yet: none of it is taken.
			more, end = true, gateway.NewPos(all[n].pos.Seq(), 0)
			all = all[:n]
		}
	}
	for seq := uint64(1); ; {
		d, err := b.letters.NextDeadLetter(ctx, seq, b.endpoint)
		if errors.Is(err, gateway.ErrNoLetter) || err == nil && d.Seq > b.upTo {
			break
		}
		if err != nil {
			return false, fmt.Errorf("listing dead letters: %w", err)
		}
		seq = d.Seq + 1
		if d.Pos >= end || !b.wants(&d) {
			continue
		}
		if d.Pos.Seq() < from {
			if _, err := b.letters.RemoveDeadLetter(ctx, d.Seq); err != nil {
				return false, fmt.Errorf("removing a dead letter that is through: %w", err)
			}
			continue
		}
		if all = append(all, listed{d.Pos, d.Seq}); len(all) >= 2*b.most {
			trim()
		}
	}
	trim()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listed = all
	return more, nil
}

// last is the last page of those that are listed; 0 when there are none.
func (b *letterBook) last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.listed) == 0 {
		return 0
	}
	return b.listed[len(b.listed)-1].pos.Seq()
}

// at are the numbers of the dead letters of one position: there are several when a
// crash came between the parking and what remembers it.
func (b *letterBook) at(pos gateway.Pos) (seqs []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, _ := slices.BinarySearchFunc(b.listed, pos, func(l listed, p gateway.Pos) int { return cmp.Compare(l.pos, p) })
	for ; i < len(b.listed) && b.listed[i].pos == pos; i++ {
		seqs = append(seqs, b.listed[i].seq)
	}
	return seqs
}

// below are the places of those that are listed up to pos.
func (b *letterBook) below(pos gateway.Pos) []listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := sort.Search(len(b.listed), func(i int) bool { return b.listed[i].pos > pos })
	return slices.Clone(b.listed[:i])
}

// of are the places of those of the first page at or after seq.
func (b *letterBook) of(seq uint64) []listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := sort.Search(len(b.listed), func(i int) bool { return b.listed[i].pos.Seq() >= seq })
	if i == len(b.listed) {
		return nil
	}
	k := i
	for k < len(b.listed) && b.listed[k].pos.Seq() == b.listed[i].pos.Seq() {
		k++
	}
	return slices.Clone(b.listed[i:k])
}

// Page implements [Journal]: events that are no dead letters of the run are nil.
func (b *letterBook) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	places := b.of(seq)
	if len(places) == 0 {
		return nil, gateway.ErrNoPage
	}
	end := places[len(places)-1].pos
	page := &gateway.Page{Seq: end.Seq(), Events: make([]*event.Event, end.Index()+1)}
	for _, p := range places {
		if page.Events[p.pos.Index()] != nil {
			continue
		}
		d, err := b.letters.DeadLetter(ctx, p.seq)
		if errors.Is(err, gateway.ErrNoLetter) {
			continue // somebody took it away
		}
		if err != nil {
			return nil, err
		}
		page.Events[p.pos.Index()] = d.Event
		page.Bytes += len(d.Event.Raw.Body)
	}
	return page, nil
}
