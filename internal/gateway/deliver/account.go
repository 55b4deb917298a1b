package deliver

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Account is what an endpoint got since it began, and what became of it: Matched and
// CarriedOver are all the others together, at any moment.
type Account struct {
	App, Name string
	// Removed is true while it is not configured.
	Removed bool
	// Matched events were picked by its rule. CarriedOver ones were open when it
	// began: at the start of the process, or when it came back.
	Matched, CarriedOver uint64
	// How events come to their end.
	Delivered, Parked, Expired, Echoes, Untranslatable, Coalesced uint64
	// Open ones have not come to their end.
	Open uint64
}

// Accounts returns the account of every endpoint, in configuration order, and behind
// them those that were removed and are not forgotten yet, by name.
func (d *Deliverer) Accounts() []Account {
	_, runners, gone := d.serving()
	all := make([]Account, 0, len(runners)+len(gone))
	for _, r := range runners {
		r.mu.Lock()
		all = append(all, r.account())
		r.mu.Unlock()
	}
	for _, g := range gone {
		all = append(all, d.accountOf(g))
	}
	return all
}

// accountOf is the account of a removed endpoint.
func (d *Deliverer) accountOf(g *gone) (a Account) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := g.runner; r != nil {
		r.mu.Lock()
		a = r.account()
		r.mu.Unlock()
	} else {
		a = g.account
		a.Open = uint64(g.open)
	}
	a.App, a.Name, a.Removed = g.app, g.name, true
	return a
}

// account counts what is open where it is, and does not believe r.open. Call with mu.
func (r *runner) account() Account {
	b := r.metrics.books
	carried := b.carried.Load()
	a := Account{
		App: r.App, Name: r.Name,
		Matched: b.matched.Load() - carried, CarriedOver: carried,
		Delivered: b.delivered.Load(), Parked: r.metrics.parkedTotal.Load(), Expired: b.expired.Load(),
		Echoes: b.echoes.Load(), Untranslatable: b.untranslatable.Load(), Coalesced: b.coalesced.Load(),
		Open: uint64(len(r.again)),
	}
	for _, ll := range r.left.lanes {
		a.Open += uint64(ll.events)
	}
	for _, l := range r.lanes {
		a.Open += uint64(len(l.queue))
	}
	return a
}

// books are the counts of one endpoint that its account is made of. They change with
// runner.mu only, together with what they count.
type books struct {
	// matched has those that are carried over as well.
	matched, carried, delivered, expired, echoes, untranslatable, coalesced atomic.Uint64
}

// booked is a counter whose count is kept in the books too.
type booked struct {
	prometheus.Counter
	in *atomic.Uint64
}

// Inc counts one.
func (c booked) Inc() {
	c.Counter.Inc()
	c.in.Add(1)
}

// Add counts n.
func (c booked) Add(n float64) {
	c.Counter.Add(n)
	c.in.Add(uint64(n))
}
