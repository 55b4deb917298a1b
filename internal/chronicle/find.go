package chronicle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/gateway"
)

// Search says where to look. Its zero value, with a Limit, looks everywhere.
type Search struct {
	// Since and Until bound when an entry happened.
	Since, Until time.Time
	// Before and After are positions, exclusive; zero is no bound.
	Before, After gateway.Pos
	// Needles are texts that the JSON of an entry must have to be looked at: most
	// entries need not be parsed to know that they are not wanted.
	Needles [][]byte
	// Limit is how many are taken at most.
	Limit int
}

// Found is how far one search came.
type Found struct {
	// Next is where older entries go on (Before), zero at the end.
	Next gateway.Pos
	// Newest is the end of what is kept (After), for the next look.
	Newest gateway.Pos
}

// Bounds of one search, in entries and pages looked at.
const (
	MaxLooked = 200_000
	MaxPages  = 20_000
)

// Find looks backwards from the newest, or from s.Before, and offers entries to
// take, which says whether it was one of those that are wanted; an error of its own
// means that it cannot be read. Find stops after a bounded number of entries; Next
// then says where to go on.
func (c *Chronicle[T]) Find(ctx context.Context, s Search, take func(entry jsontext.Value) (bool, error)) (Found, error) {
	var f Found
	first, last, err := c.cfg.Store.Bounds(ctx)
	if err != nil {
		return f, err
	}
	f.Newest = gateway.NewPos(last+1, 0) - 1
	if s.Before > 0 {
		last = min(last, (s.Before - 1).Seq())
	}
	if !s.Until.IsZero() {
		if last, err = c.upTo(ctx, first, last, s.Until); err != nil {
			return f, err
		}
	}
	taken, looked, pages := 0, 0, 0
	for seq := last; seq >= first && seq > 0; seq-- {
		if s.After > 0 && gateway.NewPos(seq+1, 0)-1 <= s.After {
			return f, nil
		}
		if pages++; pages > MaxPages {
			f.Next = gateway.NewPos(seq+1, 0)
			return f, nil
		}
		page, at, err := c.open(ctx, seq)
		if err != nil {
			return f, err
		}
		if page == nil {
			continue
		}
		if at.Add(late).Before(s.Since) {
			return f, nil // all that is older was kept earlier
		}
		if !s.Since.IsZero() && page.Last.Add(time.Millisecond).Before(s.Since) || !s.Until.IsZero() && page.First.After(s.Until) {
			continue
		}
		for i, raw := range slices.Backward(page.Entries) {
			pos := gateway.NewPos(seq, i)
			if s.Before > 0 && pos >= s.Before {
				continue
			}
			if s.After > 0 && pos <= s.After {
				return f, nil
			}
			if looked++; taken == s.Limit || looked > MaxLooked {
				f.Next = pos + 1
				return f, nil
			}
			if !containsAll(raw, s.Needles) {
				continue
			}
			wanted, err := take(raw)
			if err != nil {
				c.skip(seq, err)
				continue
			}
			if wanted {
				taken++
			}
		}
	}
	return f, nil
}

// open reads a page; nil when it is not there or cannot be read.
func (c *Chronicle[T]) open(ctx context.Context, seq uint64) (*Opened, time.Time, error) {
	b, at, err := c.cfg.Store.Page(ctx, seq)
	if errors.Is(err, gateway.ErrNoPage) {
		return nil, at, nil
	}
	if err != nil {
		return nil, at, err
	}
	p, err := OpenPage(b)
	if err != nil {
		c.skip(seq, err)
		return nil, at, nil
	}
	return &p, at, nil
}

func (c *Chronicle[T]) skip(seq uint64, err error) {
	c.cfg.Unreadable.Inc()
	c.cfg.Log.Error("a page of what is kept for looking back is skipped", "of", c.cfg.What, "page", seq, "err", err)
}

// late is how long something may take until it is kept, and how far the clock of the
// store may be off: a server may wait for five minutes, and a hook in the shadow that is
// asked last has five more. Pages further behind hold nothing that happened before.
const late = 11 * time.Minute

// upTo is the last page that may hold something that happened until then.
func (c *Chronicle[T]) upTo(ctx context.Context, first, last uint64, until time.Time) (uint64, error) {
	if last < first {
		return last, nil
	}
	var failed error
	n := sort.Search(int(last-first+1), func(i int) bool {
		if failed != nil {
			return true
		}
		_, at, err := c.cfg.Store.Page(ctx, first+uint64(i))
		if err != nil && !errors.Is(err, gateway.ErrNoPage) {
			failed = err
		}
		return at.After(until.Add(late))
	})
	if failed != nil {
		return 0, fmt.Errorf("looking for a time: %w", failed)
	}
	return first + uint64(n) - 1, nil
}

func containsAll(b []byte, needles [][]byte) bool {
	for _, n := range needles {
		if !bytes.Contains(b, n) {
			return false
		}
	}
	return true
}

// Take returns what Find offers entries to: it reads each as an E, and adds those that
// are wanted to all.
func Take[E any](all *[]*E, wanted func(*E) bool) func(jsontext.Value) (bool, error) {
	return func(raw jsontext.Value) (bool, error) {
		var e E
		if err := json.Unmarshal(raw, &e, loose()...); err != nil {
			return false, fmt.Errorf("%w: %w", ErrPage, err)
		}
		if !wanted(&e) {
			return false, nil
		}
		*all = append(*all, &e)
		return true, nil
	}
}

// AppendJSON appends an entry as [Take] reads it.
func AppendJSON[E any](b []byte, e *E) ([]byte, error) {
	out, err := json.Marshal(e, loose()...)
	return append(b, out...), err
}

// loose takes what the world writes.
func loose() []json.Options {
	return []json.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
}

// Needles are those texts, each whole, that say something: see [Needle].
func Needles(texts ...string) (all [][]byte) {
	for _, s := range texts {
		if s == "" {
			continue
		}
		if b := Needle(s, true); b != nil {
			all = append(all, b)
		}
	}
	return all
}

// Needle is s as the JSON of an entry has it, whole, or as a part of a text; nil when
// it cannot be said.
func Needle(s string, whole bool) []byte {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return nil // it was replaced when the entry was written
	}
	if !whole {
		b = b[1 : len(b)-1]
	}
	return b
}
