package receive

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// fake is a dialect whose requests are signed by writing the secret into a
// header, with a nonce, a time and an app beside it. Its body is a list of items.
type fake struct{ spec dialect.Spec }

var _ dialect.Dialect = (*fake)(nil)

type fakeItem struct {
	Type   event.Type `json:"type"`
	Before bool       `json:"before"`
	Dedupe string     `json:"dedupe"`
	Lane   event.Lane `json:"lane"`
	ID     string     `json:"id"`
	At     int64      `json:"at"`
}

func newFake() *fake {
	return &fake{spec: dialect.Spec{
		Name: "fake", MaxAge: time.Minute,
		Credentials: []dialect.CredentialKey{{Name: "secret", Secret: true}},
	}}
}

func (f *fake) Spec() *dialect.Spec { return &f.spec }

func (f *fake) Sample(string, *rand.Rand, time.Time) (dialect.Request, error) {
	return dialect.Request{}, dialect.ErrUnknownCommand
}

func (f *fake) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	for i, secret := range cred.Live(v.Now) {
		if req.Header.Get("X-Sign") != secret {
			continue
		}
		if app := req.Header.Get("X-App"); app != "" && app != cred.Get("app") {
			return dialect.Proof{}, fmt.Errorf("%w: X-App is %s", dialect.ErrWrongApp, app)
		}
		if s := req.Header.Get("X-Time"); s != "" && v.MaxAge > 0 {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil || v.Now.Sub(t).Abs() > v.MaxAge {
				return dialect.Proof{}, dialect.ErrStale
			}
		}
		return dialect.Proof{Once: req.Header.Get("X-Nonce"), Secret: i}, nil
	}
	if len(cred.Secrets) > 0 {
		return dialect.Proof{}, fmt.Errorf("%w: X-Sign", dialect.ErrSignature)
	}
	return dialect.Proof{Secret: -1}, nil
}

func (f *fake) Decode(req *dialect.Request) ([]*event.Event, error) {
	if string(req.Body) == `"panic"` {
		panic("the decoder met something odd")
	}
	var items []fakeItem
	if err := json.Unmarshal(req.Body, &items); err != nil {
		return nil, &dialect.DecodeError{Dialect: "fake", Field: "0.type", Err: err}
	}
	var evs []*event.Event
	for _, it := range items {
		ev := &event.Event{
			ID: it.ID, Type: it.Type, Phase: event.After, Dialect: "fake", Command: "cmd", Lane: it.Lane, Dedupe: it.Dedupe,
			Raw: event.Raw{Dialect: "fake", Path: req.Path, Query: req.Query, ContentType: req.ContentType, Body: req.Body},
		}
		if it.Before {
			ev.Phase = event.Before
		}
		if it.At != 0 {
			ev.Time = time.UnixMilli(it.At).UTC()
		}
		evs = append(evs, ev)
	}
	return evs, nil
}

func (f *fake) Ack(_ *dialect.Request, evs []*event.Event) dialect.Response {
	return dialect.Response{ContentType: "text/x-fake", Body: fmt.Appendf(nil, "took %d", len(evs))}
}

func (f *fake) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	return dialect.Response{Status: 200, ContentType: "text/x-fake", Body: []byte(v.Action)}
}

func (f *fake) Carries(*event.Event, event.Verdict) error { return nil }

func (f *fake) Refuse(req *dialect.Request, status int, err error) dialect.Response {
	if req.Header.Get("X-Refuse") == "panic" {
		panic("the refusal as well")
	}
	return dialect.Response{Status: status, ContentType: "text/x-fake", Body: []byte("sorry: " + err.Error())}
}

func (f *fake) Path(*event.Event) string { return "" }

func (f *fake) Encode(*event.Event, dialect.Target) ([]dialect.Request, error) {
	return nil, dialect.ErrUntranslatable
}

func (f *fake) Sign(*dialect.Request, dialect.Credentials, string, time.Time) error { return nil }

func (f *fake) Verdict(*event.Event, *dialect.Response, dialect.Target) (event.Verdict, error) {
	return event.Allowed(), nil
}

func (f *fake) Judge(*dialect.Response) error { return nil }

// memory is a journal that recognises duplicates and replays.
type memory struct {
	mu     sync.Mutex
	err    error
	guards map[event.Key]event.Key
	seen   map[string]bool
	kept   []gateway.Arrival
	hold   func(ctx context.Context)
}

func newMemory() *memory {
	return &memory{guards: map[event.Key]event.Key{}, seen: map[string]bool{}}
}

func (m *memory) Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error) {
	if m.hold != nil {
		m.hold(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return gateway.Kept{}, fmt.Errorf("appending: %w", m.err)
	}
	if !a.Guard.IsZero() {
		if sum, ok := m.guards[a.Guard.Key]; ok && sum != a.Guard.Sum {
			return gateway.Kept{}, gateway.ErrReplayed
		}
		m.guards[a.Guard.Key] = a.Guard.Sum
	}
	var k gateway.Kept
	for i, ev := range a.Events {
		if m.seen[ev.ID] {
			k.Duplicates++
			if i < len(a.Repeated) {
				a.Repeated[i] = true
			}
			continue
		}
		m.seen[ev.ID] = true
		k.Stored++
	}
	m.kept = append(m.kept, a)
	return k, nil
}

func (m *memory) arrivals() []gateway.Arrival {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]gateway.Arrival(nil), m.kept...)
}

// deciderFunc decides with a function.
type deciderFunc func(ctx context.Context, ev *event.Event) event.Verdict

func (f deciderFunc) Decide(ctx context.Context, p gateway.Proposal) (event.Verdict, error) {
	return f(ctx, p.Event), nil
}
