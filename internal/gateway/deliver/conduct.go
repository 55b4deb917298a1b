package deliver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// conduct runs a run until it is over or ctx ends.
func (d *Deliverer) conduct(ctx context.Context, u *rerun) {
	for {
		more, err := d.conductPart(ctx, u)
		switch {
		case context.Cause(ctx) == errCancelled: //nolint:errorlint // it is the cause itself
			u.finish(gateway.RunCancelled, "", d.cfg.Now())
		case ctx.Err() != nil:
			return // stopping: it goes on after the next start
		case errors.Is(err, errChoice):
			u.finish(gateway.RunFailed, err.Error(), d.cfg.Now())
		case err != nil:
			u.say(err.Error())
			pause(ctx, time.Second)
			continue
		case more:
			continue
		default:
			u.finish(gateway.RunDone, "", d.cfg.Now())
		}
		break
	}
	s := u.status()
	d.cfg.Log.Info("run ended", "run", s.ID, "kind", s.Kind, "endpoint", s.Target(), "state", s.State,
		"selected", s.Selected, "delivered", s.Delivered, "parked", s.Parked, "note", s.Note)
	for d.saveRun(d.readCtx, u) != nil && d.readCtx.Err() == nil {
		pause(d.readCtx, time.Second)
	}
}

// errChoice is wrapped when a run cannot be made of what it says any more.
var errChoice = errors.New("what the run selects cannot be read any more")

// conductPart runs all of a replay, or as many dead letters as can be listed at
// once; more says that there are others behind.
func (d *Deliverer) conductPart(ctx context.Context, u *rerun) (more bool, err error) {
	host := d.runnerOf(u.spec.Target())
	selected, picked, err := d.chosen(u.spec)
	switch {
	case host == nil || errors.Is(err, gateway.ErrNoEndpoint):
		return false, errors.New("its endpoint is not configured now")
	case err != nil:
		return false, errors.Join(errChoice, err)
	}
	book := d.cfg.Journal
	var letters *letterBook
	end := u.end
	match := func(ev *event.Event) bool { return selected(ev) && (u.spec.All || picked(ev)) }
	if u.spec.Kind == event.Requeued {
		letters = &letterBook{
			Journal: d.cfg.Journal, letters: d.cfg.Letters, endpoint: u.spec.Endpoint, upTo: u.end, most: d.listed,
			wants: func(l *gateway.DeadLetter) bool { return wanted(u.spec.Selection, l) && selected(l.Event) },
		}
		if more, err = letters.list(ctx, u.firstPage()); err != nil {
			return false, err
		}
		book, end = letters, letters.last()
		match = func(ev *event.Event) bool { return ev != nil }
		if err := d.discard(ctx, letters, u.through(letters)); err != nil {
			return false, err
		}
	}
	r, err := d.enlist(ctx, u, host, book, match, end)
	if err != nil {
		return false, err
	}
	finished := make(chan struct{}) // all is read
	reading, stop := context.WithCancel(ctx)
	defer stop()
	left := make(chan struct{})
	go func() {
		defer close(left)
		if d.readRun(reading, u, r, book, end) {
			close(finished)
		}
	}()
	err = d.attend(ctx, u, r, letters, finished)
	stop()
	r.halt()
	<-left
	r.wg.Wait()
	u.dismiss()
	if letters == nil || d.readCtx.Err() != nil {
		return more, err // what is through is found in the record again
	}
	return more, errors.Join(err, d.discard(d.readCtx, letters, u.through(letters)))
}

// settledAt notes that an event arrived or was parked. Call with mu.
func (r *runner) settledAt(pos gateway.Pos) {
	if r.repeat == event.Requeued {
		r.through = append(r.through, pos)
	}
}

// keepsUnsaid reports whether what cannot be said to the endpoint is parked: it was
// a dead letter, and must not vanish. Call with mu.
func (r *runner) keepsUnsaid() bool { return r.repeat == event.Requeued }

// unsaid is the dead letter of an event that cannot be said to the endpoint.
func (r *runner) unsaid(f *flight) gateway.DeadLetter {
	why := f.out.Detail
	if f.out.Kind == gateway.Echoed {
		why = "it repeats what another command reported, and is left out of translations"
	}
	return gateway.DeadLetter{
		Endpoint: r.id, Pos: f.item.pos, Event: f.item.ev, Reason: gateway.ReasonEncode, Detail: why,
		Attempts: f.item.attempts, FirstAt: f.item.firstAt, At: r.now(), Repeat: r.repeat,
	}
}

// wanted reports whether a dead letter is one of those that are meant, but for its
// event.
func wanted(s gateway.Selection, l *gateway.DeadLetter) bool {
	return l.Event != nil && (len(s.Letters) == 0 || slices.Contains(s.Letters, l.Seq)) && (len(s.Reasons) == 0 || slices.Contains(s.Reasons, l.Reason)) &&
		(s.Since.IsZero() || !l.At.Before(s.Since)) && (s.Until.IsZero() || l.At.Before(s.Until))
}

// enlist makes the run's runner, brings it to where the run was, and lets it go.
func (d *Deliverer) enlist(ctx context.Context, u *rerun, host *runner, book Journal, match func(*event.Event) bool, end uint64) (*runner, error) {
	host.mu.Lock()
	e := host.Endpoint
	host.mu.Unlock()
	e.Sender, e.Release = again{u}, nil
	e.Batch.Linger = 0
	e.MaxBacklogAge, e.MaxBacklogBytes = 0, 0
	e.Coalesce = Coalesce{}
	e.Vendor = nil                     // somebody asked for it, and not the vendor
	e.Rate, e.OnPoison = 0, PoisonPark // the rate is the host's to keep, and a run ends
	e.Match = func(ev *event.Event) bool {
		if !match(ev) {
			return false
		}
		u.selected++
		return true
	}
	r := d.newRunner(e)
	r.journal, r.repeat = book, u.spec.Kind
	r.metrics = d.metrics.run(e.App, e.Name, u.spec.Kind)
	r.guest = newGuest(u.spec.Rate, e.Batch.Count, d.cfg.Now)
	r.guest.host.Store(host)
	u.mu.Lock()
	place := u.place
	u.mu.Unlock()
	if err := r.restore(ctx, place, ^gateway.Pos(0), end, d.eager); err != nil {
		return nil, err
	}
	u.mu.Lock()
	u.runner, u.state, u.note = r, gateway.RunRunning, ""
	r.guest.host.Store(d.runnerOf(u.spec.Target())) // it may have changed in between
	u.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped, r.reading, r.missing = false, true, 0
	r.paused, r.pausedUntil = "", time.Time{} // of a record from before runs paused their endpoints
	r.arm()
	r.dispatch()
	return r, nil
}

// readRun reads all of the run into its runner; false when it had to leave before.
func (d *Deliverer) readRun(ctx context.Context, u *rerun, r *runner, book Journal, end uint64) bool {
	for {
		seq, ok := r.waitForRoom(ctx)
		if !ok {
			return false
		}
		var page *gateway.Page
		err := gateway.ErrNoPage
		if seq <= end {
			page, err = book.Page(ctx, seq)
		}
		switch {
		case errors.Is(err, gateway.ErrNoPage) || err == nil && page.Seq > end:
			r.missAll(seq)
			r.mu.Lock()
			r.read = max(r.read, gateway.NewPos(end+1, 0)-1)
			r.dirty = true
			r.mu.Unlock()
			return true
		case err != nil:
			if ctx.Err() == nil {
				d.cfg.Log.Warn("reading for a run failed, trying again", "run", u.spec.ID, "page", seq, "err", err)
			}
			pause(ctx, time.Second)
			continue
		}
		if u.spec.Kind == event.Replayed {
			u.passed(seq, page, d.trimmedTo(ctx, seq, page.Seq))
		}
		r.read1(page, seq)
	}
}

// trimmedTo is how many pages between seq and the next one that is there were
// dropped from the front of the journal.
func (d *Deliverer) trimmedTo(ctx context.Context, seq, next uint64) uint64 {
	if next == seq {
		return 0
	}
	first, _, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil || first <= seq {
		return 0
	}
	return min(first, next) - seq
}

// passed notes how far the run has read.
func (u *rerun) passed(seq uint64, page *gateway.Page, trimmed uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.at = page.Time.UTC()
	u.trimmed += trimmed
}

// attend lets the run's attempts in, saves where it stands and takes away the dead
// letters that are through, until all is.
func (d *Deliverer) attend(ctx context.Context, u *rerun, r *runner, letters *letterBook, finished <-chan struct{}) error {
	knock := time.NewTicker(guestEvery)
	defer knock.Stop()
	save := time.NewTimer(saveEvery)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-knock.C:
			// Asked first: what the reader takes at last is open before it has finished.
			read := false
			select {
			case <-finished:
				read = true
			default:
			}
			r.mu.Lock()
			r.dispatch()
			over := r.open == 0 && len(r.again) == 0
			r.mu.Unlock()
			if read && over {
				return nil
			}
		case <-save.C:
			r.tick()
			took, err := d.keepRun(ctx, u, r, letters)
			if err != nil && ctx.Err() == nil {
				d.cfg.Log.Warn("keeping a run failed, trying again", "run", u.spec.ID, "err", err)
			}
			save.Reset(max(saveEvery, 9*took))
		}
	}
}

// keepRun saves where a run stands, and then takes away dead letters that are
// through: one that is gone was delivered or parked anew, and the record says so. It
// returns how long the saving took: taking away costs an fsync each, and what does not
// fit into its time is left for the next one, or for the end.
func (d *Deliverer) keepRun(ctx context.Context, u *rerun, r *runner, letters *letterBook) (took time.Duration, err error) {
	r.mu.Lock()
	dirty, through := r.dirty, r.through
	r.through = nil
	r.mu.Unlock()
	done := 0
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.through = append(r.through, through[done:]...)
	}()
	begin := time.Now()
	if dirty {
		if err := d.saveRun(ctx, u); err != nil {
			return time.Since(begin), err
		}
	}
	took = time.Since(begin)
	for begin = time.Now(); done < len(through) && time.Since(begin) < saveEvery/2; done++ {
		for _, seq := range letters.at(through[done]) {
			if _, err := letters.letters.RemoveDeadLetter(ctx, seq); err != nil {
				return took, err
			}
		}
	}
	return took, nil
}

// discard takes dead letters away that are through.
func (d *Deliverer) discard(ctx context.Context, letters *letterBook, through []listed) error {
	for _, l := range through {
		if _, err := letters.letters.RemoveDeadLetter(ctx, l.seq); err != nil {
			return err
		}
	}
	return nil
}

// firstPage is the first page of which something may not be through.
func (u *rerun) firstPage() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	first := (u.place.Read + 1).Seq()
	for _, o := range u.place.Open {
		first = min(first, o.Pos.Seq())
	}
	return first
}

// through are those of the dead letters that the run's record says are through.
func (u *rerun) through(letters *letterBook) []listed {
	u.mu.Lock()
	defer u.mu.Unlock()
	open := make(map[gateway.Pos]bool, len(u.place.Open))
	for _, o := range u.place.Open {
		open[o.Pos] = true
	}
	var all []listed
	for _, l := range letters.below(u.place.Read) {
		if !open[l.pos] {
			all = append(all, l)
		}
	}
	return all
}

// dismiss takes over from the run's runner, which runs no more.
func (u *rerun) dismiss() {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.runner
	r.mu.Lock()
	defer r.mu.Unlock()
	t := u.counted()
	u.place, u.before, u.selected = r.position(), t, 0
	u.runner = nil
}

// again is the Sender of a run: the endpoint's own, with the event marked.
type again struct{ u *rerun }

// away is said of an attempt whose endpoint is not there any more.
var away = gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}

func (a again) line() *line {
	a.u.mu.Lock()
	defer a.u.mu.Unlock()
	if a.u.runner == nil {
		return nil
	}
	h := a.u.runner.guest.host.Load()
	if h == nil {
		return nil
	}
	// It may have been removed since, and its line with it: then there is none.
	return h.holdIfThere()
}

func (a again) mark(ev *event.Event) *event.Event {
	marked := *ev
	marked.Repeat = a.u.spec.Kind
	return &marked
}

// Send implements [Sender].
func (a again) Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	l := a.line()
	if l == nil {
		return away
	}
	defer l.leave()
	return l.Send(ctx, a.mark(ev), sent)
}

// SendBatch implements [BatchSender].
func (a again) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	l := a.line()
	if l == nil {
		return []gateway.Outcome{away}
	}
	defer l.leave()
	b, ok := l.Sender.(BatchSender)
	if !ok {
		return []gateway.Outcome{l.Send(ctx, a.mark(evs[0]), 0)}
	}
	marked := make([]*event.Event, len(evs))
	for i, ev := range evs {
		marked[i] = a.mark(ev)
	}
	return b.SendBatch(ctx, marked)
}
