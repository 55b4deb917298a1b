package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// followEvery is how often a member looks for pages that nobody told it of.
const followEvery = 250 * time.Millisecond

// standBy makes a member of this gateway: another one has the lease. Streams are
// the other one's to make.
func (j *Journal) standBy(ctx context.Context, e *engine) error {
	j.nodes.stands.Store(true)
	e.member = true
	for _, s := range []struct {
		name string
		to   *jetstream.Stream
	}{{j.at.pageStream, &e.pages}, {j.at.positionStream, &e.places}, {j.at.deadStream, &e.dead}} {
		if err := checkStream(ctx, e.js, s.name, j.cfg.Version); err != nil {
			return hopelessIf(errors.Is(err, ErrNewer), err)
		}
		var err error
		if *s.to, err = lookUp(ctx, e.js, s.name); err != nil {
			return fmt.Errorf("looking at stream %s: %w", s.name, err)
		}
	}
	return j.lookAtWriter(ctx, e, &sighting{})
}

// attend gets a member ready to read, and to take over: it knows what the window
// knows before somebody needs it.
func (j *Journal) attend(ctx context.Context, e *engine) error {
	// What there must be is for the gateway that writes to remember.
	err := j.water.set(j.cfg.Now(), func(r *highWater) {
		*r = highWater{Losses: r.Losses, LostPages: r.LostPages, LostEvents: r.LostEvents, LostLetters: r.LostLetters}
	})
	if err != nil {
		return err
	}
	j.deleted = 0
	if j.started {
		j.nodes.look()
		return nil
	}
	st, err := e.state(ctx)
	if err != nil {
		return err
	}
	events := uint64(0)
	if st.Msgs > 0 {
		h, err := e.headBefore(ctx, st.LastSeq, st.FirstSeq, nil)
		if err != nil {
			return err
		}
		events = h.before + h.events
	}
	j.done.set(st.LastSeq, events)
	if err := j.recallWindow(ctx, e, false); err != nil {
		return fmt.Errorf("recalling what arrived lately: %w", err)
	}
	return nil
}

// follow reads what the gateway that writes commits, while this one is a member:
// for its readers, and so that it knows the window when it takes over.
func (j *Journal) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-j.nodes.pages:
		}
		for j.followOne(ctx) {
		}
	}
}

// followOne reads the next page; false when there is none now.
func (j *Journal) followOne(ctx context.Context) bool {
	j.nodes.following.Lock()
	defer j.nodes.following.Unlock()
	e := j.engine.Load()
	if e == nil || !j.standing() || ctx.Err() != nil {
		return false
	}
	within, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	last, events := j.done.get()
	m, err := e.pages.GetMsg(within, last+1, jetstream.WithGetMsgSubject(j.at.pageSubject))
	if err != nil {
		return false
	}
	if err := known(m.Data); err != nil {
		j.nag.say(j.cfg.Log, j.cfg.Now(), "reading on: start this gateway with the version of the one that writes, or a newer one", err)
		return false
	}
	at := storedAt(m.Header, m.Time)
	page := j.page(m.Sequence, at, m.Data)
	n := 0
	before, counted, err := countPage(m.Data, &n)
	if err != nil || !counted {
		before = events
	}
	j.commits.mu.Lock()
	j.window.turn(j.cfg.Now())
	err = j.recallPage(m.Sequence, at, m.Data)
	j.commits.mu.Unlock()
	if err != nil {
		return false
	}
	j.done.set(m.Sequence, before+uint64(n))
	j.size.add(m.Sequence, len(m.Data), at)
	j.recent.add(page)
	return true
}

// known says that a page was written by a newer imhook. Who is alone refuses to
// start then; a member may meet one while gateways are being replaced, and must not
// take it for a page without events.
func known(page []byte) error {
	if len(page) > 0 && page[0] > pageVersion {
		return fmt.Errorf("%w: %w: it has version %d, this imhook knows versions up to %d", ErrPage, ErrNewer, page[0], pageVersion)
	}
	return nil
}

// forgetPurged is a member's part of keeping house: it forgets the sizes of pages
// that the gateway that writes has purged.
func (j *Journal) forgetPurged(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if st, err := j.state(within); err == nil && st.Msgs > 0 {
		j.size.purged(st.FirstSeq)
	}
}

// sighting is what a member saw of the lease.
type sighting struct {
	seq   uint64
	since time.Time
}

// watch takes over when the gateway that writes is gone.
func (j *Journal) watch(ctx context.Context) {
	tick := time.NewTicker(max(j.cfg.leaseTTL/10, 20*time.Millisecond))
	defer tick.Stop()
	var s sighting
	answered := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-j.nodes.lease:
		}
		e := j.engine.Load()
		if e == nil || !j.standing() {
			s, answered = sighting{}, time.Now()
			continue
		}
		switch err := j.lookAtWriter(ctx, e, &s); {
		case err == nil:
			answered = time.Now()
		case time.Since(answered) > j.cfg.leaseTTL && ctx.Err() == nil:
			j.elsewhere(e, err)
			answered = time.Now()
			fallthrough
		default:
			s = sighting{} // whoever writes may not reach it either
		}
	}
}

// elsewhere goes to another server when the one that is connected to answers nothing
// of the journal, although the connection is well: it may have lost the others of its
// cluster.
func (j *Journal) elsewhere(e *engine, why error) {
	if !j.cfg.severalServers() || !e.nc.IsConnected() {
		return // it tries them all by itself
	}
	j.cfg.Log.Warn("the NATS server does not answer for the journal, going to another one", "server", e.nc.ConnectedServerName(), "err", why)
	if err := e.nc.ForceReconnect(); err != nil {
		j.cfg.Log.Warn("going to another NATS server failed", "err", err)
	}
}

// lookAtWriter looks who writes, and takes over from one that is gone.
func (j *Journal) lookAtWriter(ctx context.Context, e *engine, s *sighting) error {
	within, cancel := context.WithTimeout(ctx, max(j.cfg.leaseTTL/3, 100*time.Millisecond))
	defer cancel()
	// Not under the lease's lock: a member does not renew.
	rec, seq, age, err := readLease(within, e.leases, j.at.leaseSubject)
	if err != nil {
		return err
	}
	if seq != s.seq || s.since.IsZero() {
		*s = sighting{seq, time.Now()}
	}
	if !j.lease.free(rec, age) {
		j.nodes.writes(*rec)
		return nil
	}
	// After an outage of the engine the lease is old although its holder is well: it
	// gets the time to renew it.
	lapsed := rec != nil && !rec.Released && !rec.over(&j.lease.me)
	if lapsed && time.Since(s.since) < j.cfg.leaseTTL/4 || !j.started {
		return nil
	}
	// With the connection that there is: who is not the fastest stays what it is.
	won, err := j.lease.seize(within, e.js, e.leases, j.at.leaseSubject, rec, seq)
	if err != nil || !won {
		return err
	}
	j.cfg.Log.Info("the gateway that wrote the journal is gone, this one writes from now on", "writer", rec)
	*s = sighting{}
	j.broke()
	return nil
}

// errNoWriter is told to who waited for a gateway that writes.
var errNoWriter = fmt.Errorf("%w: no gateway writes the journal", gateway.ErrUnavailable)
