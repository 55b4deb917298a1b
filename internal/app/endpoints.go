package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"reflect"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/gateway/send"
	"github.com/imhook/imhook/internal/tlsfile"
	"github.com/imhook/imhook/internal/tunnel"
)

// plan is what the endpoints of a configuration become.
type plan struct {
	endpoints []deliver.Endpoint
	// rules and spread are those of the endpoints, by place.
	rules  []*match.Matcher
	spread []int
	// fingerprint tells the configuration from another one.
	fingerprint map[string]string
	speakers    map[string]*speaker
	// fresh are those of speakers that were not there before.
	fresh []*speaker
}

// speaker is an endpoint's sender with what it was made of.
type speaker struct {
	sender deliver.Sender
	of     config.Endpoint
	// calls is whom it may call.
	calls   egress.Policy
	release func()
}

// abandon lets go of what was made for a plan that is not followed.
func (p *plan) abandon() {
	for _, s := range p.fresh {
		s.release()
	}
}

// plan makes a rule for each endpoint, and a sender where there is none that
// speaks the same.
func (a *App) plan(c *config.Config) (*plan, error) {
	p := &plan{speakers: map[string]*speaker{}, fingerprint: c.Fingerprint()}
	for _, app := range c.Apps {
		for _, e := range app.Endpoints {
			id := app.Name + "/" + e.Name
			m, err := a.rules.endpoint(app.Name, e)
			if err == nil {
				err = p.speaker(a, app.Name, e, c.Calls(e.FromAPI))
			}
			if err != nil {
				p.abandon()
				return nil, fmt.Errorf("endpoint %s: %w", id, err)
			}
			end := endpoint(app.Name, e, m, p.speakers[id])
			if end.Vendor, err = a.vendorOf(e); err != nil {
				p.abandon()
				return nil, fmt.Errorf("endpoint %s: %w", id, err)
			}
			end.Sender = a.traceEndpoint(id, end.Sender)
			end.Coalesce = deliver.Coalesce{Window: e.Coalesce, Key: presenceOf(a.cfg.Registry)}
			p.endpoints = append(p.endpoints, end)
			p.rules, p.spread = append(p.rules, m), append(p.spread, e.Spread)
		}
	}
	return p, nil
}

// index finds the endpoints at these places.
func (p *plan) index(places []int) deliver.Index {
	rules := make([]*match.Matcher, len(places))
	for i, place := range places {
		rules[i] = p.rules[place]
	}
	return match.NewIndex(rules)
}

// speaker keeps the endpoint's sender when it would be made of the same.
func (p *plan) speaker(a *App, app string, e config.Endpoint, calls egress.Policy) error {
	id := app + "/" + e.Name
	if s := a.speakers[id]; s != nil && reflect.DeepEqual(s.of, spoken(e)) && reflect.DeepEqual(s.calls, calls) {
		p.speakers[id] = s
		return nil
	}
	s, err := a.speaker(app, e, calls)
	if err != nil {
		return err
	}
	s.calls = calls
	p.speakers[id] = s
	p.fresh = append(p.fresh, s)
	return nil
}

// spoken is e without what its sender does not know.
func spoken(e config.Endpoint) config.Endpoint {
	e.Events, e.Sources, e.When, e.Start, e.Order = nil, nil, "", config.Start{}, ""
	e.Retry, e.BacklogAge, e.BacklogBytes, e.Spread = config.Retry{}, 0, 0, 0
	e.Coalesce = 0
	e.Rate, e.BytesInFlight, e.Breaker, e.OnPoison = 0, 0, config.EndpointBreaker{}, ""
	return e
}

func endpoint(app string, e config.Endpoint, m *match.Matcher, s *speaker) deliver.Endpoint {
	return deliver.Endpoint{
		App: app, Name: e.Name, Match: m.Match, Rule: m.String(), Sender: s.sender, Release: s.release,
		Start: start(e), Order: deliver.Order(e.Order), Concurrency: e.Concurrency,
		Batch: deliver.Batch{Count: e.Batch.Count, Bytes: e.Batch.Bytes, Linger: e.Batch.Linger},
		Retry: deliver.Schedule{
			Fast: e.Retry.Fast, SlowFrom: e.Retry.SlowFrom, SlowTo: e.Retry.SlowTo,
			MaxAge: e.Retry.MaxAge, MaxAttempts: e.Retry.MaxAttempts,
		},
		Rate: float64(e.Rate), BytesInFlight: e.BytesInFlight, OnPoison: deliver.OnPoison(e.OnPoison),
		Breaker:       deliver.Breaker{Off: e.Breaker.Off, Least: e.Breaker.Least, From: e.Breaker.From, To: e.Breaker.To},
		MaxBacklogAge: e.BacklogAge, MaxBacklogBytes: e.BacklogBytes,
	}
}

// vendorOf is as whom the endpoint delivers; nil where it is imhook.
func (a *App) vendorOf(e config.Endpoint) (*dialect.Delivery, error) {
	if e.Policy != config.PolicyVendor {
		return nil, nil //nolint:nilnil // nobody is as good an answer
	}
	d, err := a.cfg.Registry.Get(e.Dialect)
	if err != nil {
		return nil, err
	}
	return d.Spec().Delivery, nil
}

func start(e config.Endpoint) deliver.Start {
	return deliver.Start{Beginning: e.Start.Beginning, At: e.Start.At}
}

func (a *App) speaker(app string, e config.Endpoint, calls egress.Policy) (*speaker, error) {
	if e.Builtin == config.Inbox {
		return &speaker{sender: inbox{log: a.cfg.Log, id: app + "/" + e.Name}, of: spoken(e), release: func() {}}, nil
	}
	d, err := a.cfg.Registry.Get(e.Dialect)
	if err != nil {
		return nil, err
	}
	var encrypted func() (*tls.Config, error)
	if e.TLS != nil {
		if encrypted, err = tlsfile.Client(*e.TLS).Configs(a.cfg.Log); err != nil {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
	}
	if e.Kafka != nil || e.NATS != nil {
		return a.publisher(app, e, d, encrypted, calls)
	}
	vendor, err := a.vendorOf(e)
	if err != nil {
		return nil, err
	}
	url, dial := a.called(tunnel.Name{Kind: tunnel.Endpoint, ID: app + "/" + e.Name}, e.URL, e.Timeout)
	s, err := send.New(send.Config{
		App: app, Name: e.Name, URL: url, Dial: dial, Dialect: d, Registry: a.cfg.Registry,
		Generation: e.Generation, Credentials: e.Credentials, Paths: e.Paths,
		Timeout: e.Timeout, Concurrency: e.Concurrency, BatchBytes: e.Batch.Bytes, Echoes: e.Echoes, OnRefusal: send.OnRefusal(e.OnRefusal),
		TLS: encrypted, Uses: a.uses.of(admin.Owner{Kind: admin.OwnerEndpoint, App: app, Name: e.Name}),
		Vendor: vendor,
		Egress: calls, Version: a.cfg.Version, Now: a.cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	return &speaker{sender: s, of: spoken(e), release: s.Close}, nil
}

// pattern compiles a pattern of event types for the API.
func (a *App) pattern(p string, phase event.Phase) (func(*event.Event) bool, error) {
	ms := make(map[string]*match.Matcher)
	for _, app := range a.current.Load().Apps {
		m, err := match.Compile(match.Rule{App: app.Name, Phase: phase, Events: []string{p}}, a.cfg.Registry)
		if err != nil {
			return nil, err
		}
		ms[app.Name] = m
	}
	return func(ev *event.Event) bool {
		m := ms[ev.App]
		return m != nil && m.Match(ev)
	}, nil
}

// statuses shows deliver's endpoints in the API's words.
type statuses struct{ d delivering }

// Pause holds an endpoint, or one of its conversations.
func (s statuses) Pause(id string, p admin.Pause) error {
	return s.d.Pause(id, deliver.Pause{Lane: p.Conversation, Why: p.Why, Until: p.Until})
}

// Resume lets a paused endpoint, or one of its conversations, go on.
func (s statuses) Resume(id string, how admin.Resume) error {
	return s.d.Resume(id, deliver.Resume{Lane: how.Conversation, Now: how.Now})
}

// Endpoints returns how every endpoint is doing.
func (s statuses) Endpoints(ctx context.Context) []admin.EndpointStatus {
	var all []admin.EndpointStatus
	for _, st := range s.d.Status(ctx) {
		all = append(all, admin.EndpointStatus{
			App: st.App, Name: st.Name, State: st.State, Paused: st.Paused, PausedUntil: st.PausedUntil,
			Vendor:  vendorStatus(st.Vendor),
			Breaker: st.Breaker, ProbeAt: st.ProbeAt, Ramp: admin.Ramp{Limit: st.Ramp, Of: st.RampOf},
			PausedConversations: pausedConversations(st), BlockedConversations: blockedConversations(st), Blocked: st.Blocked,
			PerSecond: math.Round(st.PerSecond*10) / 10, BytesInFlight: st.BytesInFlight,
			Backlog: st.Open, More: st.Unread, Behind: st.Behind, Ahead: st.Ahead, InFlight: st.InFlight, Waiting: st.Waiting,
			Delivered: st.Delivered, Parked: st.Parked, OldestAt: st.OldestAt, ForgetAt: st.ForgetAt, LastError: st.LastError,
		})
	}
	return all
}

func vendorStatus(v *deliver.VendorStatus) *admin.VendorStatus {
	if v == nil {
		return nil
	}
	return &admin.VendorStatus{Name: v.Name, State: v.Word, Until: v.Until, Keeps: v.Keeps}
}

func pausedConversations(st deliver.Status) (all []admin.PausedConversation) {
	for _, l := range st.PausedLanes {
		all = append(all, admin.PausedConversation{Conversation: l.Lane, Why: l.Why, Until: l.Until, Backlog: l.Open})
	}
	return all
}

func blockedConversations(st deliver.Status) (all []admin.BlockedConversation) {
	for _, l := range st.BlockedLanes {
		all = append(all, admin.BlockedConversation{
			Conversation: l.Lane, Since: l.At, Reason: string(l.Reason), Detail: l.Detail, Attempts: l.Attempts, Backlog: l.Open,
		})
	}
	return all
}
