package app

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/tunnel"
)

// listeners has those who answer for endpoints and hooks with url: listen, and holds the
// endpoints that nobody answers for: nothing is tried in vain, and everything is kept in
// order until somebody listens.
type listeners struct {
	a   *App
	hub *tunnel.Hub
	// wake has the endpoints looked at.
	wake chan struct{}
	// others are those of other gateways; nil where there are none.
	others *otherListeners
}

// newListeners begins with nobody.
func (a *App) newListeners(j *journal.Journal) *listeners {
	l := &listeners{a: a, wake: make(chan struct{}, 1)}
	cfg := tunnel.Config{Changed: l.changed}
	if a.cfg.Config.Journal.URL != "" {
		l.others = &otherListeners{l: l, j: j}
		cfg.Elsewhere, cfg.ListensElsewhere = l.others.ask, l.others.listens
	}
	l.hub = tunnel.New(cfg)
	return l
}

// called is where a sender sends to: the url, or whoever listens.
func (a *App) called(n tunnel.Name, url string, timeout time.Duration) (string, func(context.Context) (net.Conn, error)) {
	if url != config.Listen {
		return url, nil
	}
	return "http://" + config.Listen, a.listeners.hub.Dial(n, timeout)
}

// changed has endpoints looked at, here and at other gateways.
func (l *listeners) changed() {
	l.look()
	if l.others != nil {
		l.others.j.Hint(sayListeners)
	}
}

func (l *listeners) look() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// heldAgain is how often endpoints are looked at although nothing changed: holding one
// may have failed.
const heldAgain = 5 * time.Second

// start holds endpoints that nobody listens to, and lets them go on when somebody does,
// until it is stopped.
func (l *listeners) start(d delivering) {
	ctx, cancel := context.WithCancel(context.Background())
	if t, ok := d.(together); ok {
		l.others.serve(t)
	}
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(heldAgain)
		defer tick.Stop()
		for {
			if l.any() {
				l.others.refresh(ctx)
				l.settle(ctx, d)
			}
			select {
			case <-ctx.Done():
				return
			case <-l.wake:
			case <-tick.C:
			}
		}
	})
	l.a.onStop("listeners", func(context.Context) error {
		cancel()
		running.Wait()
		l.hub.Close()
		return nil
	})
}

// any reports whether there is something to listen to.
func (l *listeners) any() bool {
	for _, app := range l.a.current.Load().Apps {
		for i := range app.Endpoints {
			if app.Endpoints[i].URL == config.Listen {
				return true
			}
		}
		for i := range app.Hooks {
			if app.Hooks[i].URL == config.Listen {
				return true
			}
		}
	}
	return false
}

// settle holds and lets go what shall be.
func (l *listeners) settle(ctx context.Context, d delivering) {
	for _, st := range d.Status(ctx) {
		e := l.a.current.Load().Endpoint(st.App, st.Name)
		if e == nil || e.URL != config.Listen {
			continue
		}
		id := st.App + "/" + st.Name
		why := tunnel.NobodyListens + "; imhook listen --from this gateway --endpoint " + id + " does"
		there := l.hub.Listens(tunnel.Name{Kind: tunnel.Endpoint, ID: id})
		var err error
		switch {
		case st.Paused == why && there:
			err = d.Resume(id, deliver.Resume{Now: true})
		case st.Paused == "" && !there:
			err = d.Pause(id, deliver.Pause{Why: why})
		}
		if err != nil && ctx.Err() == nil {
			l.a.cfg.Log.WarnContext(ctx, "an endpoint is not as who listens to it would have it; trying again", "endpoint", id, "listens", there, "err", err)
		}
	}
}

// Listen begins a session.
func (l *listeners) Listen(names []tunnel.Name) (*tunnel.Session, error) { return l.hub.Listen(names) }

// Session returns the session of an ID; nil when it is over.
func (l *listeners) Session(id string) *tunnel.Session { return l.hub.Session(id) }

var _ admin.Listeners = (*listeners)(nil)

// Words between gateways: who listens where, and a request for one of them.
const (
	sayListeners = "listeners"
	sayListen    = "listen"
)

// otherListeners are those of other gateways of a cluster.
type otherListeners struct {
	l *listeners
	j *journal.Journal

	// mu guards the following.
	mu   sync.Mutex
	with *together
	by   map[tunnel.Name]string // the gateway's ID
}

// serve answers other gateways.
func (o *otherListeners) serve(t together) {
	o.mu.Lock()
	o.with = &t
	o.mu.Unlock()
	o.j.Serve(sayListeners, func(context.Context, []byte) ([]byte, error) { return json.Marshal(o.l.hub.Names()) })
	o.j.Serve(sayListen, func(ctx context.Context, data []byte) ([]byte, error) {
		var r tunnel.Request
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("reading a request: %w", err)
		}
		a, err := o.l.hub.Ask(ctx, r)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	})
	o.j.OnHint(sayListeners, o.l.look)
}

// refresh asks every gateway who listens there.
func (o *otherListeners) refresh(ctx context.Context) {
	if o == nil {
		return
	}
	o.mu.Lock()
	with := o.with
	o.mu.Unlock()
	if with == nil {
		return
	}
	v, err := with.View(ctx)
	if err != nil {
		return // nobody writes: what is known holds until somebody does
	}
	self, by := o.j.Self().ID, map[tunnel.Name]string{}
	for _, m := range v.Members {
		if m.ID == self {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, outcomesWithin)
		data, err := o.j.Request(ctx, m.ID, sayListeners, nil)
		cancel()
		var names []tunnel.Name
		if err == nil {
			err = json.Unmarshal(data, &names)
		}
		if err != nil {
			o.l.a.cfg.Log.Debug("a gateway does not say who listens there", "gateway", m.ID, "err", err)
		}
		for _, n := range names {
			by[n] = m.ID
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by = by
}

func (o *otherListeners) listens(n tunnel.Name) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.by[n] != ""
}

// ask brings a request to who listens at another gateway.
func (o *otherListeners) ask(ctx context.Context, r tunnel.Request) (tunnel.Answer, error) {
	var a tunnel.Answer
	o.mu.Lock()
	node := o.by[r.Name]
	o.mu.Unlock()
	if node == "" {
		return a, tunnel.ErrNobody
	}
	data, err := json.Marshal(r)
	if err != nil {
		return a, fmt.Errorf("writing a request: %w", err)
	}
	answer, err := o.j.Request(ctx, node, sayListen, data)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(answer, &a)
}
