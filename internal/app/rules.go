package app

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/suggest"
)

// rules compiles the rules of all endpoints and counts conditions that fail.
type rules struct {
	compiler *match.Compiler
	failures *prometheus.CounterVec
	// unasked counts for hooks.
	unasked *prometheus.CounterVec
	log     *slog.Logger
}

func newRules(reg *dialect.Registry, metrics prometheus.Registerer, log *slog.Logger) *rules {
	r := &rules{
		compiler: match.NewCompiler(reg), log: log,
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "imhook_condition_errors_total",
			Help: "Events for which the endpoint's condition could not be evaluated; they did not match.",
		}, []string{"app", "endpoint"}),
		unasked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "imhook_hook_condition_errors_total",
			Help: "Before-events for which the hook's condition could not be evaluated; it was not asked.",
		}, []string{"app", "hook"}),
	}
	metrics.MustRegister(r.failures, r.unasked)
	return r
}

// endpoint compiles the rule of an endpoint.
func (r *rules) endpoint(app string, e config.Endpoint) (*match.Matcher, error) {
	rule := ruleOf(app, e)
	if e.When != "" {
		counter := r.failures.WithLabelValues(app, e.Name)
		var once sync.Once
		rule.Failed = func(ev *event.Event, err error) {
			counter.Inc()
			// The counter has all of them; the log says what one looks like.
			once.Do(func() {
				r.log.Warn("a condition could not be evaluated", "endpoint", app+"/"+e.Name, "event", ev.ID, "type", ev.Type, "err", err)
			})
		}
	}
	return r.compiler.Compile(rule)
}

// picks compiles the rule of an endpoint to ask it, not to run it.
func (r *rules) picks(app string, e config.Endpoint) (*match.Matcher, error) {
	return r.compiler.Compile(ruleOf(app, e))
}

// selects compiles what a selection says about events.
func (r *rules) selects(app string, s gateway.Selection) (func(*event.Event) bool, error) {
	m, err := r.compiler.Compile(match.Rule{App: app, Events: s.Types, Sources: s.Sources, When: s.When})
	if err != nil {
		return nil, err
	}
	return m.Match, nil
}

func ruleOf(app string, e config.Endpoint) match.Rule {
	return match.Rule{App: app, Events: e.Events, Sources: e.Sources, When: e.When}
}

// ruleTester compiles rules for the API, which asks them about stored events.
type ruleTester struct {
	rules   *rules
	current func() *config.Config
}

// Rule implements [admin.Rules].
func (t ruleTester) Rule(r admin.Rule) (admin.Rule, func(*event.Event) admin.RuleResult, error) {
	r, err := t.complete(r)
	if err != nil {
		return r, nil, err
	}
	m, err := t.rules.compiler.Compile(match.Rule{App: r.App, Events: r.Events, Sources: r.Sources, When: r.When})
	if err != nil {
		return r, nil, err
	}
	return r, func(ev *event.Event) admin.RuleResult {
		e := m.Explain(ev)
		out := admin.RuleResult{Matched: e.Matched, Failed: string(e.Failed), Why: e.Why, Pattern: e.Pattern, Unread: e.Unread}
		for _, p := range e.Parts {
			out.Parts = append(out.Parts, admin.RulePart{Text: p.Text, Value: p.Value, Where: p.Where})
		}
		return out
	}, nil
}

// complete fills in the rule of a running endpoint, or the only app.
func (t ruleTester) complete(r admin.Rule) (admin.Rule, error) {
	apps := t.current().Apps
	names := make([]string, len(apps))
	for i := range apps {
		names[i] = apps[i].Name
	}
	if r.Endpoint != "" {
		var all []string
		for _, app := range apps {
			for _, e := range app.Endpoints {
				id := app.Name + "/" + e.Name
				if id == r.Endpoint {
					return admin.Rule{Endpoint: id, App: app.Name, Events: e.Events, Sources: e.Sources, When: e.When}, nil
				}
				all = append(all, id)
			}
		}
		return r, fmt.Errorf("there is no endpoint %s%s", r.Endpoint, suggest.DidYouMean(r.Endpoint, all))
	}
	switch {
	case r.App == "" && len(apps) == 1:
		r.App = names[0]
	case r.App == "":
		return r, fmt.Errorf("app is missing; there are %s", strings.Join(names, ", "))
	case !slices.Contains(names, r.App):
		return r, fmt.Errorf("there is no app %s%s", r.App, suggest.DidYouMean(r.App, names))
	}
	var sources []string
	for _, app := range apps {
		for _, s := range app.Sources {
			if app.Name == r.App {
				sources = append(sources, s.Name)
			}
		}
	}
	for _, s := range r.Sources {
		if !slices.Contains(sources, s) {
			near := suggest.DidYouMean(s, sources)
			if near == "" {
				near = "; there are " + strings.Join(sources, ", ")
			}
			return r, fmt.Errorf("app %s has no source %s%s", r.App, s, near)
		}
	}
	return r, nil
}
