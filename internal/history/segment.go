package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/imhook/imhook/event"
)

// segment is a part of the history that was written together and leaves together. What
// it holds is found through its directory, which is in memory.
type segment struct {
	id int64
	db *sql.DB
	// text is a statement as the segment's database takes it.
	text func(string) string
	// prepares is true where statements are to be prepared once and kept.
	prepares bool

	// mu guards the following.
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
	kinds map[int64]kind

	// directory is guarded by [History.mu]; what it points to does not change.
	directory
}

// directory says where in a segment what is.
type directory struct {
	// chunks that are sealed, those of each phase ascending.
	chunks []chunk
	// open is what is not sealed, by phase.
	before, after open
	// spans are the places, and the pages, of which there are marks, steps and endings.
	marks, steps, endings span
}

// chunk is some of a segment's events of one phase, with their terms sorted.
type chunk struct {
	id          int64
	first, last place
	n           int
	blocks      []block
}

// block is a run of events of one phase, and when the first and the last of them were
// kept, in Unix milliseconds.
type block struct {
	first, last place
	lo, hi      int64
	n           int
}

// blockEvents is when a block is full.
const blockEvents = 1024

// span is a range of numbers; its zero value is empty.
type span struct{ lo, hi int64 }

func (s span) has(n int64) bool        { return s.lo <= n && n <= s.hi && s != (span{}) }
func (s span) meets(lo, hi int64) bool { return s != (span{}) && s.lo <= hi && lo <= s.hi }
func (s span) with(n int64) span {
	if s == (span{}) {
		return span{n, n}
	}
	return span{min(s.lo, n), max(s.hi, n)}
}

// open is the end of a segment: events with their terms in the order in which they
// came. What is there does not change, so that who looks at it may keep what it saw.
type open struct {
	places []place
	pairs  []pair
	// full are the blocks that are, last is the one that is being filled.
	full []block
	last block
}

// pair says that the n-th event of an open chunk has a term.
type pair struct {
	term term
	n    uint32
}

// add appends an event that was kept at that time.
func (o *open) add(p place, all []term, at int64) {
	o.restore(p, all)
	switch {
	case o.last.n == 0:
		o.last = block{first: p, last: p, lo: at, hi: at, n: 1}
		return
	case o.last.n >= blockEvents:
		o.full = append(o.full, o.last)
		o.last = block{first: p, last: p, lo: at, hi: at, n: 1}
		return
	}
	o.last.last, o.last.lo, o.last.hi = p, min(o.last.lo, at), max(o.last.hi, at)
	o.last.n++
}

// restore appends an event whose block is known.
func (o *open) restore(p place, all []term) {
	n := uint32(len(o.places))
	o.places = append(o.places, p)
	for _, t := range all {
		o.pairs = append(o.pairs, pair{t, n})
	}
}

// blocks are all of them.
func (o *open) blocks() []block {
	if o.last.n == 0 {
		return o.full
	}
	return append(slices.Clip(o.full), o.last)
}

// find returns the places of the events that have the term.
func (o *open) find(t term) []place {
	var all []place
	for _, p := range o.pairs {
		if p.term == t {
			all = append(all, o.places[p.n])
		}
	}
	return all
}

func (d *directory) of(phase event.Phase) *open {
	if phase == event.Before {
		return &d.before
	}
	return &d.after
}

// newest is the last place of a phase; false when there is none.
func (d *directory) newest(phase event.Phase) (place, bool) {
	if o := d.of(phase); len(o.places) > 0 {
		return o.places[len(o.places)-1], true
	}
	for _, c := range slices.Backward(d.chunks) {
		if c.first.phase() == phase {
			return c.last, true
		}
	}
	return 0, false
}

// count is how many events there are.
func (d *directory) count() int {
	n := len(d.before.places) + len(d.after.places)
	for _, c := range d.chunks {
		n += c.n
	}
	return n
}

// times is when the first and the last event were kept, in Unix milliseconds; false
// when there is none.
func (d *directory) times() (lo, hi int64, ok bool) {
	see := func(all []block) {
		for _, b := range all {
			if !ok {
				lo, hi, ok = b.lo, b.hi, true
			}
			lo, hi = min(lo, b.lo), max(hi, b.hi)
		}
	}
	for _, c := range d.chunks {
		see(c.blocks)
	}
	see(d.before.blocks())
	see(d.after.blocks())
	return lo, hi, ok
}

// query asks the segment. The rows must be closed.
func (s *segment) query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	if !s.prepares {
		return s.db.QueryContext(ctx, s.text(statement), args...)
	}
	s.mu.Lock()
	stmt := s.stmts[statement]
	if stmt == nil {
		var err error
		if stmt, err = s.db.PrepareContext(ctx, s.text(statement)); err != nil {
			s.mu.Unlock()
			return nil, err
		}
		s.stmts[statement] = stmt
	}
	s.mu.Unlock()
	return stmt.QueryContext(ctx, args...)
}

// each calls scan for each row of an answer.
func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// places returns where in a chunk the events are that have the term.
func (s *segment) places(ctx context.Context, c *chunk, t term) (all []place, err error) {
	rows, err := s.query(ctx, selectTerm, c.id, int64(t))
	err = each(rows, err, func(r *sql.Rows) error {
		var b sql.RawBytes
		if err := r.Scan(&b); err != nil {
			return err
		}
		all, err = parsePlaces(b, c.first.phase())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the places of a term: %w", err)
	}
	return all, nil
}

// kind returns a kind by its number.
func (s *segment) kind(ctx context.Context, n int64) (kind, error) {
	s.mu.Lock()
	k, ok := s.kinds[n]
	s.mu.Unlock()
	if ok {
		return k, nil
	}
	all, err := s.allKinds(ctx)
	if err != nil {
		return kind{}, err
	}
	if k, ok = all[n]; !ok {
		return kind{}, fmt.Errorf("segment %d has no kind %d", s.id, n)
	}
	return k, nil
}

// allKinds reads the kinds of the segment's events.
func (s *segment) allKinds(ctx context.Context) (map[int64]kind, error) {
	all := map[int64]kind{}
	rows, err := s.query(ctx, selectKinds)
	err = each(rows, err, func(r *sql.Rows) error {
		var n int64
		var k kind
		if err := r.Scan(&n, &k.Type, &k.Phase, &k.App, &k.Source, &k.Dialect, &k.Command); err != nil {
			return err
		}
		all[n] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the kinds of events: %w", err)
	}
	s.mu.Lock()
	s.kinds = all
	s.mu.Unlock()
	return all, nil
}

// kindsNow are the kinds that are known, read again when an event may have another.
func (s *segment) kindsNow(ctx context.Context, complete bool) (map[int64]kind, error) {
	s.mu.Lock()
	all := s.kinds
	s.mu.Unlock()
	if complete && len(all) > 0 {
		return all, nil
	}
	return s.allKinds(ctx)
}

// read asks for events: a statement that selects [eventColumns].
func (s *segment) read(ctx context.Context, statement string, args ...any) ([]Event, error) {
	var all []Event
	var kinds []int64
	rows, err := s.query(ctx, statement, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var e Event
		var p place
		var at, when, n int64
		var picked string
		err := r.Scan(&p, &at, &when, &n, &e.ID, &e.Actor, &e.Lane, &e.Message, &e.Link, &e.Verdict, &picked)
		e.Phase, e.Pos, e.At, e.Time, e.Picked = p.phase(), p.pos(), fromMoment(at), fromMoment(when), splitNames(picked)
		all, kinds = append(all, e), append(kinds, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	for i := range all {
		k, err := s.kind(ctx, kinds[i])
		if err != nil {
			return nil, err
		}
		e := &all[i]
		e.Type, e.App, e.Source, e.Dialect, e.Command = k.Type, k.App, k.Source, k.Dialect, k.Command
	}
	return all, nil
}

// load reads the segment's directory anew.
func (s *segment) load(ctx context.Context) (directory, error) {
	d := directory{}
	var blocks []block
	err := func() error {
		rows, err := s.query(ctx, selectChunks)
		if err := each(rows, err, func(r *sql.Rows) error {
			var c chunk
			err := r.Scan(&c.id, &c.first, &c.last, &c.n)
			d.chunks = append(d.chunks, c)
			return err
		}); err != nil {
			return err
		}
		rows, err = s.query(ctx, selectBlocks)
		if err := each(rows, err, func(r *sql.Rows) error {
			var b block
			err := r.Scan(&b.first, &b.last, &b.lo, &b.hi, &b.n)
			blocks = append(blocks, b)
			return err
		}); err != nil {
			return err
		}
		if err := s.loadSpans(ctx, &d); err != nil {
			return err
		}
		rows, err = s.query(ctx, selectFresh, int64(-1<<63))
		return each(rows, err, func(r *sql.Rows) error {
			var p place
			var b sql.RawBytes
			if err := r.Scan(&p, &b); err != nil {
				return err
			}
			d.of(p.phase()).restore(p, parseTerms(b))
			return nil
		})
	}()
	if err != nil {
		return d, fmt.Errorf("reading the directory of segment %d: %w", s.id, err)
	}
	for i := range d.chunks {
		c := &d.chunks[i]
		blocks = slices.DeleteFunc(blocks, func(b block) bool {
			mine := c.first <= b.first && b.last <= c.last
			if mine {
				c.blocks = append(c.blocks, b)
			}
			return mine
		})
	}
	for _, b := range blocks {
		if o := d.of(b.first.phase()); o.last.n == 0 {
			o.last = b
		} else {
			o.full, o.last = append(o.full, o.last), b
		}
	}
	return d, nil
}

// loadSpans reads the spans into a directory.
func (s *segment) loadSpans(ctx context.Context, d *directory) error {
	rows, err := s.query(ctx, selectSpans)
	return each(rows, err, func(r *sql.Rows) error {
		var name string
		var sp span
		if err := r.Scan(&name, &sp.lo, &sp.hi); err != nil {
			return err
		}
		was := d.span(name)
		*was = was.with(sp.lo).with(sp.hi)
		return nil
	})
}

// Names of spans. They are on disk: append only.
const (
	spanMarks   = "mark"
	spanSteps   = "step"
	spanEndings = "ending"
)

// span is one of the directory's, by its name.
func (d *directory) span(name string) *span {
	switch name {
	case spanMarks:
		return &d.marks
	case spanSteps:
		return &d.steps
	case spanEndings:
		return &d.endings
	}
	return &span{} // a newer imhook's
}
