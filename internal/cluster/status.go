package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// View is the cluster as the gateway that writes sees it.
type View struct {
	// Self is the gateway that answers, Writer the one that writes.
	Self    string   `json:"self"`
	Writer  string   `json:"writer"`
	Members []Member `json:"members"`
	// Parts are those of all endpoints, in the writer's order.
	Parts []PartStatus `json:"parts"`
	// Moves counts the slices that changed hands since the writer writes.
	Moves uint64 `json:"moves"`
}

// Member is a gateway of the cluster.
type Member struct {
	journal.Node
	Writes  bool `json:"writes,omitzero"`
	Leaving bool `json:"leaving,omitzero"`
	// Silent is for how long nothing was heard of it.
	Silent float64 `json:"silentSeconds"`
	// Slices and Parts are how many it has.
	Slices int `json:"slices"`
	Parts  int `json:"parts"`
	// Differs says in words what its configuration has otherwise than the writer's.
	Differs []string `json:"differs,omitempty"`
	// Note says what else an operator should know of it.
	Note string `json:"note,omitzero"`
}

// PartStatus is who delivers a part of an endpoint.
type PartStatus struct {
	Endpoint string `json:"endpoint"`
	// Part is from 1 to Of.
	Part int `json:"part"`
	Of   int `json:"of"`
	// Owner is the gateway's ID; empty while nobody delivers it.
	Owner string `json:"owner,omitzero"`
	// Moving is true while it goes to another one, or its positions are read.
	Moving bool `json:"moving,omitzero"`
}

// view is what the board says.
func (b *board) view() View {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := View{Writer: b.n.self.ID, Moves: b.moves}
	parts := map[string]int{}
	for _, id := range b.n.endpointIDs() {
		n := b.layout.spread(id)
		for i := range n {
			s := &b.slots[part{id: id, i: i}.slice()]
			parts[s.owner]++
			st.Parts = append(st.Parts, PartStatus{Endpoint: id, Part: i + 1, Of: n, Owner: s.owner, Moving: s.owner != s.wanted || !s.runs})
		}
	}
	for _, m := range b.list() {
		x := Member{
			Node: m.Node, Writes: m.Node.ID == b.n.self.ID, Leaving: m.Leaving,
			Silent: time.Since(m.at).Seconds(), Slices: len(m.Holds), Parts: parts[m.Node.ID], Differs: m.differs,
		}
		if m.Node.Format < b.n.self.Format {
			x.Note = "its imhook is older than what the journal holds: it delivers nothing until it is replaced"
		}
		st.Members = append(st.Members, x)
	}
	return st
}

func (n *Node) serveBoard(context.Context, []byte) ([]byte, error) {
	b, err := n.mine()
	if err != nil {
		return nil, err
	}
	return json.Marshal(b.view())
}

// View returns how the cluster is doing. It fails while no gateway writes.
func (n *Node) View(ctx context.Context) (View, error) {
	var st View
	if b, err := n.mine(); err == nil {
		st = b.view()
	} else {
		role, _ := n.cfg.Journal.Role()
		if role.Writer == "" {
			return st, errNoBoard
		}
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		data, err := n.cfg.Journal.Request(ctx, role.Writer, sayBoard, nil)
		if err == nil {
			err = json.Unmarshal(data, &st)
		}
		if err != nil {
			return st, fmt.Errorf("asking the gateway that writes: %w", err)
		}
	}
	st.Self = n.self.ID
	return st, nil
}

// each calls fn for what each gateway answers, this one included. Those that do not
// answer are left out, and told in the error.
func (n *Node) each(ctx context.Context, what string, data []byte, own func() []byte, fn func(answer []byte) error) error {
	st, err := n.View(ctx)
	if err != nil {
		return errors.Join(err, fn(own()))
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := []error{fn(own())}
	for _, m := range st.Members {
		if m.ID == n.self.ID {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			answer, err := n.cfg.Journal.Request(ctx, m.ID, what, data)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				err = fn(answer)
			}
			errs = append(errs, err)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Gather calls fn for what each gateway of the cluster answers to a word that they all
// serve (see [journal.Journal.Serve]), one after the other, and for what this one says
// itself. Those that do not answer are left out, and told in the error.
func (n *Node) Gather(ctx context.Context, what string, own []byte, fn func(answer []byte) error) error {
	return n.each(ctx, what, nil, func() []byte { return own }, fn)
}

// Local returns how the endpoints are doing that this gateway delivers to, parts of
// one added up.
func (n *Node) Local(ctx context.Context) []deliver.Status {
	var all []deliver.Status
	for _, d := range n.deliverers() {
		all = append(all, d.Status(ctx)...)
	}
	return merge(all, n.endpointIDs())
}

// deliverers are those of the slices, by slice.
func (n *Node) deliverers() (all []*deliver.Deliverer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for slice := range Slices {
		if s := n.runs[slice]; s != nil && s.running.Load() {
			if d := s.d.Load(); d != nil {
				all = append(all, d)
			}
		}
	}
	return all
}

func (n *Node) serveStatus(ctx context.Context, _ []byte) ([]byte, error) {
	return json.Marshal(n.Local(ctx))
}

// Nobody is the state of an endpoint that no gateway delivers to at the moment.
const Nobody = "moving"

// Status returns how all endpoints are doing, whoever delivers to them, in this
// gateway's order. What a gateway has that does not answer is missing.
func (n *Node) Status(ctx context.Context) []deliver.Status {
	var all []deliver.Status
	err := n.each(ctx, sayStatus, nil,
		func() []byte { b, _ := json.Marshal(n.Local(ctx)); return b },
		func(answer []byte) error {
			var some []deliver.Status
			err := json.Unmarshal(answer, &some)
			all = append(all, some...)
			return err
		})
	if err != nil {
		n.cfg.Log.Debug("not every gateway said how its endpoints are doing", "err", err)
	}
	ids := n.endpointIDs()
	all = merge(all, ids)
	for i, id := range ids {
		if i < len(all) && all[i].App+"/"+all[i].Name == id {
			continue
		}
		app, name, _ := strings.Cut(id, "/")
		all = slices.Insert(all, min(i, len(all)), deliver.Status{App: app, Name: name, State: Nobody})
	}
	return all
}

// merge adds up what is said of one endpoint, in the order of ids; what is not in it
// comes last, by name.
func merge(all []deliver.Status, ids []string) []deliver.Status {
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	by := map[string]*deliver.Status{}
	var keys []string
	for _, s := range all {
		key := s.App + "/" + s.Name
		m, ok := by[key]
		if !ok {
			by[key] = &s
			keys = append(keys, key)
			continue
		}
		add(m, s)
	}
	slices.SortFunc(keys, func(a, b string) int {
		i, known := place[a]
		j, other := place[b]
		switch {
		case known && other:
			return i - j
		case known:
			return -1
		case other:
			return 1
		}
		return strings.Compare(a, b)
	})
	merged := make([]deliver.Status, len(keys))
	for i, key := range keys {
		merged[i] = *by[key]
	}
	return merged
}

// states are those of a part that say more of the whole than others, worst first.
var states = []string{deliver.StatePaused, deliver.StateOpen, deliver.StateHalfOpen, deliver.StateRamping, deliver.StateCatchingUp, deliver.StateLive, deliver.StateRemoved}

// add adds what is said of another part.
func add(m *deliver.Status, s deliver.Status) {
	rank := func(state string) int {
		if i := slices.Index(states, state); i >= 0 {
			return i
		}
		return -1 // one that is not known here is told first
	}
	if rank(s.State) < rank(m.State) {
		m.State = s.State
	}
	if m.Paused == "" {
		m.Paused = s.Paused
	}
	addHealth(m, s)
	m.Open += s.Open
	m.Unread = m.Unread || s.Unread
	if m.Behind += s.Behind; m.Behind < s.Behind || s.Behind < 0 {
		m.Behind = -1 // one of them was not counted
	}
	m.Bytes = max(m.Bytes, s.Bytes) // all of them are of one journal
	m.Ahead += s.Ahead
	m.InFlight += s.InFlight
	m.Waiting += s.Waiting
	m.Delivered += s.Delivered
	m.Parked += s.Parked
	if m.OldestAt.IsZero() || !s.OldestAt.IsZero() && s.OldestAt.Before(m.OldestAt) {
		m.OldestAt = s.OldestAt
	}
	if m.LastError == "" {
		m.LastError = s.LastError
	}
	if s.ForgetAt.After(m.ForgetAt) {
		m.ForgetAt = s.ForgetAt
	}
}

// Accounts returns the accounts of the endpoints that this gateway delivers to, parts
// of one added up.
func (n *Node) Accounts() []deliver.Account {
	var all []deliver.Account
	place := map[string]int{}
	for _, d := range n.deliverers() {
		for _, a := range d.Accounts() {
			key := fmt.Sprint(a.App, "/", a.Name, a.Removed)
			i, ok := place[key]
			if !ok {
				place[key] = len(all)
				all = append(all, a)
				continue
			}
			m := &all[i]
			m.Matched, m.CarriedOver, m.Open = m.Matched+a.Matched, m.CarriedOver+a.CarriedOver, m.Open+a.Open
			m.Delivered, m.Parked, m.Expired = m.Delivered+a.Delivered, m.Parked+a.Parked, m.Expired+a.Expired
			m.Echoes, m.Untranslatable = m.Echoes+a.Echoes, m.Untranslatable+a.Untranslatable
			m.Coalesced += a.Coalesced
		}
	}
	return all
}

// Holding says which endpoints keep how much of the journal from being dropped, of
// those that this gateway delivers to.
func (n *Node) Holding() string {
	var all []string
	for _, d := range n.deliverers() {
		if s := d.Holding(); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

// unfinished is what a gateway knows of an endpoint's backlog.
type unfinished struct {
	Known    bool `json:"known"`
	Events   int  `json:"events"`
	Complete bool `json:"complete"`
}

func (n *Node) unfinished(ctx context.Context, id string) (u unfinished) {
	u.Complete = true
	for _, d := range n.deliverers() {
		if events, complete, err := d.Unfinished(ctx, id); err == nil {
			u = unfinished{true, u.Events + events, u.Complete && complete}
		}
	}
	return u
}

func (n *Node) serveUnfinished(ctx context.Context, data []byte) ([]byte, error) {
	var o order
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("reading an order: %w", err)
	}
	return json.Marshal(n.unfinished(ctx, o.ID))
}

// Unfinished returns how many events an endpoint has not finished, as
// [deliver.Deliverer.Unfinished] does, whoever delivers to it.
func (n *Node) Unfinished(ctx context.Context, id string) (events int, complete bool, err error) {
	data, err := json.Marshal(order{ID: id})
	if err != nil {
		return 0, false, err
	}
	all := unfinished{Complete: true}
	err = n.each(ctx, sayUnfinished, data,
		func() []byte { b, _ := json.Marshal(n.unfinished(ctx, id)); return b },
		func(answer []byte) error {
			var u unfinished
			err := json.Unmarshal(answer, &u)
			if u.Known {
				all = unfinished{true, all.Events + u.Events, all.Complete && u.Complete}
			}
			return err
		})
	if !all.Known {
		return 0, false, errors.Join(fmt.Errorf("no gateway delivers to %s", id), err)
	}
	return all.Events, all.Complete && err == nil, nil
}

// StartPage is that of [deliver.Deliverer], and so is Count.
func (n *Node) StartPage(ctx context.Context, e deliver.Endpoint) (uint64, error) {
	return n.reader.StartPage(ctx, e)
}

// Count counts what is kept.
func (n *Node) Count(ctx context.Context, match func(*event.Event) bool, from uint64) (events int, complete bool, err error) {
	return n.reader.Count(ctx, match, from)
}
