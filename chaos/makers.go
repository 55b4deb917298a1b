package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"

	"github.com/imhook/imhook/imfake"
)

// makers are all who make trouble: one for the gateways, one for the NATS servers, one
// for each backend, one for the connections to NATS of each gateway, and an operator.
func (w *world) makers() []maker {
	all := []maker{{
		about: "gateways", calm: span{500 * time.Millisecond, 6 * time.Second}, storm: span{0, 2 * time.Second},
		kinds: []trouble{
			{"a gateway is killed", 4, w.endGateway(syscall.SIGKILL)},
			{"a gateway is stopped", 2, w.endGateway(syscall.SIGTERM)},
			{"a gateway hangs", 1, w.hangGateway},
		},
	}, {
		about: "operator", calm: span{100 * time.Millisecond, 1500 * time.Millisecond}, storm: span{50 * time.Millisecond, 2 * time.Second},
		kinds: []trouble{
			{"an endpoint is paused", 3, w.pauseEndpoint},
			{"a conversation is paused", 3, w.pauseConversation},
			{"an endpoint is poked", 2, w.poke},
			{"dead letters are requeued", 2, w.requeue},
			{"the configuration changes", 2, w.reconfigure},
			{"an endpoint is taken out of the configuration", 2, w.takeOut},
		},
	}}
	for _, b := range w.backends {
		all = append(all, maker{
			about: "backend " + b.name, calm: span{200 * time.Millisecond, 4 * time.Second}, storm: span{100 * time.Millisecond, 3 * time.Second},
			kinds: w.backendTroubles(b),
		})
	}
	if len(w.nodes) == 0 {
		return all
	}
	all = append(all, maker{
		about: "NATS", calm: span{2 * time.Second, 10 * time.Second}, storm: span{0, 3 * time.Second},
		kinds: []trouble{
			{"a NATS server is killed", 2, w.endNode(syscall.SIGKILL)},
			{"a NATS server is stopped", 1, w.endNode(syscall.SIGINT)},
			{"a NATS server hangs", 1, w.hangNode},
		},
	})
	for _, g := range w.gateways {
		all = append(all, maker{
			about: g.name + " and NATS", calm: span{time.Second, 8 * time.Second}, storm: span{100 * time.Millisecond, 3 * time.Second},
			kinds: []trouble{
				{"a connection to NATS is slow", 2, spoilOne(g, latency)},
				{"a connection to NATS is cut", 2, cutOne(g)},
				{"a connection to NATS is silent", 1, spoilOne(g, silence)},
				{"a gateway is cut off from NATS", 1, cutOff(g)},
			},
		})
	}
	return all
}

// endGateway ends one of the gateways; the end of that is its start.
func (w *world) endGateway(sig syscall.Signal) func(context.Context, *rand.Rand) (func(context.Context) error, error) {
	return func(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
		g := w.gateways[r.IntN(len(w.gateways))]
		if err := g.dead(); err != nil {
			return nil, err
		}
		g.end(sig)
		return g.start, nil
	}
}

// hangGateway stops one in the middle of what it does.
func (w *world) hangGateway(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
	g := w.gateways[r.IntN(len(w.gateways))]
	g.signal(syscall.SIGSTOP)
	return func(context.Context) error {
		g.signal(syscall.SIGCONT)
		return g.dead()
	}, nil
}

// endNode ends a NATS server. The next one may have trouble when it has caught up: of
// three, one may be lost at a time.
func (w *world) endNode(sig syscall.Signal) func(context.Context, *rand.Rand) (func(context.Context) error, error) {
	return func(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
		n := w.nodes[r.IntN(len(w.nodes))]
		n.end(sig)
		return func(ctx context.Context) error {
			if err := n.start(); err != nil {
				return err
			}
			return w.caughtUp(ctx, n)
		}, nil
	}
}

func (w *world) hangNode(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
	n := w.nodes[r.IntN(len(w.nodes))]
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("stopping %s: %w", n.Name, err)
	}
	return func(ctx context.Context) error {
		if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			return fmt.Errorf("continuing %s: %w", n.Name, err)
		}
		return w.caughtUp(ctx, n)
	}, nil
}

func (w *world) caughtUp(ctx context.Context, n *node) error {
	return eventually(ctx, startWithin, 100*time.Millisecond, func() error { return n.healthy(ctx) })
}

// backendTroubles are what can be wrong with a backend, and between it and the
// gateways.
func (w *world) backendTroubles(b *backend) []trouble {
	feels := func(weight int, m mood) trouble {
		return trouble{"a backend " + m.name, weight, func(context.Context, *rand.Rand) (func(context.Context) error, error) {
			b.mood.Store(&m)
			return func(context.Context) error {
				b.mood.Store(nil)
				return nil
			}, nil
		}}
	}
	spoilt := func(name string, weight int, toxics func(*rand.Rand) []string) trouble {
		return trouble{name, weight, func(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
			return func(context.Context) error { return b.link.mend() }, b.link.spoil(toxics(r)...)
		}}
	}
	return []trouble{
		{"a backend is gone", 4, func(context.Context, *rand.Rand) (func(context.Context) error, error) {
			b.link.cut()
			return func(context.Context) error { return b.link.mend() }, nil
		}},
		spoilt("a connection to a backend is slow", 3, latency),
		spoilt("a connection to a backend is silent", 2, silence),
		spoilt("a connection to a backend is reset", 2, resets),
		spoilt("a connection to a backend breaks off", 2, breaks),
		spoilt("a connection to a backend drips", 1, drips),
		feels(2, mood{name: "answers 500", every: 1, status: 500}),
		feels(2, mood{name: "answers 503 now and then", every: 3, status: 503}),
		feels(1, mood{name: "is overloaded", every: 2, status: 429, header: http.Header{"Retry-After": {"1"}}}),
		feels(2, mood{name: "drops connections", every: 2, drop: true}),
		feels(2, mood{name: "is slow", every: 1, delay: 150 * time.Millisecond}),
		feels(1, mood{name: "is too slow", every: 4, delay: 5 * time.Second}),
		{"a backend says that it is gone for good", 1, func(context.Context, *rand.Rand) (func(context.Context) error, error) {
			b.mood.Store(&mood{every: 1, status: http.StatusGone})
			return func(ctx context.Context) error {
				b.mood.Store(nil)
				return w.steer(ctx, b.name, "resume", map[string]any{})
			}, nil
		}},
	}
}

// What toxiproxy does to a connection, in its JSON.

func latency(r *rand.Rand) []string {
	ms := 10 + r.IntN(150)
	return []string{
		fmt.Sprintf(`{"type":"latency","stream":"upstream","attributes":{"latency":%d,"jitter":%d}}`, ms, ms/2),
		fmt.Sprintf(`{"type":"latency","stream":"downstream","attributes":{"latency":%d,"jitter":%d}}`, ms, ms/2),
	}
}

// silence passes nothing on, in one direction.
func silence(r *rand.Rand) []string {
	return []string{fmt.Sprintf(`{"type":"timeout","stream":%q,"attributes":{"timeout":0}}`, direction(r))}
}

func resets(r *rand.Rand) []string {
	return []string{fmt.Sprintf(`{"type":"reset_peer","stream":%q,"toxicity":0.5,"attributes":{"timeout":%d}}`, direction(r), r.IntN(200))}
}

// breaks closes a connection after some bytes: in the middle of a request or answer.
func breaks(r *rand.Rand) []string {
	return []string{fmt.Sprintf(`{"type":"limit_data","stream":%q,"attributes":{"bytes":%d}}`, direction(r), 50+r.IntN(5000))}
}

func drips(r *rand.Rand) []string {
	return []string{fmt.Sprintf(`{"type":"slicer","stream":%q,"attributes":{"average_size":64,"size_variation":32,"delay":%d}}`, direction(r), 100+r.IntN(3000))}
}

func direction(r *rand.Rand) string {
	return []string{"upstream", "downstream"}[r.IntN(2)]
}

// spoilOne spoils one of a gateway's connections to NATS.
func spoilOne(g *gateway, toxics func(*rand.Rand) []string) func(context.Context, *rand.Rand) (func(context.Context) error, error) {
	return func(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
		l := g.links[r.IntN(len(g.links))]
		return func(context.Context) error { return l.mend() }, l.spoil(toxics(r)...)
	}
}

func cutOne(g *gateway) func(context.Context, *rand.Rand) (func(context.Context) error, error) {
	return func(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
		l := g.links[r.IntN(len(g.links))]
		l.cut()
		return func(context.Context) error { return l.mend() }, nil
	}
}

// cutOff takes all of a gateway's connections to NATS.
func cutOff(g *gateway) func(context.Context, *rand.Rand) (func(context.Context) error, error) {
	return func(context.Context, *rand.Rand) (func(context.Context) error, error) {
		for _, l := range g.links {
			l.cut()
		}
		return func(context.Context) error {
			for _, l := range g.links {
				if err := l.mend(); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
}

// someBackend is one of them.
func (w *world) someBackend(r *rand.Rand) *backend { return w.backends[r.IntN(len(w.backends))] }

// pauseEndpoint pauses one, for ever or for a second, and resumes it.
func (w *world) pauseEndpoint(ctx context.Context, r *rand.Rand) (func(context.Context) error, error) {
	name, how := w.someBackend(r).name, map[string]any{"why": "chaos"}
	if r.IntN(2) == 0 {
		how["until"] = "1s"
	}
	if err := w.steer(ctx, name, "pause", how); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return w.steer(ctx, name, "resume", map[string]any{}) }, nil
}

// pauseConversation pauses one of an endpoint, and resumes it.
func (w *world) pauseConversation(ctx context.Context, r *rand.Rand) (func(context.Context) error, error) {
	name, which := w.someBackend(r).name, "group:"+imfake.GroupID(uint32(r.IntN(int(w.conversations))))
	w.steering.Lock()
	w.paused[name+" "+which] = true
	w.steering.Unlock()
	if err := w.steer(ctx, name, "pause", map[string]any{"conversation": which}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return w.steer(ctx, name, "resume", map[string]any{"conversation": which})
	}, nil
}

func (w *world) poke(ctx context.Context, r *rand.Rand) (func(context.Context) error, error) {
	return nil, w.steer(ctx, w.someBackend(r).name, "resume", map[string]any{"now": true})
}

// requeue looks at the dead letters that there are, and has them delivered again.
func (w *world) requeue(ctx context.Context, r *rand.Rand) (func(context.Context) error, error) {
	g := w.gateways[r.IntN(len(w.gateways))]
	if err := w.judgeLetters(ctx, g); err != nil {
		return nil, fmt.Errorf("%w: %w", errMissed, err)
	}
	if err := g.requeue(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errMissed, err)
	}
	return nil, nil
}

// reconfigure changes what all endpoints have, for a while.
func (w *world) reconfigure(_ context.Context, r *rand.Rand) (func(context.Context) error, error) {
	v := variant{concurrency: 1 + r.IntN(40), timeout: fmt.Sprintf("%dms", 500+r.IntN(2500))}
	return func(context.Context) error { return w.configure(plain) }, w.configure(v)
}

func (w *world) takeOut(context.Context, *rand.Rand) (func(context.Context) error, error) {
	v := plain
	v.without = true
	return func(context.Context) error { return w.configure(plain) }, w.configure(v)
}

// configure gives all gateways a configuration.
func (w *world) configure(v variant) error {
	for _, g := range w.gateways {
		if err := g.configure(w.configuration(g, v)); err != nil {
			return err
		}
	}
	return nil
}

// steer pauses or resumes; whoever of the gateways is there takes it.
func (w *world) steer(ctx context.Context, endpoint, what string, how map[string]any) (err error) {
	for _, g := range w.gateways {
		if err = g.ask(ctx, "/api/v1/endpoints/shop/"+endpoint+"/"+what, how, nil); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", errMissed, err)
}
