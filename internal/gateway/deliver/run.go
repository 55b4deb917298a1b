package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Bounds of runs: how many may be under way, and how many that are over, and for
// how long, are remembered.
const (
	maxRuns   = 100
	maxOver   = 100
	overAge   = 7 * 24 * time.Hour
	runPrefix = "deliver.run."
)

// reruns are the requeues and replays, the oldest first.
type reruns struct {
	mu  sync.Mutex
	all []*rerun
}

// rerun is one requeue or replay: a runner that is a guest at its endpoint and reads
// a bounded part of the journal, or the dead letters. What it has of state is its
// record, as with any endpoint.
type rerun struct {
	spec gateway.Run
	// from and end are the first and last page that are read; for dead letters end
	// is the last one's number.
	from, end uint64
	// ended is closed when nothing of it runs any more.
	ended chan struct{}
	// cancel ends it. Guarded by runs.mu.
	cancel context.CancelCauseFunc

	// mu guards the following.
	mu      sync.Mutex
	state   gateway.RunState
	note    string
	at      time.Time
	endedAt time.Time
	trimmed uint64
	// place is where it stands while it does not run, and before is what was counted
	// up to there.
	place  position
	before tally
	// runner is not nil while it runs.
	runner *runner
	// selected counts what the runner took in since before. Guarded by runner.mu.
	selected int
}

// tally is what became of a run's events.
type tally struct{ selected, delivered, parked int }

var errCancelled = errors.New("the run was cancelled")

// Repeat begins a run and returns it, under its ID or, where it has none, a new one; it goes on after a restart until it is over.
// Of an endpoint, one run of each kind is under way at a time and the others wait
// for it. The error wraps gateway.ErrNoEndpoint or gateway.ErrManyRuns, or says what
// is wrong with what was asked for.
func (d *Deliverer) Repeat(ctx context.Context, spec gateway.Run) (gateway.RunStatus, error) {
	if d.readCtx == nil || d.readCtx.Err() != nil {
		return gateway.RunStatus{}, errNotRunning
	}
	if err := d.checkRun(spec); err != nil {
		return gateway.RunStatus{}, err
	}
	u := &rerun{state: gateway.RunQueued, ended: make(chan struct{})}
	var err error
	if u.from, u.end, err = d.span(ctx, spec); err != nil {
		return gateway.RunStatus{}, err
	}
	u.place.Read = gateway.NewPos(max(u.from, 1), 0) - 1
	now := d.cfg.Now()

	d.runs.mu.Lock()
	under := 0
	for _, o := range d.runs.all {
		if !o.over() {
			under++
		}
	}
	if under >= maxRuns {
		d.runs.mu.Unlock()
		return gateway.RunStatus{}, fmt.Errorf("%w: %d of at most %d; wait, or cancel one", gateway.ErrManyRuns, under, maxRuns)
	}
	has := func(id string) bool {
		return slices.ContainsFunc(d.runs.all, func(o *rerun) bool { return o.spec.ID == id })
	}
	if spec.ID == "" {
		id := now.UnixMilli()
		for has(runID(id)) {
			id++
		}
		spec.ID, spec.CreatedAt = runID(id), now.UTC()
	} else if has(spec.ID) {
		d.runs.mu.Unlock()
		return gateway.RunStatus{}, fmt.Errorf("there is a run %s already", spec.ID)
	}
	u.spec = spec
	d.runs.all = append(d.runs.all, u)
	d.runs.mu.Unlock()

	if err := d.saveRun(ctx, u); err != nil {
		d.forgetRun(u)
		return gateway.RunStatus{}, fmt.Errorf("keeping the run: %w", err)
	}
	d.cfg.Log.Info("run begun", "run", spec.ID, "kind", spec.Kind, "endpoint", spec.Endpoint, "to", spec.To)
	d.beginRuns()
	return u.status(), nil
}

// runID is short, and greater for later ones.
func runID(ms int64) string { return strconv.FormatInt(ms, 36) }

// Runs returns all that are under way, and those that ended lately, the oldest
// first.
func (d *Deliverer) Runs() []gateway.RunStatus {
	d.runs.mu.Lock()
	all := slices.Clone(d.runs.all)
	d.runs.mu.Unlock()
	out := make([]gateway.RunStatus, 0, len(all))
	for _, u := range all {
		out = append(out, u.status())
	}
	return out
}

// CancelRun ends a run, or gateway.ErrNoRun; attempts in flight end first. What it
// has not delivered stays where it was. One that is over stays as it is.
func (d *Deliverer) CancelRun(ctx context.Context, id string) (gateway.RunStatus, error) {
	d.runs.mu.Lock()
	i := slices.IndexFunc(d.runs.all, func(u *rerun) bool { return u.spec.ID == id })
	if i < 0 {
		d.runs.mu.Unlock()
		return gateway.RunStatus{}, fmt.Errorf("%w: %s", gateway.ErrNoRun, id)
	}
	u := d.runs.all[i]
	cancel := u.cancel
	if cancel == nil && !u.over() {
		u.finish(gateway.RunCancelled, "", d.cfg.Now())
		close(u.ended)
	}
	d.runs.mu.Unlock()
	if cancel != nil {
		cancel(errCancelled)
	}
	select {
	case <-u.ended:
	case <-ctx.Done():
		return u.status(), ctx.Err()
	}
	return u.status(), d.saveRun(ctx, u)
}

// checkRun says what is wrong with a run.
func (d *Deliverer) checkRun(spec gateway.Run) error {
	switch {
	case spec.Kind != event.Requeued && spec.Kind != event.Replayed:
		return fmt.Errorf("kind is %q, want %s or %s", spec.Kind, event.Requeued, event.Replayed)
	case spec.Kind == event.Requeued && d.cfg.Letters == nil:
		return errors.New("nobody keeps dead letters here")
	case spec.Kind == event.Requeued && (spec.To != "" || spec.All):
		return errors.New("dead letters are requeued to the endpoint that did not take them; replay history to another one")
	case spec.Kind == event.Replayed && (len(spec.Letters) > 0 || len(spec.Reasons) > 0):
		return errors.New("reasons and numbers are those of dead letters, history has none")
	case spec.Rate < 0:
		return fmt.Errorf("rate is %v, want no negative number", spec.Rate)
	case !spec.Since.IsZero() && !spec.Until.IsZero() && !spec.Since.Before(spec.Until):
		return fmt.Errorf("since is %s and until %s, want since before until", spec.Since.Format(time.RFC3339), spec.Until.Format(time.RFC3339))
	}
	app, _, _ := strings.Cut(spec.Endpoint, "/")
	if to, _, _ := strings.Cut(spec.Target(), "/"); to != app {
		return fmt.Errorf("events of app %s are not replayed to app %s: name an endpoint of the same app", app, to)
	}
	_, _, err := d.chosen(spec)
	return err
}

// chosen compiles what a run selects and what its endpoint's rule picks.
func (d *Deliverer) chosen(spec gateway.Run) (selected, picked func(*event.Event) bool, err error) {
	app, _, _ := strings.Cut(spec.Endpoint, "/")
	narrow := func(*event.Event) bool { return true }
	if d.cfg.Select != nil {
		if narrow, err = d.cfg.Select(app, spec.Selection); err != nil {
			return nil, nil, err
		}
	}
	if picked, err = d.picks(spec.Endpoint); err != nil {
		return nil, nil, err
	}
	host := d.runnerOf(spec.Target())
	if host == nil {
		return nil, nil, fmt.Errorf("%w: %s", gateway.ErrNoEndpoint, spec.Target())
	}
	host.mu.Lock()
	part := host.Part
	host.mu.Unlock()
	selected = func(ev *event.Event) bool {
		return ev != nil && ev.App == app && (spec.Lane == "" || ev.Lane == spec.Lane) && (part == nil || part(ev.Lane)) && narrow(ev)
	}
	return selected, picked, nil
}

// picks is the rule of an endpoint, be it here or elsewhere.
func (d *Deliverer) picks(id string) (func(*event.Event) bool, error) {
	if d.cfg.Picks != nil {
		if match, ok := d.cfg.Picks(id); ok {
			return match, nil
		}
	}
	h := d.runnerOf(id)
	if h == nil {
		return nil, fmt.Errorf("%w: %s", gateway.ErrNoEndpoint, id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Match, nil
}

// runnerOf is the endpoint of that name (app/name); nil when there is none.
func (d *Deliverer) runnerOf(id string) *runner {
	_, all, _ := d.serving()
	if i := slices.IndexFunc(all, func(r *runner) bool { return r.id == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// span is what a run reads: the first and last page, or the last dead letter.
func (d *Deliverer) span(ctx context.Context, spec gateway.Run) (from, end uint64, err error) {
	if spec.Kind == event.Requeued {
		_, last, _, err := d.cfg.Letters.DeadLetterBounds(ctx)
		return 0, last, err
	}
	first, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the journal's bounds: %w", err)
	}
	from, end = first, last
	at := func(t time.Time) (uint64, error) {
		seq, err := d.cfg.Journal.SeqAt(ctx, t)
		if errors.Is(err, gateway.ErrNoPage) {
			return last + 1, nil
		}
		return seq, err
	}
	if !spec.Since.IsZero() {
		if from, err = at(spec.Since); err != nil {
			return 0, 0, fmt.Errorf("looking for %v in the journal: %w", spec.Since, err)
		}
	}
	if !spec.Until.IsZero() {
		if end, err = at(spec.Until); err != nil {
			return 0, 0, fmt.Errorf("looking for %v in the journal: %w", spec.Until, err)
		}
		end = max(end, 1) - 1
	}
	return from, end, nil
}

// beginRuns lets those run that none of their kind is before.
func (d *Deliverer) beginRuns() {
	d.runs.mu.Lock()
	defer d.runs.mu.Unlock()
	if d.readCtx.Err() != nil {
		return
	}
	type turn struct {
		endpoint string
		kind     event.Repeat
	}
	taken := map[turn]bool{}
	for _, u := range d.runs.all {
		t := turn{u.spec.Target(), u.spec.Kind}
		if u.over() || taken[t] {
			continue
		}
		taken[t] = true
		if u.cancel != nil {
			continue // it runs
		}
		ctx, cancel := context.WithCancelCause(d.readCtx)
		u.cancel = cancel
		d.wg.Go(func() {
			defer cancel(nil)
			d.conduct(ctx, u)
			close(u.ended)
			if d.readCtx.Err() == nil {
				d.beginRuns()
			}
		})
	}
}

// pruneRuns forgets those that are over for long.
func (d *Deliverer) pruneRuns(ctx context.Context) {
	d.runs.mu.Lock()
	over := 0
	for _, u := range d.runs.all {
		if u.over() {
			over++
		}
	}
	var old []*rerun
	for _, u := range d.runs.all {
		if !u.over() {
			continue
		}
		u.mu.Lock()
		past := d.cfg.Now().Sub(u.endedAt) > overAge
		u.mu.Unlock()
		if past || over > maxOver {
			old = append(old, u)
			over--
		}
	}
	d.runs.mu.Unlock()
	for _, u := range old {
		if err := d.cfg.Journal.Drop(ctx, runPrefix+u.spec.ID); err != nil {
			if ctx.Err() == nil {
				d.cfg.Log.Warn("forgetting an old run failed, trying again", "run", u.spec.ID, "err", err)
			}
			return
		}
		d.forgetRun(u)
	}
}

func (d *Deliverer) forgetRun(u *rerun) {
	d.runs.mu.Lock()
	defer d.runs.mu.Unlock()
	d.runs.all = slices.DeleteFunc(d.runs.all, func(o *rerun) bool { return o == u })
}

// rehome tells runs which endpoint of theirs is there now. Runs have the runner
// itself for a host; one that comes back is another.
func (d *Deliverer) rehome() {
	d.runs.mu.Lock()
	defer d.runs.mu.Unlock()
	for _, u := range d.runs.all {
		u.mu.Lock()
		if r := u.runner; r != nil {
			r.guest.host.Store(d.runnerOf(u.spec.Target()))
		}
		u.mu.Unlock()
	}
}

func (u *rerun) over() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.Over()
}

// finish ends a run that does not run any more.
func (u *rerun) finish(s gateway.RunState, note string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state, u.note, u.endedAt = s, note, now.UTC()
	if s.Over() {
		u.place = position{Read: u.place.Read}
	}
}

// say notes what holds the run up; empty is nothing.
func (u *rerun) say(note string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.note = note
}

func (u *rerun) status() gateway.RunStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := gateway.RunStatus{Run: u.spec, State: u.state, Note: u.note, Trimmed: u.trimmed, At: u.at, EndedAt: u.endedAt}
	t, open := u.before, len(u.place.Open)
	if r := u.runner; r != nil {
		r.mu.Lock()
		t, open = u.counted(), r.open+len(r.again)
		if s.Note == "" {
			s.Note = r.lastError
		}
		r.mu.Unlock()
	}
	s.Selected, s.Delivered, s.Parked, s.Open = t.selected, t.delivered, t.parked, open
	return s
}

// counted is what came of it so far. Call with mu and runner.mu.
func (u *rerun) counted() tally {
	m := u.runner.metrics
	return tally{
		u.before.selected + u.selected, u.before.delivered + int(m.deliveredTotal.Load()), u.before.parked + int(m.parkedTotal.Load()),
	}
}
