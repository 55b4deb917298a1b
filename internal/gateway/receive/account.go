package receive

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Account is what a source's requests brought since the process began, and what
// became of it: Received are all the others together, at any moment.
type Account struct {
	App, Name string
	// Received events were authenticated and decoded.
	Received uint64
	// Journaled, Duplicates and Refused are after-events, Refused those before-events
	// too that got no verdict; their sender was told. Answered are before-events.
	Journaled, Duplicates, Refused, Answered uint64
	// UnderWay are in requests that are being served.
	UnderWay uint64
}

// Accounts returns the account of every source that is called, or was called since
// the process began, by app and name.
func (h *Handler) Accounts() []Account {
	h.metrics.booking.Lock()
	defer h.metrics.booking.Unlock()
	all := make([]Account, 0, len(h.metrics.books))
	for _, b := range h.metrics.books {
		all = append(all, b.account())
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Name, b.Name)) })
	return all
}

// book is a source's account. It outlives changes of the source.
type book struct {
	mu sync.Mutex
	Account
}

func (b *book) account() Account {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Account
}

// book returns the account of a source, always the same.
func (m *metrics) book(app, name string) *book {
	m.booking.Lock()
	defer m.booking.Unlock()
	key := [2]string{app, name}
	b := m.books[key]
	if b == nil {
		b = &book{Account: Account{App: app, Name: name}}
		m.books[key] = b
	}
	return b
}

// The following note what became of events of one request. They may be called from
// two goroutines at once: a stream reads on while what came is being kept.

// owes notes an event more of which something must become.
func (c *call) owes() {
	b := c.src.metrics.book
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Received++
	b.UnderWay++
	c.owed++
}

// settled takes n events off what is owed, before end says what became of them. Call
// with the book's mu.
func (c *call) settled(n uint64) {
	c.owed -= n
	c.src.metrics.book.UnderWay -= n
}

// kept notes what the journal says that it did with n events.
func (c *call) kept(n int, k gateway.Kept) {
	m := c.src.metrics
	m.journaled.Add(float64(k.Stored))
	if k.Duplicates > 0 {
		m.duplicates.Add(float64(k.Duplicates))
	}
	m.book.mu.Lock()
	defer m.book.mu.Unlock()
	m.book.Journaled += uint64(k.Stored)
	m.book.Duplicates += uint64(k.Duplicates)
	c.settled(uint64(n))
}

// refusedEvents notes events that were not kept, and whose sender is told.
func (c *call) refusedEvents(n int) {
	m := c.src.metrics
	m.refused.Add(float64(n))
	m.book.mu.Lock()
	defer m.book.mu.Unlock()
	m.book.Refused += uint64(n)
	c.settled(uint64(n))
}

// answered notes a before-event that got its verdict.
func (c *call) answered() {
	b := c.src.metrics.book
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Answered++
	c.settled(1)
}

// close ends the request's part of the account. What is owed still was not kept: where
// the sender was told so, it is refused. Where he was told that all is well, it is
// lost, and the account shall not add up.
func (c *call) close(told bool) {
	b := c.src.metrics.book
	b.mu.Lock()
	n := c.owed
	b.mu.Unlock()
	switch {
	case n == 0:
	case told:
		c.refusedEvents(int(n))
	default:
		b.mu.Lock()
		c.settled(n)
		b.mu.Unlock()
		c.h.cfg.Log.Error("events were answered and are nowhere: this is a defect of imhook", "source", c.src.Name, "events", n, "path", short(c.req.Path))
	}
}

// Budget is how long a source's before-callbacks may wait for their verdict.
type Budget struct {
	App, Source string
	Wait        time.Duration
}

// Budgets returns those of the sources that are called now and whose server asks, in
// the order of their names.
func (h *Handler) Budgets() []Budget {
	var all []Budget
	for _, s := range *h.sources.Load() {
		if slices.ContainsFunc(s.Dialect.Spec().Commands, func(c dialect.Command) bool { return c.Phase == event.Before }) {
			all = append(all, Budget{s.App, s.Name, s.budget()})
		}
	}
	slices.SortFunc(all, func(a, b Budget) int { return cmp.Compare(a.Source, b.Source) })
	return all
}
