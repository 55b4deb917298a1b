package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// Entry is one thing that somebody did. Its JSON form is on disk and in the API:
// append only.
type Entry struct {
	At time.Time `json:"at"`
	// Who is what the token is called, or where the caller was, with its role; From is
	// the address.
	Who  string `json:"who"`
	Role string `json:"role,omitzero"`
	From string `json:"from,omitzero"`
	// What is the operation, as the API's document names it, Target what it was about.
	What   string `json:"what"`
	Target string `json:"target,omitzero"`
	// Detail says more in one line; Refused why it was not done.
	Detail  string `json:"detail,omitzero"`
	Refused string `json:"refused,omitzero"`
	// Before and After are what was changed, as YAML without secrets.
	Before string `json:"before,omitzero"`
	After  string `json:"after,omitzero"`
}

// Config is what a [Log] is made of.
type Config struct {
	Store chronicle.Store
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log defaults to nowhere.
	Log *slog.Logger
}

// Log keeps entries and finds them again. Make it with [New], end it with Stop; it is
// safe for concurrent use.
type Log struct{ book *chronicle.Chronicle[Entry] }

// New begins to take entries.
func New(cfg Config) (*Log, error) {
	if cfg.Store == nil {
		return nil, errors.New("the audit log needs a store")
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	kept := counter("imhook_audit_kept_total", "Entries that were written into the audit log.")
	lost := counter("imhook_audit_lost_total", "Entries that are not in the audit log: the store did not take them.")
	unreadable := counter("imhook_audit_unreadable_total", "Pages and entries of the audit log that could not be read and were skipped.")
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Counter{kept, lost, unreadable} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("registering metrics: %w", err)
			}
		}
	}
	book, err := chronicle.New(chronicle.Config[Entry]{
		Store: cfg.Store, Append: appendEntry, Weight: weight, What: "audit entries", Log: cfg.Log,
		At:   func(e Entry) time.Time { return e.At },
		Kept: kept, Lost: lost, Unreadable: unreadable,
	})
	return &Log{book}, err
}

// Record takes an entry without waiting, or drops and counts it.
func (l *Log) Record(e Entry) { l.book.Record(e) }

// Stop keeps what was taken and ends; when ctx ends before, the rest is dropped and
// counted. It may be called more than once.
func (l *Log) Stop(ctx context.Context) error { return l.book.Stop(ctx) }

// weight is about how many bytes an entry keeps in memory.
func weight(e Entry) int64 {
	const rest = 256
	return int64(rest + len(e.Who) + len(e.Target) + len(e.Detail) + len(e.Refused) + len(e.Before) + len(e.After))
}

func appendEntry(b []byte, e Entry) ([]byte, error) {
	e.At = e.At.UTC()
	return chronicle.AppendJSON(b, &e)
}

// Query says which entries are wanted. Its zero value, with a Limit, wants all. What is
// empty does not narrow.
type Query struct {
	Who string
	// What is an operation; Target must be contained.
	What   string
	Target string
	// Since and Until bound when it was.
	Since, Until time.Time
	// Before and After are positions, exclusive; zero is no bound.
	Before, After gateway.Pos
	Limit         int
}

// Found are the entries of one answer, newest first. See [chronicle.Found].
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
		Since: q.Since, Until: q.Until, Before: q.Before, After: q.After, Limit: q.Limit, Needles: chronicle.Needles(q.Who, q.What),
	}, chronicle.Take(&f.Entries, q.wants))
	return f, err
}

// wants reports whether q is about e.
func (q *Query) wants(e *Entry) bool {
	return (q.Who == "" || e.Who == q.Who) && (q.What == "" || e.What == q.What) && strings.Contains(e.Target, q.Target) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) && (q.Until.IsZero() || !e.At.After(q.Until))
}
