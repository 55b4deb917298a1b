package attempts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// Config is what a [Log] is made of.
type Config struct {
	Store chronicle.Store
	// Sample says that one in so many of the attempts that delivered is kept; zero
	// keeps none of them.
	Sample int
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log defaults to nowhere.
	Log *slog.Logger
}

// Log keeps attempts and finds them again. Make it with [New], end it with Stop; it
// is safe for concurrent use.
type Log struct {
	book      *chronicle.Chronicle[gateway.Attempt]
	sample    uint64
	delivered atomic.Uint64
	kept      prometheus.Counter
	lost      prometheus.Counter
}

// New begins to take attempts.
func New(cfg Config) (*Log, error) {
	if cfg.Store == nil || cfg.Sample < 0 {
		return nil, errors.New("the log of attempts needs a store, and a sample that is not negative")
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	l := &Log{
		sample: uint64(cfg.Sample),
		kept:   counter("imhook_attempt_log_kept_total", "Attempts that were written into the log of attempts."),
		lost:   counter("imhook_attempt_log_lost_total", "Attempts that are not in the log: they came faster than it is written, or the store did not take them."),
	}
	unreadable := counter("imhook_attempt_log_unreadable_total", "Pages and entries of the log of attempts that could not be read and were skipped.")
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Counter{l.kept, l.lost, unreadable} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("registering metrics: %w", err)
			}
		}
	}
	var err error
	l.book, err = chronicle.New(chronicle.Config[gateway.Attempt]{
		Store: cfg.Store, Append: appendEntry, Weight: weight, What: "attempts", Log: cfg.Log,
		At:   func(a gateway.Attempt) time.Time { return a.At },
		Kept: l.kept, Lost: l.lost, Unreadable: unreadable,
	})
	return l, err
}

// Record takes an attempt without waiting, or drops and counts it. Of those that
// delivered most are left out.
func (l *Log) Record(a gateway.Attempt) {
	if a.Event == nil || !a.Outcome.Kind.Tried() {
		return
	}
	if a.Outcome.Kind == gateway.Delivered && a.Outcome.Reason == gateway.ReasonNone {
		// The first one is kept: somebody who tries things out wants to see it.
		if n := l.delivered.Add(1); l.sample == 0 || (n-1)%l.sample != 0 {
			return
		}
	}
	// The envelope alone: what waits here must not keep pages of the journal.
	ev := a.Event
	a.Event = &event.Event{ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Lane: ev.Lane, Dialect: ev.Dialect, Command: ev.Command}
	l.book.Record(a)
}

// Stop keeps what was taken and ends; when ctx ends before, the rest is dropped and
// counted. It may be called more than once.
func (l *Log) Stop(ctx context.Context) error { return l.book.Stop(ctx) }

// weight is about how many bytes an attempt keeps in memory.
func weight(a gateway.Attempt) int64 {
	const rest = 1 << 10
	n := int64(rest)
	if x := a.Outcome.Exchange; x != nil {
		n += int64(len(x.URL) + len(x.Request) + len(x.Head) + len(x.Response) + len(x.Error))
	}
	return n
}

// Entry is one attempt. Its JSON form is on disk and in the API: append only.
type Entry struct {
	// Event is the event's id; what follows is its envelope.
	Event   string     `json:"event"`
	App     string     `json:"app"`
	Source  string     `json:"source"`
	Type    event.Type `json:"type"`
	Lane    event.Lane `json:"conversation,omitzero"`
	Dialect string     `json:"dialect,omitzero"`
	Command string     `json:"command,omitzero"`

	// Pos is where the event is in the journal.
	Pos gateway.Pos `json:"pos,omitzero"`
	// Endpoint is app/name; Attempt counts those of the event there, from 1.
	Endpoint string       `json:"endpoint"`
	Attempt  int          `json:"attempt"`
	Repeat   event.Repeat `json:"repeat,omitzero"`
	// At is when it was over, Took how long it took, in seconds.
	At   time.Time `json:"at"`
	Took float64   `json:"tookSeconds"`

	Outcome gateway.OutcomeKind `json:"outcome"`
	Reason  gateway.Reason      `json:"reason,omitzero"`
	Status  int                 `json:"status,omitzero"`
	Detail  string              `json:"detail,omitzero"`
	// RetryAfter is what the endpoint asked for, in seconds.
	RetryAfter float64 `json:"retryAfterSeconds,omitzero"`
	// Together is how many events shared the request, where its outcome is theirs.
	Together int `json:"together,omitzero"`
	// Exchange is what was said; with the first of the events that shared it.
	Exchange *gateway.Exchange `json:"exchange,omitzero"`
}

func appendEntry(b []byte, a gateway.Attempt) ([]byte, error) {
	e := EntryOf(a)
	return chronicle.AppendJSON(b, &e)
}

// Query says which attempts are wanted. Its zero value, with a Limit, wants all. What
// is empty does not narrow.
type Query struct {
	Endpoint string // app/name
	Event    string // its id
	Lane     event.Lane
	Reason   gateway.Reason
	Outcome  gateway.OutcomeKind
	// Match narrows by the event's envelope; nil takes all.
	Match func(*event.Event) bool
	// Since and Until are bounds of when it was over.
	Since, Until time.Time
	// Before and After are positions, exclusive; zero is no bound.
	Before, After gateway.Pos
	Limit         int
}

// Found are the attempts of one answer, newest first. See [chronicle.Found].
type Found struct {
	Entries []*Entry
	chronicle.Found
}

// Find looks backwards from the newest, or from q.Before. It stops after a bounded
// number of entries; Next then says where to go on.
func (l *Log) Find(ctx context.Context, q Query) (Found, error) {
	var f Found
	var err error
	f.Found, err = l.book.Find(ctx, chronicle.Search{
		Since: q.Since, Until: q.Until, Before: q.Before, After: q.After, Limit: q.Limit, Needles: chronicle.Needles(q.Endpoint, q.Event, string(q.Lane), string(q.Reason), string(q.Outcome)),
	}, chronicle.Take(&f.Entries, q.wants))
	return f, err
}

// wants reports whether q is about e.
func (q *Query) wants(e *Entry) bool {
	switch {
	case q.Endpoint != "" && e.Endpoint != q.Endpoint,
		q.Event != "" && e.Event != q.Event,
		q.Lane != "" && e.Lane != q.Lane,
		q.Reason != "" && e.Reason != q.Reason,
		q.Outcome != "" && e.Outcome != q.Outcome,
		!q.Since.IsZero() && e.At.Before(q.Since),
		!q.Until.IsZero() && e.At.After(q.Until):
		return false
	}
	return q.Match == nil || q.Match(&event.Event{
		ID: e.Event, App: e.App, Source: e.Source, Type: e.Type, Phase: event.After, Lane: e.Lane, Dialect: e.Dialect, Command: e.Command,
	})
}

// EntryOf is an attempt as an entry, which does not share memory with it but its
// exchange.
func EntryOf(a gateway.Attempt) Entry {
	ev, o := a.Event, a.Outcome
	e := Entry{
		Event: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Lane: ev.Lane, Dialect: ev.Dialect, Command: ev.Command,
		Pos: a.Pos, Endpoint: a.Endpoint, Attempt: a.N, Repeat: a.Repeat, At: a.At.UTC(), Took: o.Took.Round(time.Microsecond).Seconds(),
		Outcome: o.Kind, Reason: o.Reason, Status: o.Status, Detail: o.Detail, RetryAfter: o.RetryAfter.Seconds(), Exchange: o.Exchange,
	}
	if o.Together > 1 {
		e.Together = o.Together
	}
	return e
}
