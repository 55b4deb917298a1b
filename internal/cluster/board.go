package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// boardKey is the key of the saved board.
const boardKey = "cluster.board"

// boardVersion is the version of the saved board. A newer one is refused.
const boardVersion = 1

// savedBoard is the board as it is saved. Members are added only.
type savedBoard struct {
	Version int    `json:"version"`
	Term    uint64 `json:"term"`
	Number  uint64 `json:"number"`
	// Writer is who saved it.
	Writer string `json:"writer,omitzero"`
	// Slots are by slice.
	Slots  []savedSlot `json:"slots"`
	Layout Layout      `json:"layout,omitempty"`
}

type savedSlot struct {
	Owner  string `json:"owner,omitzero"`
	Number uint64 `json:"number,omitzero"`
}

// board is who has what. The gateway that writes keeps it.
type board struct {
	n    *Node
	term uint64

	// saving is held by slice: for reading while something of it is saved, for
	// writing while it is given away.
	saving [Slices]sync.RWMutex

	mu      sync.Mutex // guards the following
	number  uint64
	slots   [Slices]slot
	layout  Layout
	members map[string]*member
	// settles is until when those who had something before may say that they still
	// have it.
	settles time.Time
	// dirty is true while the board is not saved: nobody is told of it.
	dirty bool
	// moves counts the slices that changed hands.
	moves uint64
	// recut is the change of the layout that is under way.
	recut recut
	// floor is the first page that somebody is not done with, as it was last known.
	floor uint64
	// uploads are values that come in pieces.
	uploads map[uploadOf]*upload
}

// slot is one slice on the board.
type slot struct {
	owner  string
	number uint64
	// wanted is who shall have it.
	wanted string
	// ours is true when this board gave it to its owner, or heard from its owner.
	ours bool
	runs bool
	// ran is true when somebody has run it.
	ran   bool
	floor uint64
}

// member is a gateway that beats.
type member struct {
	beat
	at time.Time
	// left is true when it had left before.
	left bool
	// compared is which configuration of its was compared with which of ours, and
	// differs what came of it.
	compared string
	differs  []string
}

// uploadOf tells an upload from the others: a gateway saves several slices at once.
type uploadOf struct {
	node string
	id   uint64
}

type upload struct {
	next  int
	value []byte
	at    time.Time // of its last piece
}

// openBoard takes the board over. It is saved again before anybody is told what is
// on it.
func openBoard(ctx context.Context, n *Node, term uint64) (*board, error) {
	saved, err := n.cfg.Journal.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the board: %w", err)
	}
	b := &board{
		n: n, term: term, members: map[string]*member{}, layout: Layout{}, uploads: map[uploadOf]*upload{},
		settles: time.Now().Add(settleFor), dirty: true, floor: n.floor.Load(),
	}
	if raw, ok := saved[boardKey]; ok {
		var s savedBoard
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("loading the board: %w", err)
		}
		if s.Version > boardVersion || len(s.Slots) != Slices {
			return nil, fmt.Errorf("the board has version %d and %d slices, this imhook knows version %d with %d: start the imhook that wrote it, or a newer one", s.Version, len(s.Slots), boardVersion, Slices)
		}
		b.number = s.Number
		if s.Layout != nil {
			b.layout = s.Layout
		}
		for i, slot := range s.Slots {
			if slot.Owner == s.Writer && s.Writer != n.self.ID {
				slot.Owner = "" // its lease is over, and with it what it gave itself
			}
			b.slots[i].owner, b.slots[i].number = slot.Owner, slot.Number
		}
	}
	if _, known := saved[boardKey]; !known {
		// A gateway that was alone has one tail for all.
		if err := b.inherit(ctx, saved[deliver.TailKey]); err != nil {
			return nil, err
		}
	}
	return b, b.save(ctx)
}

// inherit gives each slice the tail of a gateway that was alone.
func (b *board) inherit(ctx context.Context, tail []byte) error {
	for i := range Slices {
		if tail == nil {
			break
		}
		if err := b.n.cfg.Journal.Save(ctx, tailKey(i), tail); err != nil {
			return fmt.Errorf("taking over the position of a gateway that was alone: %w", err)
		}
	}
	return nil
}

// save writes the board down. Call with mu, or before anybody else has it.
func (b *board) save(ctx context.Context) error {
	if !b.dirty {
		return nil
	}
	s := savedBoard{Version: boardVersion, Term: b.term, Number: b.number, Writer: b.n.self.ID, Slots: make([]savedSlot, Slices), Layout: b.layout}
	for i := range b.slots {
		s.Slots[i] = savedSlot{b.slots[i].owner, b.slots[i].number}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := b.n.cfg.Journal.Save(ctx, boardKey, raw); err != nil {
		return fmt.Errorf("saving the board: %w", err)
	}
	b.dirty = false
	return nil
}

var errStale = errors.New("a newer beat came before")

// hear takes a beat and says what the gateway shall have.
func (b *board) hear(ctx context.Context, in beat) (orders, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	id := in.Node.ID
	m := b.members[id]
	switch {
	case m == nil:
		m = &member{}
		b.members[id] = m
		if id != b.n.self.ID && !in.Leaving {
			b.n.cfg.Log.Info("gateway joined", "gateway", in.Node.String(), "version", in.Node.Version)
		}
	case in.Seq <= m.Seq:
		return orders{}, errStale
	}
	m.left = in.Leaving && m.at.IsZero() // and said so before
	m.beat, m.at = in, now
	b.claim(in)
	b.expire(now)
	b.rebalance(now)
	changed := b.dirty
	if err := b.save(ctx); err != nil {
		return orders{}, err
	}
	if in.Leaving && len(in.Holds) == 0 {
		if delete(b.members, id); !m.left {
			b.n.cfg.Log.Info("gateway left", "gateway", in.Node.String())
		}
	}
	b.compare(m)
	if changed {
		b.n.cfg.Journal.Hint(sayBeat)
	}
	out := orders{Valid: min(b.n.cfg.Journal.LeaseLeft(), grantFor).Milliseconds(), Layout: b.layout, Floor: b.lowest(), Ready: b.ready()}
	for i := range b.slots {
		if s := &b.slots[i]; s.owner == id && s.wanted == id {
			out.Grants = append(out.Grants, grant{i, s.number})
		}
	}
	return out, nil
}

// claim compares what a gateway says that it has with the board. Call with mu.
func (b *board) claim(in beat) {
	held := make(map[int]hold, len(in.Holds))
	for _, h := range in.Holds {
		held[h.Slice] = h
	}
	for i := range b.slots {
		s := &b.slots[i]
		if s.owner != in.Node.ID {
			continue
		}
		h, ok := held[i]
		switch {
		case ok && h.Number == s.number:
			s.ours, s.runs, s.ran = true, h.Runs, s.ran || h.Runs
			if h.Floor > 0 {
				s.floor = h.Floor
			}
		case ok:
			// It has it from before it was given to others and back; it hears so.
		case !s.ours || s.wanted != in.Node.ID:
			b.free(i) // it let go
		}
	}
}

// free takes a slice from its owner; false when something of it is being saved.
// Call with mu.
func (b *board) free(i int) bool {
	if !b.saving[i].TryLock() {
		return false
	}
	defer b.saving[i].Unlock()
	b.slots[i].owner, b.slots[i].ours, b.slots[i].runs = "", false, false
	b.dirty = true
	return true
}

// expire forgets gateways that do not beat any more, and takes from them what they
// have. Call with mu.
func (b *board) expire(now time.Time) {
	for id, m := range b.members {
		if now.Sub(m.at) <= Lapse {
			continue
		}
		b.n.cfg.Log.Warn("gateway does not answer any more, others deliver what it did", "gateway", m.Node.String(), "slices", len(m.Holds))
		delete(b.members, id)
	}
	if now.Before(b.settles) {
		return
	}
	for i := range b.slots {
		if s := &b.slots[i]; s.owner != "" && b.members[s.owner] == nil {
			b.free(i)
		}
	}
}

// rebalance says who shall have what, and gives away what nobody has. Call with mu.
func (b *board) rebalance(now time.Time) {
	var nodes []string
	for id, m := range b.members {
		if !m.Leaving && m.Node.Format >= b.n.self.Format {
			nodes = append(nodes, id)
		}
	}
	if now.Before(b.settles) && slices.ContainsFunc(b.slots[:], func(s slot) bool { return s.owner != "" && b.members[s.owner] == nil }) {
		// Those who had something before may still say so, and keep it.
		for i := range b.slots {
			b.slots[i].wanted = b.slots[i].owner
		}
		return
	}
	b.recutStep()
	var has [Slices]string
	for i := range b.slots {
		if has[i] = b.slots[i].wanted; !slices.Contains(nodes, has[i]) {
			has[i] = b.slots[i].owner
		}
	}
	want := assign(b.weights(), has, nodes)
	for i := range b.slots {
		s := &b.slots[i]
		if s.wanted = want[i]; b.recut.stops(i) {
			s.wanted = ""
			continue
		}
		if s.owner == "" && s.wanted != "" {
			b.number++
			b.moves++
			s.owner, s.number, s.ours, s.runs = s.wanted, b.number, true, false
			b.dirty = true
		}
	}
}

// weights is how many parts lie in each slice. Call with mu.
func (b *board) weights() (all [Slices]int) {
	for _, id := range b.n.endpointIDs() {
		for i := range b.layout.spread(id) {
			all[part{id: id, i: i}.slice()]++
		}
	}
	return all
}

// lowest is the first page that somebody is not done with. Call with mu.
func (b *board) lowest() uint64 {
	low := idle
	for i := range b.slots {
		if f := b.slots[i].floor; f > 0 {
			low = min(low, f)
		} else {
			low = min(low, b.floor) // it was not told since this gateway writes
		}
	}
	if low != idle {
		b.floor = low
	}
	return low
}

// ready reports whether every endpoint was delivered to by somebody. Call with mu.
func (b *board) ready() bool {
	for i, w := range b.weights() {
		if w > 0 && !b.slots[i].ran {
			return false
		}
	}
	return true
}

var errNotGranted = errors.New("the slice belongs to another gateway by now")

// keep saves, or drops, what belongs to a slice, for who has it.
func (b *board) keep(ctx context.Context, s save, value []byte) error {
	if s.Slice < 0 || s.Slice >= Slices {
		return fmt.Errorf("there is no slice %d", s.Slice)
	}
	b.saving[s.Slice].RLock()
	defer b.saving[s.Slice].RUnlock()
	b.mu.Lock()
	mine := b.slots[s.Slice].owner == s.Node && b.slots[s.Slice].number == s.Number
	whole := true
	if mine && s.Pieces > 1 {
		value, whole = b.piece(s, value)
	}
	b.mu.Unlock()
	switch {
	case !mine:
		return errNotGranted
	case !whole && value == nil:
		return fmt.Errorf("%w: a piece of the value is missing", gateway.ErrUnavailable)
	case !whole:
		return nil
	case s.Drop:
		return b.n.cfg.Journal.Drop(ctx, s.Key)
	}
	return b.n.cfg.Journal.Save(ctx, s.Key, value)
}

// piece puts a value together; whole is true with its last piece. A nil value means
// that one is missing. Call with mu.
func (b *board) piece(s save, data []byte) (value []byte, whole bool) {
	now, of := time.Now(), uploadOf{s.Node, s.Upload}
	u := b.uploads[of]
	if u == nil {
		// Whoever begins one finds those that nobody goes on with.
		maps.DeleteFunc(b.uploads, func(_ uploadOf, u *upload) bool { return now.Sub(u.at) > saveWithin })
		if s.Piece != 0 {
			return nil, false
		}
		u = &upload{}
		b.uploads[of] = u
	}
	if s.Piece != u.next {
		return nil, false
	}
	u.next++
	u.at = now
	u.value = append(u.value, data...)
	if u.next < s.Pieces {
		return u.value, false
	}
	delete(b.uploads, of)
	return u.value, true
}

// compare asks a gateway for its configuration when it is another one, and says in
// words what differs. Call with mu.
func (b *board) compare(m *member) {
	own := b.n.fingerprint()
	both := own.Sum() + " " + m.Config
	if m.Config == "" || m.compared == both || m.Node.ID == b.n.self.ID {
		return
	}
	m.compared = both
	if m.Config == own.Sum() {
		if len(m.differs) > 0 {
			b.n.cfg.Log.Info("gateway has the configuration of the others again", "gateway", m.Node.String())
		}
		m.differs = nil
		return
	}
	node := m.Node // beats replace it meanwhile
	b.n.spawn(func() {
		ctx, cancel := context.WithTimeout(b.n.ctx, askTimeout)
		defer cancel()
		raw, err := b.n.cfg.Journal.Request(ctx, node.ID, sayFingerprint, nil)
		var theirs Fingerprint
		if err == nil {
			err = json.Unmarshal(raw, &theirs)
		}
		words := []string{"it cannot be compared"}
		if err == nil {
			words = own.Against(theirs)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if m.compared != both {
			return
		}
		if err != nil {
			m.compared = "" // again with the next beat
			return
		}
		m.differs = words
		b.n.cfg.Log.Warn("gateways of one cluster have different configurations, make them equal", "gateway", m.Node.String(), "differs", strings.Join(words, "; "))
	})
}

// list returns the members, by name.
func (b *board) list() []*member {
	all := slices.Collect(maps.Values(b.members))
	slices.SortFunc(all, func(x, y *member) int { return strings.Compare(x.Node.String()+x.Node.ID, y.Node.String()+y.Node.ID) })
	return all
}
