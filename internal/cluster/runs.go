package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// A run, a requeue or a replay, is where its endpoint is delivered to, in parts like it,
// and moves with them. It is begun, counted and cancelled there, whichever gateway was
// asked.

// runOrder asks the gateway that has an endpoint's slice for something.
type runOrder struct {
	Run   gateway.Run `json:"run"`
	Slice int         `json:"slice"`
	// Cancel is the id of a run to end, in whatever slice it is.
	Cancel string `json:"cancel,omitzero"`
	Count  bool   `json:"count,omitzero"`
}

// runAnswer is what came of it. Error says what is wrong, in words; Word which kind.
type runAnswer struct {
	Status gateway.RunStatus `json:"status"`
	Count  gateway.RunCount  `json:"count"`
	Word   int               `json:"word,omitzero"`
	Error  string            `json:"error,omitzero"`
}

// words are the errors that callers look for. Places are on the wire: append only.
var words = []error{nil, gateway.ErrNoEndpoint, gateway.ErrNoRun, gateway.ErrManyRuns, gateway.ErrUnavailable}

// said is an error of another gateway: with its words, and of its kind.
type said struct {
	text string
	word error
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.word }

func (a *runAnswer) set(err error) {
	if err == nil {
		return
	}
	a.Error = err.Error()
	for i, w := range words {
		if w != nil && errors.Is(err, w) {
			a.Word = i
		}
	}
}

func (a *runAnswer) err() error {
	switch {
	case a.Error == "":
		return nil
	case a.Word > 0 && a.Word < len(words):
		return said{a.Error, words[a.Word]}
	}
	return errors.New(a.Error)
}

// in is the Deliverer of a slice that this gateway has; nil when it has not.
func (n *Node) in(slice int) *deliver.Deliverer {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.runs[slice]; s != nil && s.running.Load() {
		return s.d.Load()
	}
	return nil
}

// do does what is asked, with what this gateway has.
func (n *Node) do(ctx context.Context, o runOrder) (a runAnswer) {
	var err error
	if o.Cancel != "" {
		return n.cancel(ctx, o.Cancel)
	}
	d := n.in(o.Slice)
	switch {
	case d == nil:
		err = fmt.Errorf("%w: the endpoint is going to another gateway, ask again", gateway.ErrUnavailable)
	case o.Count:
		a.Count, err = d.CountRun(ctx, o.Run)
	default:
		a.Status, err = d.Repeat(ctx, o.Run)
	}
	a.set(err)
	return a
}

// cancel ends all parts of a run that are here.
func (n *Node) cancel(ctx context.Context, id string) (a runAnswer) {
	var all []gateway.RunStatus
	var errs []error
	for _, d := range n.deliverers() {
		s, err := d.CancelRun(ctx, id)
		if errors.Is(err, gateway.ErrNoRun) {
			continue
		}
		all, errs = append(all, s), append(errs, err)
	}
	if len(all) == 0 {
		errs = []error{fmt.Errorf("%w: %s", gateway.ErrNoRun, id)}
	} else {
		a.Status = whole(all)[0]
	}
	a.set(errors.Join(errs...))
	return a
}

func (n *Node) serveRun(ctx context.Context, data []byte) ([]byte, error) {
	var o runOrder
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("reading an order: %w", err)
	}
	return json.Marshal(n.do(ctx, o))
}

func (n *Node) serveRuns(context.Context, []byte) ([]byte, error) { return json.Marshal(n.localRuns()) }

// asked has something done in all parts of the run's endpoint, wherever they are.
func (n *Node) asked(ctx context.Context, o runOrder) (all []runAnswer, err error) {
	target := o.Run.Target()
	for _, id := range []string{o.Run.Endpoint, target} {
		if _, known := n.picks(id); !known {
			return nil, fmt.Errorf("%w: %s", gateway.ErrNoEndpoint, id)
		}
	}
	v, err := n.View(ctx)
	if err != nil {
		return nil, err
	}
	var parts []PartStatus
	for _, p := range v.Parts {
		if p.Endpoint != target {
			continue
		}
		if p.Owner == "" || p.Moving {
			return nil, fmt.Errorf("%w: %s is going to another gateway, ask again", gateway.ErrUnavailable, target)
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w: the gateway that writes does not know %s yet: its configuration is another one", gateway.ErrUnavailable, target)
	}
	o.Run.Rate /= float64(len(parts))
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, p := range parts {
		wg.Go(func() {
			o := o
			o.Slice = part{id: target, i: p.Part - 1}.slice()
			a, err := n.orderOf(ctx, p.Owner, o)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			all = append(all, a)
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		return all, errs[0] // the others say the same, or less
	}
	return all, nil
}

// orderOf asks one gateway, which may be this one.
func (n *Node) orderOf(ctx context.Context, owner string, o runOrder) (a runAnswer, err error) {
	if owner == n.self.ID {
		a = n.do(ctx, o)
		return a, a.err()
	}
	data, err := json.Marshal(o)
	if err == nil {
		data, err = n.cfg.Journal.Request(ctx, owner, sayRun, data)
	}
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		return a, err
	}
	return a, a.err()
}

// newRunID is one that no other gateway gives, and greater for later ones.
func newRunID(now time.Time) string {
	return strconv.FormatInt(now.UnixMilli()*1000+rand.Int64N(1000), 36)
}

// Repeat begins a run, as [deliver.Deliverer.Repeat] does, where its endpoint is: in all
// parts of it, or in none.
func (n *Node) Repeat(ctx context.Context, run gateway.Run) (gateway.RunStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	now := time.Now()
	run.ID, run.CreatedAt = newRunID(now), now.UTC()
	all, err := n.asked(ctx, runOrder{Run: run})
	if err != nil {
		if len(all) > 0 || errors.Is(err, gateway.ErrUnavailable) {
			// One that did not answer may have begun all the same.
			if _, back := n.CancelRun(context.WithoutCancel(ctx), run.ID); back != nil && !errors.Is(back, gateway.ErrNoRun) {
				n.cfg.Log.Warn("a run was begun in some parts of its endpoint alone, and could not be cancelled there", "run", run.ID, "err", back)
			}
		}
		return gateway.RunStatus{}, err
	}
	parts := make([]gateway.RunStatus, len(all))
	for i, a := range all {
		parts[i] = a.Status
	}
	return whole(parts)[0], nil
}

// CountRun says what a run would do.
func (n *Node) CountRun(ctx context.Context, run gateway.Run) (sum gateway.RunCount, err error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	all, err := n.asked(ctx, runOrder{Run: run, Count: true})
	for _, a := range all {
		c := a.Count
		sum.Selected, sum.Picked, sum.Sent = sum.Selected+c.Selected, sum.Picked+c.Picked, sum.Sent+c.Sent
		sum.AtLeast = sum.AtLeast || c.AtLeast
		sum.Trimmed = max(sum.Trimmed, c.Trimmed)
		if sum.Begin.IsZero() || !c.Begin.IsZero() && c.Begin.Before(sum.Begin) {
			sum.Begin = c.Begin
		}
	}
	return sum, err
}

// servedWithin is how long another gateway has for a run; what it has counted by then
// is what it says.
const servedWithin = 9 * time.Second

func (n *Node) localRuns() (all []gateway.RunStatus) {
	for _, d := range n.deliverers() {
		all = append(all, d.Runs()...)
	}
	return all
}

// Runs returns the runs of all gateways, the oldest first. Those of a gateway that does
// not answer are missing.
func (n *Node) Runs() (all []gateway.RunStatus) {
	ctx, cancel := context.WithTimeout(n.ctx, 2*askTimeout)
	defer cancel()
	err := n.each(ctx, sayRuns, nil,
		func() []byte { b, _ := json.Marshal(n.localRuns()); return b },
		func(answer []byte) error {
			var some []gateway.RunStatus
			err := json.Unmarshal(answer, &some)
			all = append(all, some...)
			return err
		})
	if err != nil {
		n.cfg.Log.Debug("not every gateway said which runs it has", "err", err)
	}
	return whole(all)
}

// whole adds up the parts of runs, the oldest run first.
func whole(parts []gateway.RunStatus) (all []gateway.RunStatus) {
	slices.SortStableFunc(parts, func(a, b gateway.RunStatus) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range parts {
		if n := len(all); n > 0 && all[n-1].ID == s.ID {
			addRun(&all[n-1], s)
			continue
		}
		all = append(all, s)
	}
	return all
}

// runStates are those of a part that say more of the whole than others, first.
var runStates = []gateway.RunState{gateway.RunRunning, gateway.RunQueued, gateway.RunFailed, gateway.RunCancelled, gateway.RunDone}

// addRun adds what is said of another part of a run.
func addRun(m *gateway.RunStatus, s gateway.RunStatus) {
	if slices.Index(runStates, s.State) < slices.Index(runStates, m.State) {
		m.State = s.State
	}
	m.Rate += s.Rate
	if m.Note == "" {
		m.Note = s.Note
	}
	m.Selected, m.Delivered, m.Parked, m.Open = m.Selected+s.Selected, m.Delivered+s.Delivered, m.Parked+s.Parked, m.Open+s.Open
	m.Trimmed = max(m.Trimmed, s.Trimmed)
	if m.At.IsZero() || !s.At.IsZero() && s.At.Before(m.At) {
		m.At = s.At
	}
	if s.EndedAt.After(m.EndedAt) {
		m.EndedAt = s.EndedAt
	}
	if !m.State.Over() {
		m.EndedAt = time.Time{}
	}
}

// CancelRun ends a run, wherever it is.
func (n *Node) CancelRun(ctx context.Context, id string) (gateway.RunStatus, error) {
	o := runOrder{Cancel: id}
	data, err := json.Marshal(o)
	if err != nil {
		return gateway.RunStatus{}, err
	}
	var found []gateway.RunStatus
	var errs []error
	err = n.each(ctx, sayRun, data,
		func() []byte { b, _ := json.Marshal(n.do(ctx, o)); return b },
		func(answer []byte) error {
			var a runAnswer
			if err := json.Unmarshal(answer, &a); err != nil {
				return err
			}
			if err := a.err(); !errors.Is(err, gateway.ErrNoRun) {
				found, errs = append(found, a.Status), append(errs, err)
			}
			return nil
		})
	if len(found) == 0 {
		return gateway.RunStatus{}, errors.Join(fmt.Errorf("%w: %s", gateway.ErrNoRun, id), err)
	}
	return whole(found)[0], errors.Join(append(errs, err)...)
}
