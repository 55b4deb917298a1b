package deliver

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// memJournal is a journal in memory. Its saved positions survive a "crash",
// which is a second Deliverer on the same memJournal.
type memJournal struct {
	mu     sync.Mutex
	first  uint64
	pages  []*gateway.Page
	more   chan struct{}
	saved  map[string][]byte
	parked []gateway.DeadLetter
	floor  uint64
	// failPark makes Park fail that many times, failPage Page.
	failPark int
	failPage int
	// failSave makes Save fail that many times, after five seconds, once passSave
	// others are through.
	failSave int
	passSave int
	// saves counts what was saved.
	saves int
	// frozen stops Save from taking anything: what a crash would lose.
	frozen bool
	// seqAts counts the calls of SeqAt, each a search through the journal.
	seqAts int
	// noFloor makes Known know no floor, and lostPlaces say that positions are gone.
	noFloor, lostPlaces bool
	// saving, paging and parking are how long Save, Page and Park take.
	saving, paging, parking time.Duration
}

func newMemJournal() *memJournal {
	return &memJournal{first: 1, more: make(chan struct{}), saved: map[string][]byte{}}
}

// add stores one page and returns its sequence.
func (j *memJournal) add(evs ...*event.Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq := j.first + uint64(len(j.pages))
	j.pages = append(j.pages, &gateway.Page{Seq: seq, Time: time.Now(), Events: evs, Bytes: 100 * len(evs)})
	close(j.more)
	j.more = make(chan struct{})
	return seq
}

// purge drops the pages below seq.
func (j *memJournal) purge(seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := seq - j.first
	j.pages = j.pages[n:]
	j.first = seq
}

// cut loses the pages from seq on, as damage does.
func (j *memJournal) cut(seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pages = j.pages[:seq-j.first]
}

func (j *memJournal) at(seq uint64) (*gateway.Page, chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq = max(seq, j.first)
	if n := seq - j.first; n < uint64(len(j.pages)) {
		return j.pages[n], nil
	}
	return nil, j.more
}

func (j *memJournal) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	j.mu.Lock()
	fail := j.failPage > 0
	if fail {
		j.failPage--
	}
	j.mu.Unlock()
	if fail {
		return nil, gateway.ErrUnavailable
	}
	p, _ := j.at(seq)
	if j.paging > 0 {
		pause(ctx, j.paging)
	}
	if p != nil {
		return p, nil
	}
	return nil, gateway.ErrNoPage
}

func (j *memJournal) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for {
		p, more := j.at(from)
		if p != nil {
			fn(p)
			from = p.Seq + 1
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}

func (j *memJournal) Bounds(context.Context) (first, last, bytes uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.first, j.first + uint64(len(j.pages)) - 1, 0, nil
}

func (j *memJournal) SetFloor(seq uint64, _ bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.floor = seq
}

func (j *memJournal) Known() (uint64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.noFloor {
		return 0, j.lostPlaces
	}
	return j.floor, j.lostPlaces
}

func (j *memJournal) SeqAt(_ context.Context, t time.Time) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seqAts++
	for _, p := range j.pages {
		if !p.Time.Before(t) {
			return p.Seq, nil
		}
	}
	return 0, gateway.ErrNoPage
}

func (j *memJournal) BytesFrom(seq uint64) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := uint64(0)
	for _, p := range j.pages {
		if p.Seq >= seq {
			n += uint64(p.Bytes)
		}
	}
	return n
}

func (j *memJournal) Save(ctx context.Context, key string, value []byte) error {
	value = append([]byte(nil), value...)
	if j.saving > 0 {
		pause(ctx, j.saving)
	}
	j.mu.Lock()
	fail := j.failSave > 0
	switch {
	case fail && j.passSave > 0:
		j.passSave--
		fail = false
	case fail:
		j.failSave--
	}
	j.mu.Unlock()
	if fail {
		pause(ctx, 5*time.Second)
		return gateway.ErrUnavailable
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.frozen {
		j.saves++
		j.saved[key] = value
	}
	return nil
}

func (j *memJournal) Drop(_ context.Context, key string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.frozen {
		delete(j.saved, key)
	}
	return nil
}

func (j *memJournal) Load(context.Context) (map[string][]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.saved), nil
}

func (j *memJournal) Park(ctx context.Context, d gateway.DeadLetter) error {
	if j.parking > 0 {
		pause(ctx, j.parking)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failPark > 0 {
		j.failPark--
		return gateway.ErrUnavailable
	}
	j.parked = append(j.parked, d)
	return nil
}

// backend is a scripted Sender that records what arrived.
type backend struct {
	mu   sync.Mutex
	got  []string
	lane map[event.Lane][]string
	// answer decides an attempt; nil delivers.
	answer func(ev *event.Event, n int) gateway.Outcome
	n      int
	busy   int
	most   int
	took   time.Duration
}

func (b *backend) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	b.mu.Lock()
	b.n++
	b.busy++
	b.most = max(b.most, b.busy)
	n, took := b.n, b.took
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.busy--
		b.mu.Unlock()
	}()
	if took > 0 {
		pause(ctx, took)
		if ctx.Err() != nil {
			return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
		}
	}
	if b.answer != nil {
		if out := b.answer(ev, n); out.Kind != gateway.Delivered {
			return out
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, ev.ID)
	if b.lane == nil {
		b.lane = map[event.Lane][]string{}
	}
	b.lane[ev.Lane] = append(b.lane[ev.Lane], ev.ID)
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

func (b *backend) ids() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.got...)
}

// ofLane is what arrived of a lane, in order.
func (b *backend) ofLane(lane string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.lane[event.NewLane(event.KindGroup, lane)]...)
}

// atOnce is how many attempts there were at once at most.
func (b *backend) atOnce() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most
}

// attempts is how many attempts there were.
func (b *backend) attempts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// all is an index and matcher that gives everything to the first n endpoints.
type all int

func (a all) Match(*event.Event) []int {
	places := make([]int, a)
	for i := range places {
		places[i] = i
	}
	return places
}

func everything(*event.Event) bool { return true }

// ev makes the n-th event of a lane.
func ev(lane string, n int) *event.Event {
	return &event.Event{
		ID: fmt.Sprintf("%s/%d", lane, n), App: "a", Source: "s", Type: event.MessageSend, Phase: event.After,
		Lane: event.NewLane(event.KindGroup, lane),
		Raw:  event.Raw{Dialect: "fake", Body: []byte("0123456789")},
	}
}

func failing(kind gateway.OutcomeKind, why gateway.Reason) gateway.Outcome {
	return gateway.Outcome{Kind: kind, Reason: why, Detail: "scripted"}
}

// advance lets d pass in the bubble's time.
func advance(d time.Duration) { <-time.After(d) }

// asked is an index that asks the endpoints themselves.
type asked []Endpoint

func (a asked) Match(ev *event.Event) []int {
	var places []int
	for i, e := range a {
		if e.Match(ev) {
			places = append(places, i)
		}
	}
	return places
}

// resuming is a Sender of events that take three requests, of which it gets through
// as many at once. It is used by one attempt at a time.
type resuming struct {
	through int
	took    time.Duration
	from    []int
}

func (s *resuming) Send(ctx context.Context, _ *event.Event, sent int) gateway.Outcome {
	s.from = append(s.from, sent)
	pause(ctx, s.took)
	if sent+s.through >= 3 {
		return gateway.Outcome{Kind: gateway.Delivered, Sent: 3}
	}
	return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonStatus5xx, Sent: sent + s.through}
}
