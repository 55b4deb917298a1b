package app

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/gateway/send"
	"github.com/imhook/imhook/internal/tlsfile"
)

// endpoints makes a rule and a sender for each endpoint. The index's places are
// those of the endpoints.
func (a *App) endpoints() ([]deliver.Endpoint, *match.Index, error) {
	var eps []deliver.Endpoint
	var rules []*match.Matcher
	for _, app := range a.cfg.Config.Apps {
		for _, e := range app.Endpoints {
			ep, rule, err := a.endpoint(app.Name, e)
			if err != nil {
				return nil, nil, fmt.Errorf("endpoint %s/%s: %w", app.Name, e.Name, err)
			}
			eps, rules = append(eps, ep), append(rules, rule)
		}
	}
	return eps, match.NewIndex(rules), nil
}

func (a *App) endpoint(app string, e config.Endpoint) (deliver.Endpoint, *match.Matcher, error) {
	rule, err := a.rules.endpoint(app, e)
	if err != nil {
		return deliver.Endpoint{}, nil, err
	}
	sender, err := a.sender(app, e)
	if err != nil {
		return deliver.Endpoint{}, nil, err
	}
	return deliver.Endpoint{
		App: app, Name: e.Name, Match: rule.Match, Rule: rule.String(), Sender: sender,
		Order: deliver.Order(e.Order), Concurrency: e.Concurrency,
		Batch: deliver.Batch{Count: e.Batch.Count, Bytes: e.Batch.Bytes, Linger: e.Batch.Linger},
		Retry: deliver.Schedule{
			Fast: e.Retry.Fast, SlowFrom: e.Retry.SlowFrom, SlowTo: e.Retry.SlowTo,
			MaxAge: e.Retry.MaxAge, MaxAttempts: e.Retry.MaxAttempts,
		},
		MaxBacklogAge: e.BacklogAge, MaxBacklogBytes: e.BacklogBytes,
	}, rule, nil
}

func (a *App) sender(app string, e config.Endpoint) (deliver.Sender, error) {
	if e.Builtin == config.Inbox {
		return inbox{log: a.cfg.Log, id: app + "/" + e.Name}, nil
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
	s, err := send.New(send.Config{
		App: app, Name: e.Name, URL: e.URL, Dialect: d, Registry: a.cfg.Registry,
		Generation: e.Generation, Credentials: e.Credentials, Paths: e.Paths,
		Timeout: e.Timeout, Concurrency: e.Concurrency, BatchBytes: e.Batch.Bytes, Echoes: e.Echoes, OnRefusal: send.OnRefusal(e.OnRefusal),
		TLS: encrypted,
		// What the operator's own file names may be private: IM backends are.
		Egress:  send.Egress{AllowPrivate: true},
		Version: a.cfg.Version, Now: a.cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	a.onStop("sender "+app+"/"+e.Name, func(context.Context) error { s.Close(); return nil })
	return s, nil
}

// pattern compiles a pattern of event types for the API.
func (a *App) pattern(p string) (func(*event.Event) bool, error) {
	ms := make(map[string]*match.Matcher)
	for _, app := range a.cfg.Config.Apps {
		m, err := match.Compile(match.Rule{App: app.Name, Events: []string{p}}, a.cfg.Registry)
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
type statuses struct{ d *deliver.Deliverer }

// Resume lets a paused endpoint go on.
func (s statuses) Resume(id string) bool { return s.d.Resume(id) }

// Endpoints returns how every endpoint is doing.
func (s statuses) Endpoints(ctx context.Context) []admin.EndpointStatus {
	var all []admin.EndpointStatus
	for _, st := range s.d.Status(ctx) {
		all = append(all, admin.EndpointStatus{
			App: st.App, Name: st.Name, State: st.State, Paused: st.Paused,
			Backlog: st.Open, More: st.Unread, InFlight: st.InFlight, Waiting: st.Waiting,
			Delivered: st.Delivered, Parked: st.Parked, OldestAt: st.OldestAt, LastError: st.LastError,
		})
	}
	return all
}
