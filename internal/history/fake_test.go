package history

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// journal is one in memory.
type journal struct {
	mu      sync.Mutex
	pages   []*gateway.Page // by number, from 1; nil ones were dropped
	changed chan struct{}
	fail    error
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

// keep appends a page.
func (j *journal) keep(at time.Time, all ...*event.Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := &gateway.Page{Seq: uint64(len(j.pages)) + 1, Time: at, Events: all, Bytes: 100 * len(all)}
	j.pages = append(j.pages, p)
	close(j.changed)
	j.changed = make(chan struct{})
	return p.Seq
}

// drop takes the pages before seq away.
func (j *journal) drop(seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range min(int(seq)-1, len(j.pages)) {
		j.pages[i] = nil
	}
}

// fails lets reading fail; nil lets it go on.
func (j *journal) fails(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journal) Page(_ context.Context, seq uint64) (*gateway.Page, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, j.fail
	}
	for i := int(max(seq, 1)) - 1; i < len(j.pages); i++ {
		if j.pages[i] != nil {
			return j.pages[i], nil
		}
	}
	return nil, gateway.ErrNoPage
}

func (j *journal) Bounds(context.Context) (first, last, bytes uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	first, last = 1, uint64(len(j.pages))
	for first <= last && j.pages[first-1] == nil {
		first++
	}
	return first, last, 0, j.fail
}

func (j *journal) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for next := from; ; {
		j.mu.Lock()
		changed := j.changed
		j.mu.Unlock()
		p, err := j.Page(ctx, next)
		switch {
		case err == nil:
			fn(p)
			next = p.Seq + 1
			continue
		case err != gateway.ErrNoPage: //nolint:errorlint // the fake's own
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// pages are decisions or attempts in memory.
type pages struct {
	mu   sync.Mutex
	all  [][]byte
	fail error
}

func (p *pages) There(context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all) > 0, p.fail
}

func (p *pages) Page(_ context.Context, seq uint64) ([]byte, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seq < 1 || seq > uint64(len(p.all)) || p.all[seq-1] == nil {
		return nil, time.Time{}, gateway.ErrNoPage
	}
	return p.all[seq-1], time.Time{}, nil
}

func (p *pages) Bounds(context.Context) (first, last uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return 1, uint64(len(p.all)), p.fail
}

// keep appends a page of entries.
func (p *pages) keep(tb testing.TB, at time.Time, entries ...any) gateway.Pos {
	tb.Helper()
	var b chronicle.Batch
	for _, e := range entries {
		v, err := json.Marshal(e)
		if err != nil {
			tb.Fatal(err)
		}
		b.Add(at, v)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, b.Page())
	return gateway.NewPos(uint64(len(p.all)), 0)
}

// letters are dead letters in memory.
type letters struct {
	mu  sync.Mutex
	all []gateway.DeadLetter
	n   uint64
}

func (l *letters) park(d gateway.DeadLetter) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	d.Seq = l.n
	l.all = append(l.all, d)
	return d.Seq
}

func (l *letters) remove(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(d gateway.DeadLetter) bool { return d.Seq == seq })
}

func (l *letters) DeadLetter(_ context.Context, seq uint64) (gateway.DeadLetter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.all {
		if d.Seq == seq {
			return d, nil
		}
	}
	return gateway.DeadLetter{}, gateway.ErrNoLetter
}

func (l *letters) NextDeadLetter(_ context.Context, seq uint64, _ string) (gateway.DeadLetter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.all {
		if d.Seq >= seq {
			return d, nil
		}
	}
	return gateway.DeadLetter{}, gateway.ErrNoLetter
}

func (l *letters) DeadLetterBounds(context.Context) (first, last, n uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1, l.n, uint64(len(l.all)), nil
}

// world is what a history is fed from.
type world struct {
	journal   *journal
	decisions *pages
	attempts  *pages
	letters   *letters
	// picks and stands are what rules and deliveries say; nil says one endpoint, and
	// that it is done.
	picks  func(*event.Event) []string
	stands func(string, gateway.Pos, event.Lane) gateway.Standing
}

func newWorld() *world {
	return &world{journal: newJournal(), decisions: &pages{}, attempts: &pages{}, letters: &letters{}}
}

// config is that of a history of the world, small enough to have chunks and segments.
func (w *world) config() Config {
	return Config{
		Age: 1000 * time.Hour, Bytes: 1 << 30, Journal: w.journal, Decisions: w.decisions, Attempts: w.attempts, Letters: w.letters,
		Restore: func(ev *event.Event) (*event.Event, error) { return ev, nil },
		Picks: func(ev *event.Event) []string {
			if w.picks != nil {
				return w.picks(ev)
			}
			return []string{ev.App + "/backend"}
		},
		Standing: func(id string, pos gateway.Pos, l event.Lane) gateway.Standing {
			if w.stands != nil {
				return w.stands(id, pos, l)
			}
			return gateway.Standing{Where: gateway.StandsFinished}
		},
		idle: func() float64 { return 8 }, wait: 10 * time.Millisecond,
	}
}

// began is when the tests' events begin.
var began = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// message is a message n from a user in a conversation.
func message(n int, user string, c event.Conversation) *event.Event {
	id := fmt.Sprintf("m%d", n)
	return &event.Event{
		ID: fmt.Sprintf("e%d", n), App: "shop", Source: "im", Type: event.MessageSend, Phase: event.After, Time: began.Add(time.Duration(n) * time.Second),
		Dialect: "openim", Command: "callbackAfterSendGroupMsgCommand", Lane: c.Lane(), Links: []string{"message:" + id},
		Actor: &event.Actor{ID: user}, Conversation: &c, Message: &event.Message{ID: id, Kind: event.Text, Text: "hello"},
	}
}

func group(id string) event.Conversation { return event.Conversation{Kind: event.KindGroup, ID: id} }

// decision is what was decided about message n before it was sent.
func decision(n int, user string, c event.Conversation, v event.Action) *trail.Entry {
	ev := message(n, user, c)
	ev.ID, ev.Phase, ev.Command = fmt.Sprintf("b%d", n), event.Before, "callbackBeforeSendGroupMsgCommand"
	return &trail.Entry{Event: ev, Links: ev.Links, At: ev.Time.Add(-time.Second), Took: 0.002, Verdict: v, By: "words", Cause: gateway.CauseHook}
}

// attempt is one that failed at the backend.
func attempt(ev *event.Event, pos gateway.Pos, n int, at time.Time) *attempts.Entry {
	return &attempts.Entry{
		Event: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Lane: ev.Lane, Pos: pos, Endpoint: "shop/backend", Attempt: n, At: at,
		Took: 0.5, Outcome: gateway.Retry, Reason: gateway.ReasonStatus5xx, Status: 503, Detail: "answered 503",
		Exchange: &gateway.Exchange{URL: "http://backend/callback", Request: "{}", Status: 503, Response: "busy"},
	}
}
