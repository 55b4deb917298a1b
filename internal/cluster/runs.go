package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// A run, a requeue or a replay, is where its endpoint is delivered to, moves with it,
// and is begun, counted and cancelled there, whichever gateway was asked.

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
		err = fmt.Errorf("%w: %s", gateway.ErrNoRun, o.Cancel)
		for _, d := range n.deliverers() {
			if a.Status, err = d.CancelRun(ctx, o.Cancel); !errors.Is(err, gateway.ErrNoRun) {
				break
			}
		}
		a.set(err)
		return a
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

func (n *Node) serveRun(ctx context.Context, data []byte) ([]byte, error) {
	var o runOrder
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("reading an order: %w", err)
	}
	return json.Marshal(n.do(ctx, o))
}

func (n *Node) serveRuns(context.Context, []byte) ([]byte, error) { return json.Marshal(n.localRuns()) }

// order has something done where the run's endpoint is.
func (n *Node) order(ctx context.Context, o runOrder) (runAnswer, error) {
	target := o.Run.Target()
	if !slices.Contains(n.endpointIDs(), target) {
		return runAnswer{}, fmt.Errorf("%w: %s", gateway.ErrNoEndpoint, target)
	}
	v, err := n.View(ctx)
	if err != nil {
		return runAnswer{}, err
	}
	owner := ""
	for _, p := range v.Parts {
		if p.Endpoint != target {
			continue
		}
		if owner = p.Owner; p.Of > 1 {
			return runAnswer{}, fmt.Errorf("endpoint %s is cut into %d parts: set its spread to 1 for as long as this takes", target, p.Of)
		}
	}
	if o.Run.Endpoint != target && home(o.Run.Endpoint) != home(target) {
		return runAnswer{}, fmt.Errorf("gateways of a cluster replay to the same endpoint alone, %s lies apart from %s", o.Run.Endpoint, target)
	}
	o.Slice = home(target)
	a := runAnswer{}
	switch owner {
	case "":
		return a, fmt.Errorf("%w: nobody delivers to %s at the moment, ask again", gateway.ErrUnavailable, target)
	case n.self.ID:
		a = n.do(ctx, o)
	default:
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
	}
	return a, a.err()
}

// Repeat begins a run, as [deliver.Deliverer.Repeat] does, where its endpoint is.
func (n *Node) Repeat(ctx context.Context, run gateway.Run) (gateway.RunStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	a, err := n.order(ctx, runOrder{Run: run})
	return a.Status, err
}

// CountRun says what a run would do.
func (n *Node) CountRun(ctx context.Context, run gateway.Run) (gateway.RunCount, error) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	a, err := n.order(ctx, runOrder{Run: run, Count: true})
	return a.Count, err
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
	slices.SortFunc(all, func(a, b gateway.RunStatus) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// CancelRun ends a run, wherever it is.
func (n *Node) CancelRun(ctx context.Context, id string) (gateway.RunStatus, error) {
	o := runOrder{Cancel: id}
	data, err := json.Marshal(o)
	if err != nil {
		return gateway.RunStatus{}, err
	}
	var found *runAnswer
	err = n.each(ctx, sayRun, data,
		func() []byte { b, _ := json.Marshal(n.do(ctx, o)); return b },
		func(answer []byte) error {
			var a runAnswer
			err := json.Unmarshal(answer, &a)
			if err == nil && !errors.Is(a.err(), gateway.ErrNoRun) {
				found = &a
			}
			return err
		})
	if found == nil {
		return gateway.RunStatus{}, errors.Join(fmt.Errorf("%w: %s", gateway.ErrNoRun, id), err)
	}
	return found.Status, found.err()
}
