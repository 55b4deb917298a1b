package gateway

import (
	"errors"
	"time"

	"github.com/imhook/imhook/event"
)

// Why the journal does not take an arrival.
var (
	// ErrFull: what endpoints have not finished fills the journal, or the disk
	// is at its reserve. Nothing that was accepted is lost; sending again later
	// helps.
	ErrFull = errors.New("journal is full")
	// ErrUnavailable: the journal cannot be written now; sending again helps.
	ErrUnavailable = errors.New("journal is unavailable")
	// ErrReplayed: the signature was used before, with another body.
	ErrReplayed = errors.New("signature was used before with another body")
	// ErrTooLarge: the event does not fit into one page.
	ErrTooLarge = errors.New("event is larger than the journal takes")
	// ErrNoPage: there is no page at or after the sequence yet.
	ErrNoPage = errors.New("no such page yet")
)

// Arrival is what one accepted request brought; it is kept whole or not at all.
type Arrival struct {
	Events []*event.Event
	Guard  Guard
	// Repeated is filled in by the journal when it is as long as Events: true for
	// those that had been kept before. It says nothing when the arrival was not
	// kept. Nil means that nobody asks.
	Repeated []bool
}

// Guard recognises a signature that is used again. The zero value guards
// nothing. It is remembered together with the events, so that an honest retry
// after a crash is not refused.
type Guard struct {
	// Key hashes source and what the signature covers once.
	Key event.Key
	// Sum hashes the body. The same Key with another Sum is a replay.
	Sum event.Key
}

// IsZero reports whether nothing is guarded.
func (g Guard) IsZero() bool { return g == Guard{} }

// Kept says what became of an arrival's events.
type Kept struct {
	// Stored are new, Duplicates were kept before.
	Stored     int
	Duplicates int
}

// Pos is the place of one event in the journal: page sequence and index inside
// the page. Later events have greater positions; zero is before everything.
type Pos uint64

// MaxPageEvents is how many events one page can hold.
const MaxPageEvents = 1 << 16

// NewPos returns the position of the i-th event, from 0, of page seq.
func NewPos(seq uint64, i int) Pos { return Pos(seq<<16 | uint64(i)) }

// Seq is the page's sequence.
func (p Pos) Seq() uint64 { return uint64(p) >> 16 }

// Index is the place inside the page.
func (p Pos) Index() int { return int(p & (MaxPageEvents - 1)) }

// Page is a group of events that were committed together: one message of the
// journal's stream. Its events hold envelope and Raw only; dialect.Restore reads
// the bodies again. A page is shared by many readers and never changed.
type Page struct {
	Seq uint64
	// Time is when it was stored.
	Time   time.Time
	Events []*event.Event
	// Bytes is its size in the journal.
	Bytes int
}
