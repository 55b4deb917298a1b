package history

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
)

// Hit is one event of an answer.
type Hit struct {
	Event
	// Outcome is what became of it.
	Outcome Outcome
	// Ends are what became of it at each endpoint.
	Ends []End
}

// Found is one answer, newest first.
type Found struct {
	Hits []Hit
	// Next is where older events go on, its zero value at the end.
	Next Cursor
	// Lag is how old the oldest event is that was not read yet, and so not looked at.
	Lag time.Duration
}

// Bounds of one search: it answers what it has by then, and where to go on.
const (
	maxLooked    = 20_000
	searchWithin = 2 * time.Second
)

// Matcher compiles a pattern of types for the events of a phase. See [admin.Config].
type Matcher func(pattern string, phase event.Phase) (func(*event.Event) bool, error)

// Search looks for events from the newest on. The error wraps [ErrNotReady] when there
// is nothing to look in; another one is the database's. What is wrong with q
// [Query.Check] says.
func (h *History) Search(ctx context.Context, q Query, match Matcher) (Found, error) {
	var f Found
	if err := h.refresh(ctx); err != nil {
		return f, fmt.Errorf("%w: %s", ErrNotReady, sayDatabase(err))
	}
	h.using.RLock()
	defer h.using.RUnlock()
	snap, err := h.snapshot()
	if err != nil {
		return f, err
	}
	f.Lag = snap.lag
	s := &search{h: h, q: q, snap: snap, deadline: h.cfg.Now().Add(searchWithin)}
	if err := s.plan(match); err != nil {
		return f, err
	}
	for len(f.Hits) < q.Limit {
		e, ok, err := s.next(ctx)
		if err != nil {
			return f, err
		}
		if !ok {
			break
		}
		hit, err := h.hit(ctx, snap, e)
		if err != nil {
			return f, err
		}
		if s.wantsHit(&hit) {
			f.Hits = append(f.Hits, hit)
		}
	}
	f.Next, err = s.rest(ctx)
	return f, err
}

// snapshot is what there is to search at one moment.
type snapshot struct {
	parts []part // those of each phase from the newest on
	segs  []*segment
	dirs  []directory
	lag   time.Duration
}

// part is a chunk, sealed or open, to search.
type part struct {
	seg    *segment
	newest bool // of the newest segment, whose kinds may become more
	chunk  chunk
	open   *open // nil where it is sealed
}

func (h *History) snapshot() (*snapshot, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.store == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotReady, h.feeding.trouble)
	}
	s := &snapshot{lag: h.feeding.lag(h.cfg.Now())}
	for i, seg := range slices.Backward(h.segments) {
		d := seg.directory
		s.segs, s.dirs = append(s.segs, seg), append(s.dirs, d)
		for _, phase := range []event.Phase{event.Before, event.After} {
			if o := d.of(phase); len(o.places) > 0 {
				fixed := *o
				s.parts = append(s.parts, part{seg: seg, newest: i == len(h.segments)-1, open: &fixed, chunk: chunk{
					first: o.places[0], last: o.places[len(o.places)-1], n: len(o.places), blocks: o.blocks(),
				}})
			}
		}
		for _, c := range slices.Backward(d.chunks) {
			s.parts = append(s.parts, part{seg: seg, newest: i == len(h.segments)-1, chunk: c})
		}
	}
	return s, nil
}

// of are the parts of a phase.
func (s *snapshot) of(phase event.Phase) []part {
	return slices.DeleteFunc(slices.Clone(s.parts), func(p part) bool { return p.chunk.first.phase() != phase })
}

// search is one search under way.
type search struct {
	h        *History
	q        Query
	snap     *snapshot
	deadline time.Time
	looked   int

	// groups are terms of which an event must have one each.
	groups [][]term
	// marked is a term that was added to the event later; zero means none.
	marked term
	// kinds says whether a kind of a phase is wanted; nil takes all.
	kinds   map[event.Phase]func(kind) bool
	streams []*stream
}

// plan works out what is looked for.
func (s *search) plan(match Matcher) error {
	q := &s.q
	add := func(all ...term) { s.groups = append(s.groups, all) }
	for _, w := range q.Words {
		all := []term{newTerm(byID, w), newTerm(byID, linked(w)), newTerm(byUser, w), newTerm(byConversation, w)}
		for _, k := range event.Kinds() {
			all = append(all, newTerm(byConversation, string(event.NewLane(k, w))))
		}
		slices.Sort(all)
		add(slices.Compact(all)...)
	}
	if q.ID != "" {
		all := []term{newTerm(byID, q.ID), newTerm(byID, linked(q.ID))}
		slices.Sort(all)
		add(slices.Compact(all)...)
	}
	if q.User != "" {
		add(newTerm(byUser, q.User))
	}
	if q.Conversation != "" {
		add(newTerm(byConversation, string(q.Conversation)))
	}
	if q.Group != "" {
		add(newTerm(byConversation, string(event.NewLane(event.KindGroup, q.Group))))
	}
	phases := []event.Phase{event.After, event.Before}
	if q.Phase != "" {
		phases = []event.Phase{q.Phase}
	}
	only := func(p event.Phase) {
		phases = slices.DeleteFunc(phases, func(o event.Phase) bool { return o != p })
	}
	if q.Endpoint != "" {
		only(event.After)
		add(newTerm(byEndpoint, q.Endpoint))
	}
	switch {
	case q.Outcome == "":
	case q.Outcome.before():
		only(event.Before)
		add(newTerm(byOutcome, string(q.Outcome)))
	default:
		only(event.After)
		switch q.Outcome {
		case Unpicked:
			add(newTerm(byOutcome, string(Unpicked)))
		case Parked, Expired, Failed:
			s.marked = newTerm(byOutcome, string(q.Outcome))
		case Removed:
			s.marked = newTerm(byOutcome, string(Parked))
		case Retrying:
			s.marked = newTerm(byOutcome, string(Failed))
		}
	}
	if q.Type != "" || q.App != "" || q.Source != "" {
		s.kinds = map[event.Phase]func(kind) bool{}
		for _, phase := range phases {
			wants := func(*event.Event) bool { return true }
			if q.Type != "" {
				var err error
				if wants, err = match(q.Type, phase); err != nil {
					if q.Phase == "" && phase == event.Before {
						only(event.After) // what a pattern means may be of one phase
						continue
					}
					return err
				}
			}
			s.kinds[phase] = func(k kind) bool {
				return (q.App == "" || k.App == q.App) && (q.Source == "" || k.Source == q.Source) && wants(k.stub())
			}
		}
	}
	for _, phase := range phases {
		s.streams = append(s.streams, &stream{s: s, phase: phase, parts: s.snap.of(phase), end: q.After.of(phase)})
	}
	return nil
}

// next is the next event that is found by its terms, of both phases the newer one; false
// when there is none, or when it was looked for long enough.
func (s *search) next(ctx context.Context) (Event, bool, error) {
	from, err := s.newest(ctx)
	if err != nil || from == nil {
		return Event{}, false, err
	}
	e := from.events[0]
	from.events, from.end = from.events[1:], e.place()
	return e, true, nil
}

// newest is the stream whose next event is the newest; nil when there is none, or when
// it was looked for long enough.
func (s *search) newest(ctx context.Context) (*stream, error) {
	var from *stream
	for _, st := range s.streams {
		ok, err := st.peek(ctx)
		if err != nil || s.spent() {
			return nil, err // no stream must run ahead of the others
		}
		if ok && (from == nil || st.events[0].At.After(from.events[0].At)) {
			from = st
		}
	}
	return from, nil
}

// rest is where the next search goes on; zero when nothing is left.
func (s *search) rest(ctx context.Context) (Cursor, error) {
	from, err := s.newest(ctx)
	if err != nil || from == nil && !s.spent() {
		return Cursor{}, err
	}
	c := Cursor{before: decided}
	for _, st := range s.streams {
		switch {
		case st.over():
		case st.phase == event.Before:
			c.before = st.end
		default:
			c.after = st.end
		}
	}
	return c, nil
}

// spent reports whether it was looked for long enough.
func (s *search) spent() bool { return s.looked > maxLooked || s.h.cfg.Now().After(s.deadline) }

// wantsHit reports whether what became of an event is what is looked for.
func (s *search) wantsHit(hit *Hit) bool {
	q := &s.q
	if q.Outcome == "" || hit.Phase == event.Before || q.Outcome == Unpicked {
		return true
	}
	if q.Endpoint == "" && q.Outcome != Failed {
		return hit.Outcome == q.Outcome || slices.ContainsFunc(hit.Ends, func(e End) bool { return e.Outcome == q.Outcome })
	}
	return slices.ContainsFunc(hit.Ends, func(e End) bool {
		return (q.Endpoint == "" || e.Endpoint == q.Endpoint) && (e.Outcome == q.Outcome || q.Outcome == Failed && e.Failed > 0)
	})
}

// stream goes through the events of one phase, from the newest on.
type stream struct {
	s     *search
	phase event.Phase
	parts []part // that were not looked at
	// end is the place before which it goes on.
	end place
	// at is the part at hand. found are places in it whose rows were not read, ascending;
	// scanning are blocks of which all rows are, where no term says which.
	at       part
	found    []place
	scanning []block
	wanted   map[int64]bool // kinds of at; nil is all
	events   []Event        // that were read
}

// over reports whether nothing is left.
func (st *stream) over() bool {
	return len(st.parts) == 0 && len(st.found) == 0 && len(st.scanning) == 0 && len(st.events) == 0
}

// peek makes sure that the next event is at hand; false when there is none, or when it
// was looked for long enough.
func (st *stream) peek(ctx context.Context) (bool, error) {
	for len(st.events) == 0 && !st.over() {
		if st.s.spent() {
			return false, nil
		}
		var err error
		switch {
		case len(st.found) > 0:
			err = st.read(ctx)
		case len(st.scanning) > 0:
			err = st.scan(ctx)
		default:
			st.at, st.parts = st.parts[0], st.parts[1:]
			err = st.look(ctx)
		}
		switch {
		case err == nil:
		case isDamage(err):
			// The others are whole.
			st.s.h.hurts(st.at.seg, err)
			st.found, st.scanning, st.end = nil, nil, min(st.end, st.at.chunk.first)
		default:
			return false, fmt.Errorf("searching segment %d of the history: %w", st.at.seg.id, err)
		}
	}
	return len(st.events) > 0, nil
}

// inTime reports whether a block may hold what was kept in the wanted time.
func (st *stream) inTime(b block) bool {
	q := &st.s.q
	return (q.Since.IsZero() || b.hi >= q.Since.UnixMilli()) && (q.Until.IsZero() || b.lo <= q.Until.UnixMilli())
}

// look finds the places of the part at hand that are wanted.
func (st *stream) look(ctx context.Context) error {
	c := &st.at.chunk
	if c.first >= st.end {
		return nil // a search before this one came past it
	}
	all, err := st.places(ctx)
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearch(all, st.end)
	st.found = all[:i]
	if len(st.found) == 0 && len(st.scanning) == 0 {
		st.end = c.first
	}
	return nil
}

// places returns those of the part at hand that the terms say, ascending; or sets out to
// scan it where they say nothing.
func (st *stream) places(ctx context.Context) ([]place, error) {
	c := &st.at.chunk
	blocks := slices.DeleteFunc(slices.Clone(c.blocks), func(b block) bool { return !st.inTime(b) })
	if len(blocks) == 0 {
		return nil, nil
	}
	kinds, err := st.kinds(ctx)
	if err != nil || st.wanted != nil && len(kinds) == 0 {
		return nil, err
	}
	var all []place
	narrowed := false
	narrow := func(some []place) bool {
		if narrowed {
			some = intersect(all, some)
		}
		all, narrowed = some, true
		return len(all) > 0
	}
	if st.s.marked != 0 {
		marks, err := st.s.snap.marks(ctx, st.s.marked, c.first, c.last)
		if err != nil || !narrow(marks) {
			return nil, err
		}
	}
	for _, group := range st.s.groups {
		some, err := st.having(ctx, group)
		if err != nil || !narrow(some) {
			return nil, err
		}
	}
	if st.wanted != nil && (!narrowed || len(all) > manyPlaces) {
		some, err := st.having(ctx, kinds)
		if err != nil || !narrow(some) {
			return nil, err
		}
	}
	if !narrowed {
		st.scanning = blocks
		return nil, nil
	}
	if len(blocks) < len(c.blocks) {
		all = slices.DeleteFunc(slices.Clone(all), func(p place) bool {
			return !slices.ContainsFunc(blocks, func(b block) bool { return b.first <= p && p <= b.last })
		})
	}
	return all, nil
}

// manyPlaces is from how many places on it is worth to look for kinds by their terms: of
// fewer the rows are read and say it.
const manyPlaces = 512

// having returns the places of the part at hand that have one of the terms, ascending.
func (st *stream) having(ctx context.Context, terms []term) ([]place, error) {
	var sets [][]place
	for _, t := range terms {
		var one []place
		if st.at.open != nil {
			one = st.at.open.find(t)
		} else {
			var err error
			if one, err = st.at.seg.places(ctx, &st.at.chunk, t); err != nil {
				return nil, err
			}
		}
		if len(one) > 0 {
			sets = append(sets, one)
		}
	}
	return union(sets), nil
}

// kinds are the terms of the kinds of the part at hand that are wanted; it sets wanted,
// nil when all are.
func (st *stream) kinds(ctx context.Context) ([]term, error) {
	st.wanted = nil
	wants := st.s.kinds[st.phase]
	if wants == nil {
		return nil, nil
	}
	all, err := st.at.seg.kindsNow(ctx, !st.at.newest)
	if err != nil {
		return nil, err
	}
	var terms []term
	wanted, mine := map[int64]bool{}, 0
	for n, k := range all {
		if k.Phase != st.phase {
			continue
		}
		mine++
		if wants(k) {
			wanted[n] = true
			terms = append(terms, kindTerm(n))
		}
	}
	if len(wanted) == mine && mine > 0 && !st.at.newest {
		return nil, nil // all of them: there is nothing to look for
	}
	st.wanted = wanted
	return terms, nil
}

// marks are the places between two that were marked with a term after they were written.
func (s *snapshot) marks(ctx context.Context, t term, first, last place) ([]place, error) {
	var sets [][]place
	for i, seg := range s.segs {
		if !s.dirs[i].marks.meets(int64(first), int64(last)) {
			continue
		}
		var one []place
		rows, err := seg.query(ctx, selectMarks, int64(t), int64(first), int64(last))
		if err := each(rows, err, func(r *sql.Rows) error {
			var p place
			err := r.Scan(&p)
			one = append(one, p)
			return err
		}); err != nil {
			return nil, fmt.Errorf("reading marks: %w", err)
		}
		if len(one) > 0 {
			sets = append(sets, one)
		}
	}
	return union(sets), nil
}

// read reads the rows of the newest places that were found.
func (st *stream) read(ctx context.Context) error {
	n := max(0, len(st.found)-fetched)
	batch := st.found[n:]
	st.found = st.found[:n]
	events, err := st.at.seg.events(ctx, batch)
	if err != nil {
		return err
	}
	st.take(events, batch[0])
	return nil
}

// scan reads rows of the newest block that is to be scanned.
func (st *stream) scan(ctx context.Context) error {
	n := len(st.scanning) - 1
	b := &st.scanning[n]
	last := min(b.last, st.end-1)
	if last < b.first {
		st.scanning = st.scanning[:n]
		return nil
	}
	events, err := st.at.seg.read(ctx, selectRange, int64(b.first), int64(last))
	if err != nil {
		return err
	}
	if len(events) < scanned {
		st.scanning = st.scanning[:n]
		st.take(events, b.first)
		return nil
	}
	lowest := events[len(events)-1].place()
	b.last = lowest - 1
	st.take(events, lowest)
	return nil
}

// take takes events, newest first, that are all down to a place; those that are not
// wanted after all are left out.
func (st *stream) take(events []Event, down place) {
	q := &st.s.q
	st.s.looked += len(events)
	for _, e := range events {
		k := e.kind()
		switch wants := st.s.kinds[st.phase]; {
		case wants != nil && !wants(k),
			!q.Since.IsZero() && e.At.Before(q.Since.Truncate(time.Millisecond)),
			!q.Until.IsZero() && e.At.After(q.Until):
			continue
		}
		st.events = append(st.events, e)
	}
	if len(st.events) == 0 {
		st.end = down
	}
}

// events reads rows by their places, which ascend, up to as many as fetched; the newest
// comes first.
func (s *segment) events(ctx context.Context, places []place) ([]Event, error) {
	args := make([]any, fetched)
	for i := range args {
		args[i] = int64(places[min(i, len(places)-1)])
	}
	all, err := s.read(ctx, selectEvents, args...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Event) int { return cmp.Compare(b.place(), a.place()) })
	return all, nil
}
