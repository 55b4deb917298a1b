package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// note writes down, about each second and off the path of commits, what a start
// after this one wants to know: the high-water record, the window's snapshot, the
// positions. It also notices what the engine loses while it runs: a file that was
// damaged is found out when somebody reads it.
func (j *Journal) note(ctx context.Context) error {
	e := j.engine.Load()
	if e == nil {
		return nil // being restarted
	}
	j.noting.Lock()
	defer j.noting.Unlock()
	return errors.Join(j.noteWater(ctx, e), j.saveSnapshot(false), j.savePlaces(false))
}

// leave is the note of a journal that closes.
func (j *Journal) leave(ctx context.Context, e *engine) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := errors.Join(j.saveSnapshot(true), j.savePlaces(true))
	if !j.counts.broken.Load() {
		err = errors.Join(err, j.noteWater(ctx, e))
	}
	if err != nil {
		// None of it is needed: the next start takes longer, or can tell less.
		j.cfg.Log.Warn("what helps the next start could not be written", "err", err)
	}
}

func (j *Journal) noteWater(ctx context.Context, e *engine) error {
	st, err := e.state(ctx)
	if err != nil {
		return err
	}
	absent, err := j.absent(ctx, e, st.FirstSeq)
	if err != nil {
		return err
	}
	first := st.FirstSeq
	if st.Msgs == 0 {
		first = st.LastSeq + 1
	}
	// We write down what we purge before we do it: what else is gone from the front,
	// somebody else took.
	taken := j.started && first > j.water.get().First
	if taken || st.Msgs > 0 && (st.NumDeleted > j.deleted || len(absent) > 0) {
		had, err := j.remembered(ctx, e)
		if err != nil {
			return err
		}
		losses, holes, now, err := j.missing(ctx, e, had, absent...)
		if err != nil {
			return err
		}
		if err := j.report(losses, holes); err != nil {
			return err
		}
		st = now
	}
	j.deleted = st.NumDeleted
	if err := j.noteLetters(ctx, e); err != nil {
		return err
	}
	return j.writeWater(ctx, e, first)
}

// noteFirst writes down which page is the first one now.
func (j *Journal) noteFirst(ctx context.Context, e *engine) error {
	st, err := e.state(ctx)
	if err != nil {
		return err
	}
	first := st.FirstSeq
	if st.Msgs == 0 {
		first = st.LastSeq + 1
	}
	return j.writeWater(ctx, e, first)
}

// writeWater brings the high-water record up to date; first is the first page
// that must be there. Before pages are purged it is written without them, or a
// crash in between would look like damage.
func (j *Journal) writeWater(ctx context.Context, e *engine, first uint64) error {
	last, events := j.done.get()
	had := j.water.get()
	before := had.EventsBefore
	switch {
	case first > last:
		before = events
	case first != had.First:
		h, err := e.headAfter(ctx, first, last, had.Holes)
		if err != nil {
			return err
		}
		before = h.before
	}
	j.lettering.Lock()
	defer j.lettering.Unlock()
	return j.water.set(j.cfg.Now(), func(r *highWater) {
		r.Letters = j.letters
		r.First, r.EventsBefore = first, before
		r.Last, r.Events = last, events
		r.Bytes = j.size.from(0)
		// For some moments after a start endpoints have not said how far they are: what is
		// on record is nearer to the truth than that nobody is done with anything.
		if floor := j.floor.Load(); floor >= r.Floor || j.floorAt.Load() > 1 {
			r.Floor = floor
		}
		r.Positions, r.PositionKeys = j.places.state()
		r.DeadLetters = max(r.DeadLetters, j.parked.Load())
		for len(r.Holes) > 0 && r.Holes[0].Last < first {
			r.Holes = r.Holes[1:]
		}
	})
}

// nags tells of a failure that comes again each second only now and then.
type nags struct{ at time.Time }

func (n *nags) say(log *slog.Logger, now time.Time, what string, err error) {
	if !n.at.IsZero() && now.Sub(n.at) < time.Minute {
		return
	}
	n.at = now
	log.Warn("the journal could not do its housework, trying again", "what", what, "err", err)
}

const notNoted = "noting its state"
