package app

import (
	"crypto/tls"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway/decide"
	"github.com/imhook/imhook/internal/gateway/match"
	"github.com/imhook/imhook/internal/gateway/send"
	"github.com/imhook/imhook/internal/tlsfile"
	"github.com/imhook/imhook/internal/tunnel"
	"github.com/imhook/imhook/internal/wordlist"
)

// panel is what the hooks of a configuration become.
type panel struct {
	hooks  []decide.Hook
	askers map[string]*asker
	// fresh are those of askers that were not there before.
	fresh []*asker
}

// asker is how a hook is asked, with what it was made of.
type asker struct {
	decide.Asker
	of config.Hook
	// calls is whom it may call.
	calls   egress.Policy
	release func()
}

// abandon lets go of what was made for a panel that is not used.
func (p *panel) abandon() {
	for _, s := range p.fresh {
		s.release()
	}
}

// retire lets go of those that next does not use any more. Questions under way are
// finished.
func (a *App) retire(next map[string]*asker) {
	for id, old := range *a.askers.Swap(&next) {
		if next[id] != old {
			old.release()
		}
	}
}

// wordlists are the lists in force.
func (a *App) wordlists() []wordlist.Named {
	var all []wordlist.Named
	for id, s := range *a.askers.Load() {
		if l, ok := s.Asker.(*wordlist.List); ok {
			app, name, _ := strings.Cut(id, "/")
			all = append(all, wordlist.Named{App: app, Hook: name, List: l})
		}
	}
	return all
}

// panel makes a rule for each hook that is enabled, and somebody to ask where there
// is none that asks the same.
func (a *App) panel(c *config.Config) (*panel, error) {
	p := &panel{askers: map[string]*asker{}}
	for _, app := range c.Apps {
		for _, h := range app.Hooks {
			if !h.Enabled {
				continue
			}
			id := app.Name + "/" + h.Name
			m, err := a.rules.hook(app.Name, h)
			if err == nil {
				err = p.asker(a, app.Name, h, c.Calls(h.FromAPI))
			}
			if err != nil {
				p.abandon()
				return nil, fmt.Errorf("hook %s: %w", id, err)
			}
			p.hooks = append(p.hooks, hook(app.Name, h, m, a.traceHook(id, p.askers[id].Asker)))
		}
	}
	return p, nil
}

// asker keeps who is asked when it would be made of the same.
func (p *panel) asker(a *App, app string, h config.Hook, calls egress.Policy) error {
	id := app + "/" + h.Name
	if s := (*a.askers.Load())[id]; s != nil && reflect.DeepEqual(s.of, asked(h)) && reflect.DeepEqual(s.calls, calls) {
		p.askers[id] = s
		return nil
	}
	s, err := a.asker(app, h, calls)
	if err != nil {
		return err
	}
	s.calls = calls
	p.askers[id] = s
	p.fresh = append(p.fresh, s)
	return nil
}

// asked is h without what whoever asks it does not know.
func asked(h config.Hook) config.Hook {
	return config.Hook{
		Name: h.Name, Builtin: h.Builtin, File: h.File, Words: h.Words, Action: h.Action, Mask: h.Mask, Code: h.Code, Reason: h.Reason,
		URL: h.URL, Dialect: h.Dialect, Generation: h.Generation, Credentials: h.Credentials, Paths: h.Paths, TLS: h.TLS,
		Concurrency: h.Concurrency,
	}
}

func hook(app string, h config.Hook, m *match.Matcher, a decide.Asker) decide.Hook {
	policy := func(p config.FailPolicy) event.Action {
		if p == config.FailDeny {
			return event.Deny
		}
		return event.Allow
	}
	return decide.Hook{
		App: app, Name: h.Name, Match: m.Match, Asker: a,
		Timeout: h.Timeout, Concurrency: h.Concurrency, Vote: h.Vote, Shadow: h.Shadow, Share: h.Canary,
		Policy: decide.Policy{
			OnTimeout: policy(h.OnTimeout), OnError: policy(h.OnError), OnBadReply: policy(h.OnBadReply),
			OnOverload: policy(h.OnOverload), OnUntranslatable: policy(h.OnUntranslatable),
		},
		Downgrade: decide.Downgrade{
			Rewrite: policy(h.Downgrade.Rewrite), Drop: policy(h.Downgrade.Drop), Partial: policy(h.Downgrade.Partial),
		},
		Breaker: decide.Breaker{Off: h.Breaker.Off, Least: h.Breaker.Least, Within: h.Breaker.Within, Pause: h.Breaker.Pause},
	}
}

func (a *App) asker(app string, h config.Hook, calls egress.Policy) (*asker, error) {
	if h.Builtin == config.Wordlist {
		l, err := wordlist.New(wordlist.Config{
			File: h.File, Words: h.Words, Action: wordlist.Action(h.Action), Code: h.Code, Reason: h.Reason,
			Mask: []rune(h.Mask)[0], // one character: the configuration says so
			Log:  a.cfg.Log.With("hook", app+"/"+h.Name),
		})
		if err != nil {
			return nil, err
		}
		return &asker{Asker: l, of: asked(h), release: func() { _ = l.Close() }}, nil // it has nothing to lose
	}
	d, err := a.cfg.Registry.Get(h.Dialect)
	if err != nil {
		return nil, err
	}
	var encrypted func() (*tls.Config, error)
	if h.TLS != nil {
		if encrypted, err = tlsfile.Client(*h.TLS).Configs(a.cfg.Log); err != nil {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
	}
	url, dial := a.called(tunnel.Name{Kind: tunnel.Hook, ID: app + "/" + h.Name}, h.URL, h.Timeout)
	s, err := send.New(send.Config{
		App: app, Name: h.Name, URL: url, Dial: dial, Dialect: d, Registry: a.cfg.Registry,
		Generation: h.Generation, Credentials: h.Credentials, Paths: h.Paths, Concurrency: h.Concurrency,
		TLS: encrypted, Uses: a.uses.of(admin.Owner{Kind: admin.OwnerHook, App: app, Name: h.Name}),
		Egress: calls, Version: a.cfg.Version, Now: a.cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	return &asker{Asker: s, of: asked(h), release: s.Close}, nil
}

// hook compiles the rule of a hook. A condition that cannot be evaluated does not
// pick the event: it is counted, and one is logged.
func (r *rules) hook(app string, h config.Hook) (*match.Matcher, error) {
	rule := match.Rule{App: app, Phase: event.Before, Events: h.Events, Sources: h.Sources, When: h.When}
	if h.When != "" {
		counter := r.unasked.WithLabelValues(app, h.Name)
		var once sync.Once
		rule.Failed = func(ev *event.Event, err error) {
			counter.Inc()
			once.Do(func() {
				r.log.Warn("a condition could not be evaluated: the hook was not asked", "hook", app+"/"+h.Name, "event", ev.ID, "type", ev.Type, "err", err)
			})
		}
	}
	return r.compiler.Compile(rule)
}

// hookStatuses shows decide's hooks in the API's words.
type hookStatuses struct{ a *App }

// Hooks returns how every configured hook is doing.
func (s hookStatuses) Hooks() []admin.HookStatus {
	a := s.a
	doing := map[string]decide.HookStatus{}
	for _, st := range a.decide.Status() {
		doing[st.App+"/"+st.Name] = st
	}
	askers := *a.askers.Load()
	var all []admin.HookStatus
	for _, app := range a.current.Load().Apps {
		for _, h := range app.Hooks {
			id := app.Name + "/" + h.Name
			st, ok := doing[id]
			out := admin.HookStatus{
				App: app.Name, Name: h.Name, State: hookState(h, st, ok), Builtin: h.Builtin, Dialect: h.Dialect,
				Timeout: h.Timeout.String(), Asking: st.Asking,
			}
			if ok {
				out.Trouble = leftAlone(st.Open)
				if len(st.Open) > 0 {
					out.Failure = st.Open[0].Cause
				}
				askers[id].tell(&out)
			}
			all = append(all, out)
		}
	}
	return all
}

func hookState(h config.Hook, st decide.HookStatus, asked bool) admin.HookState {
	switch {
	case !asked:
		return admin.HookDisabled
	case len(st.Open) > 0:
		return admin.HookOpen
	case h.Shadow:
		return admin.HookShadow
	}
	return admin.HookAsked
}

// leftAlone says whose questions a hook is not asked, and why.
func leftAlone(by []decide.LeftAlone) string {
	var all []string
	for _, one := range by {
		all = append(all, fmt.Sprintf("%s (%s)", one.Source, one.Cause))
	}
	if all == nil {
		return ""
	}
	return "fails, not asked for " + strings.Join(all, ", ")
}

// tell adds what only the one who is asked knows.
func (s *asker) tell(to *admin.HookStatus) {
	if s == nil {
		return
	}
	if l, ok := s.Asker.(*wordlist.List); ok {
		st := l.Status()
		to.Words = st.Words
		if st.Err != nil {
			to.Trouble = st.Err.Error()
		}
	}
}
