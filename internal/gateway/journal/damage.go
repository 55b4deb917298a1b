package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Where in the journal pages are missing. Values are on disk: append only.
const (
	LostAll    = "all"
	LostBegin  = "begin"
	LostMiddle = "middle"
	LostEnd    = "end"
)

// Loss is a range of pages that the journal had and that the engine came back
// without.
type Loss struct {
	// FoundAt is when it was noticed.
	FoundAt time.Time `json:"foundAt"`
	Where   string    `json:"where"`
	// First and Last page of the range, and how many pages are missing in it.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Pages uint64 `json:"pages"`
	// Events were in the pages; negative when that is not known.
	Events int64 `json:"events"`
	// Unfinished is the first of the pages that some endpoint was not done with,
	// as far as is known; zero when all were done with all of them.
	Unfinished uint64 `json:"unfinished,omitzero"`
	// Of is how many dead letters there were, of which Events are missing: then Where
	// is [LostLetters], and First and Last are their numbers.
	Of uint64 `json:"of,omitzero"`
}

// String is one line for a person.
func (l Loss) String() string {
	if l.Where == LostLetters {
		return fmt.Sprintf("journal came back with less than it had: %d of %d dead letters are missing", l.Events, l.Of)
	}
	var b strings.Builder
	b.WriteString("journal came back with less than it had: ")
	switch l.Where {
	case LostAll:
		fmt.Fprintf(&b, "all pages, %d..%d", l.First, l.Last)
	case LostBegin:
		fmt.Fprintf(&b, "the oldest pages, %d..%d", l.First, l.Last)
	default:
		fmt.Fprintf(&b, "pages %d..%d", l.First, l.Last)
	}
	if l.Events < 0 {
		b.WriteString(" (it is not known how many events)")
	} else {
		fmt.Fprintf(&b, " (%d events)", l.Events)
	}
	switch l.Where {
	case LostMiddle:
		b.WriteString(" in the middle")
	case LostEnd:
		b.WriteString(" at the end")
	}
	b.WriteString(" are missing; ")
	if l.Unfinished == 0 {
		b.WriteString("every endpoint was done with them")
	} else {
		fmt.Fprintf(&b, "from page %d on some endpoint was not done with them", l.Unfinished)
	}
	return b.String()
}

// Losses returns what was ever found missing in this journal, the last of it
// last; nil when nothing was. They are remembered across restarts.
func (j *Journal) Losses() []Loss {
	if j.water == nil {
		return nil
	}
	return j.water.get().Losses
}

// committedHeader of a position's message says what was committed when it was
// saved: the last page, and how many events.
const committedHeader = "Imhook-Committed"

// remembered returns what the journal had: what is on record and, because that is
// up to a second old, what the last saved position says.
func (j *Journal) remembered(ctx context.Context, e *engine) (highWater, error) {
	had := j.water.get()
	if last, events := j.done.get(); j.started && last > had.Last {
		had.Last, had.Events = last, events
	}
	info, err := e.places.Info(ctx)
	if err != nil {
		return had, fmt.Errorf("reading the state of the positions: %w", err)
	}
	if info.State.Msgs == 0 {
		return had, nil
	}
	m, err := e.places.GetMsg(ctx, info.State.LastSeq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return had, nil
	}
	if err != nil {
		return had, fmt.Errorf("reading the last position: %w", err)
	}
	var last, events uint64
	if _, err := fmt.Sscanf(m.Header.Get(committedHeader), "%d %d", &last, &events); err == nil && last > had.Last {
		had.Last, had.Events = last, events
	}
	return had, nil
}

// reconcile compares what the engine has with what the journal had, tells what is
// missing, and makes sure that no number is given out a second time: positions of
// endpoints would pass over the new pages. It may start the engine anew.
func (j *Journal) reconcile(ctx context.Context, e *engine) (*engine, []Loss, error) {
	had, err := j.remembered(ctx, e)
	if err != nil {
		return e, nil, err
	}
	losses, holes, st, err := j.missing(ctx, e, had)
	if err != nil {
		return e, nil, err
	}
	last, events := st.LastSeq, had.Events
	switch {
	case st.LastSeq < had.Last:
		if e, err = j.lift(ctx, e, st, had.Last, had.Events); err != nil {
			return e, nil, err
		}
		last = had.Last
	case st.Msgs > 0:
		h, err := e.headBefore(ctx, last, st.FirstSeq, holes)
		if err != nil {
			return e, nil, err
		}
		events = max(events, h.before+h.events)
	}
	j.done.set(last, events)
	if err := j.report(losses, holes); err != nil {
		return e, nil, err
	}
	return e, losses, nil
}

// report tells the operator what is missing, once, and remembers it.
func (j *Journal) report(losses []Loss, holes []hole) error {
	for _, l := range losses {
		j.cfg.Log.Error("journal is damaged", "what", l.String(), "pages", l.Pages, "events", l.Events)
	}
	if len(holes) > maxHoles {
		// They are told again at the next start; a record without end would be worse.
		holes = holes[len(holes)-maxHoles:]
	}
	err := j.water.set(j.cfg.Now(), func(r *highWater) {
		r.Holes = holes
		r.Losses = append(slices.Clip(r.Losses), losses...)
		for _, l := range losses {
			r.LostPages += l.Pages
			r.LostEvents += uint64(max(0, l.Events))
		}
		if len(losses) > 0 {
			r.Last, r.Events = j.done.get()
		}
	})
	if err != nil && len(losses) > 0 {
		return fmt.Errorf("remembering what is missing: %w", err)
	}
	return nil
}

// missing returns what the engine lacks of what the journal had, and all that is
// missing between the engine's first and last page. More are ranges that it is
// known to lack although it does not say so.
func (j *Journal) missing(ctx context.Context, e *engine, had highWater, more ...hole) ([]Loss, []hole, jetstream.StreamState, error) {
	info, err := e.pages.Info(ctx)
	if err != nil {
		return nil, nil, jetstream.StreamState{}, fmt.Errorf("reading the journal's state: %w", err)
	}
	st := info.State
	now := j.cfg.Now().UTC()
	if st.Msgs == 0 {
		if had.First == 0 && st.LastSeq < had.Last {
			// There is no record, but a position names pages that are not there.
			l := Loss{FoundAt: now, Where: LostEnd, First: st.LastSeq + 1, Last: had.Last, Pages: had.Last - st.LastSeq, Events: -1}
			if st.LastSeq == 0 {
				l.Where = LostAll
			}
			l.unfinished(had.Floor)
			return []Loss{l}, nil, st, nil
		}
		if had.First == 0 || had.Last < had.First {
			return nil, nil, st, nil
		}
		l := Loss{FoundAt: now, Where: LostAll, First: had.First, Last: had.Last, Pages: had.Last - had.First + 1, Events: int64(had.Events - had.EventsBefore)}
		for _, h := range had.Holes {
			l.Pages -= h.pages()
			l.Events -= int64(h.Events)
		}
		l.unfinished(had.Floor)
		return []Loss{l}, nil, st, nil
	}
	var holes []hole
	if st.NumDeleted > 0 {
		if info, err = e.pages.Info(ctx, jetstream.WithDeletedDetails(true)); err != nil {
			return nil, nil, st, fmt.Errorf("reading what the journal lacks: %w", err)
		}
		holes = ranges(info.State.Deleted)
	}
	end := max(had.Last, st.LastSeq)
	gone := slices.Clone(holes)
	if had.First > 0 && had.First < st.FirstSeq {
		gone = slices.Insert(gone, 0, hole{First: had.First, Last: min(st.FirstSeq-1, end)})
	}
	if st.LastSeq < end {
		gone = append(gone, hole{First: st.LastSeq + 1, Last: end})
	}
	var losses []Loss
	for _, h := range more {
		if first := max(h.First, st.FirstSeq); first <= h.Last {
			gone = append(gone, hole{First: first, Last: h.Last})
		}
	}
	slices.SortFunc(gone, func(a, b hole) int { return cmp.Compare(a.First, b.First) })
	for _, g := range without(gone, had.Holes) {
		l := Loss{FoundAt: now, Where: LostMiddle, First: g.First, Last: g.Last, Pages: g.pages()}
		if g.Last == end {
			l.Where = LostEnd
		} else if g.Last < st.FirstSeq {
			l.Where = LostBegin
		}
		if l.Events, err = e.eventsOf(ctx, g, st, had, append(slices.Clip(holes), had.Holes...)); err != nil {
			return nil, nil, st, err
		}
		l.unfinished(had.Floor)
		losses = append(losses, l)
	}
	return losses, join(had.Holes, losses, st), st, nil
}

// join adds what was lost between the engine's first and last page to the holes.
func join(known []hole, losses []Loss, st jetstream.StreamState) []hole {
	all := slices.Clone(known)
	for _, l := range losses {
		if l.First <= st.LastSeq {
			all = append(all, hole{First: l.First, Last: l.Last, Events: uint64(max(0, l.Events))})
		}
	}
	slices.SortFunc(all, func(a, b hole) int { return cmp.Compare(a.First, b.First) })
	return slices.DeleteFunc(all, func(h hole) bool { return h.Last < st.FirstSeq })
}

func (l *Loss) unfinished(floor uint64) {
	if floor <= l.Last {
		l.Unfinished = max(floor, l.First)
	}
}

// ranges makes ranges of ascending numbers.
func ranges(seqs []uint64) (all []hole) {
	for _, seq := range seqs {
		if n := len(all); n > 0 && all[n-1].Last+1 == seq {
			all[n-1].Last = seq
			continue
		}
		all = append(all, hole{First: seq, Last: seq})
	}
	return all
}

// without takes the known ranges out of gone, both ascending, and joins what
// overlaps or lies side by side.
func without(gone, known []hole) (left []hole) {
	add := func(first, last uint64) {
		if first > last {
			return
		}
		if n := len(left); n > 0 && left[n-1].Last+1 >= first {
			left[n-1].Last = max(left[n-1].Last, last)
			return
		}
		left = append(left, hole{First: first, Last: last})
	}
	for _, g := range gone {
		first := g.First
		for _, k := range known {
			if k.Last < first || k.First > g.Last {
				continue
			}
			if k.First > first {
				add(first, k.First-1)
			}
			first = k.Last + 1
		}
		add(first, g.Last)
	}
	return left
}

// eventsOf is how many events were in the pages of g: the difference of what the
// pages beside it say; negative when they do not.
func (e *engine) eventsOf(ctx context.Context, g hole, st jetstream.StreamState, had highWater, holes []hole) (int64, error) {
	low, lowKnown, lowAt := had.EventsBefore, had.First > 0, uint64(0)
	if g.First > st.FirstSeq {
		h, err := e.headBefore(ctx, g.First-1, st.FirstSeq, holes)
		if err != nil {
			return 0, err
		}
		low, lowKnown, lowAt = h.before+h.events, h.counted, h.seq
	}
	high, highKnown, highAt := had.Events, had.Last > 0, uint64(math.MaxUint64)
	if g.Last < st.LastSeq {
		h, err := e.headAfter(ctx, g.Last+1, st.LastSeq, holes)
		if err != nil {
			return 0, err
		}
		if h.seq > 0 {
			high, highKnown, highAt = h.before, h.counted, h.seq
		}
	}
	if !lowKnown || !highKnown || high < low {
		return -1, nil
	}
	n := int64(high - low)
	for _, k := range had.Holes {
		// Known ones between the two pages that were read.
		if k.First > lowAt && k.Last < highAt && k.Last >= had.First {
			n -= int64(k.Events)
		}
	}
	return max(n, 0), nil
}

// head is what the begin of a page says.
type head struct {
	seq            uint64
	before, events uint64
	counted        bool // it says how many events came before
}

// headBefore reads the last page at or before seq that is there.
func (e *engine) headBefore(ctx context.Context, seq, first uint64, holes []hole) (head, error) {
	for seq >= first && seq > 0 {
		h, ok, err := e.head(ctx, seq)
		if err != nil || ok {
			return h, err
		}
		next := seq - 1
		for _, k := range holes {
			if k.First <= seq && seq <= k.Last {
				next = min(next, k.First-1)
			}
		}
		seq = next
	}
	return head{}, nil
}

// headAfter reads the first page at or after seq that is there.
func (e *engine) headAfter(ctx context.Context, seq, last uint64, holes []hole) (head, error) {
	for seq <= last {
		h, ok, err := e.head(ctx, seq)
		if err != nil || ok {
			return h, err
		}
		next := seq + 1
		for _, k := range holes {
			if k.First <= seq && seq <= k.Last {
				next = max(next, k.Last+1)
			}
		}
		seq = next
	}
	return head{}, nil
}

func (e *engine) head(ctx context.Context, seq uint64) (h head, ok bool, err error) {
	m, err := e.pages.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return head{}, false, nil
	}
	if err != nil {
		return head{}, false, fmt.Errorf("reading page %d: %w", seq, err)
	}
	h = head{seq: seq}
	n := 0
	before, counted, err := countPage(m.Data, &n)
	if errors.Is(err, ErrNewer) {
		return head{}, false, err
	}
	h.before, h.counted, h.events = before, counted, uint64(n)
	return h, true, nil
}

// fillers is how many pages the engine stores one by one, each fsynced, when
// numbers must be passed over. More are written without fsync, which closing the
// engine makes up for.
const fillers = 256

// lift makes last the engine's last number. What is left of the pages stays.
func (j *Journal) lift(ctx context.Context, e *engine, st jetstream.StreamState, last, events uint64) (*engine, error) {
	if st.Msgs == 0 {
		if err := e.pages.Purge(ctx, jetstream.WithPurgeSequence(last+1)); err != nil {
			return e, fmt.Errorf("passing over the numbers up to %d: %w", last, err)
		}
		return e, j.lifted(ctx, e, last)
	}
	again := j.cfg.Sync == Always && last-st.LastSeq > fillers && e.embedded != nil
	var err error
	if again {
		e.close()
		loose := j.cfg
		loose.Sync = Interval
		if e, err = j.start(ctx, loose); err != nil {
			return e, err
		}
	}
	filler := sealPage(newPage(nil), 0, events)
	for left := last - st.LastSeq; left > 0; {
		n := min(left, fillers)
		for range n {
			if _, err := e.js.PublishAsync(e.at.fillerSubject, filler); err != nil {
				return e, fmt.Errorf("passing over the numbers up to %d: %w", last, err)
			}
		}
		select {
		case <-e.js.PublishAsyncComplete():
		case <-ctx.Done():
			return e, ctx.Err()
		}
		left -= n
	}
	if again {
		e.close()
		if e, err = j.start(ctx, j.cfg); err != nil {
			return e, err
		}
	}
	return e, j.lifted(ctx, e, last)
}

// lifted checks that lift did.
func (j *Journal) lifted(ctx context.Context, e *engine, last uint64) error {
	info, err := e.pages.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's state: %w", err)
	}
	if info.State.LastSeq < last {
		return fmt.Errorf("passing over the numbers up to %d: the engine stands at %d", last, info.State.LastSeq)
	}
	return nil
}
