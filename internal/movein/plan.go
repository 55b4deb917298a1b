package movein

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/config"
)

// Options say what is not in the vendor's file.
type Options struct {
	// BaseURL is where the IM server reaches imhook: http://host:port.
	BaseURL *url.URL
	// App and Source are the names of the app and the source.
	App, Source string
	// AllowFrom are the addresses that may call the source; empty means everybody.
	AllowFrom []string
	// Condition says what is wrong with a condition, which is then left out with a
	// warning; nil takes every one.
	Condition func(text string) error
}

// Plan is what becomes of the callbacks that were found. Make it with [NewPlan].
type Plan struct {
	Options
	Found *Found
	// Endpoints are told, Hooks are asked.
	Endpoints []Target
	Hooks     []Target
	// Deadline is how long the server waits for a verdict; zero without hooks.
	Deadline time.Duration
	// Warnings are those of the file and those of the plan.
	Warnings []config.Problem
}

// Target is one backend address with what goes there.
type Target struct {
	Name string
	// URL is the base that the dialect's paths are appended to.
	URL string
	// Host is the URL without what may be a secret.
	Host      string
	Callbacks []*Callback
	// Paths are those that differ from the dialect's, by command.
	Paths []Path
	// When is the condition of all callbacks; empty means none.
	When    []string
	Timeout time.Duration
	// Stops is of hooks, see [Callback].
	Stops bool
}

// Path is where one command goes below a target's URL.
type Path struct {
	Command, Path string
	Line          int
}

// NewPlan arranges the callbacks into endpoints and hooks.
func NewPlan(found *Found, o Options) *Plan {
	p := &Plan{Options: o, Found: found, Warnings: slices.Clone(found.Warnings)}
	p.Endpoints = p.targets(false)
	p.Hooks = p.targets(true)
	for i := range p.Endpoints {
		p.oneTimeout(&p.Endpoints[i])
	}
	for i := range p.Hooks {
		p.inTime(&p.Hooks[i])
	}
	p.loopback()
	return p
}

// Before are the callbacks that the server waits for.
func (p *Plan) Before() []*Callback { return p.phase(true) }

// After are the callbacks that go to the endpoints.
func (p *Plan) After() []*Callback { return p.phase(false) }

func (p *Plan) phase(before bool) []*Callback {
	var all []*Callback
	for i := range p.Found.Callbacks {
		if c := &p.Found.Callbacks[i]; c.before() == before {
			all = append(all, c)
		}
	}
	return all
}

// SourceURL is what the IM server posts to.
func (p *Plan) SourceURL() string {
	return strings.TrimSuffix(p.BaseURL.String(), "/") + "/in/" + url.PathEscape(p.Source)
}

// Paste are the lines that go back into the vendor's file.
func (p *Plan) Paste() string { return p.Found.paste(p) }

// targets groups the callbacks of a phase by where they go, so that the order in
// a conversation holds across all that one backend gets. Hooks differ in what
// becomes of a failure, too.
func (p *Plan) targets(before bool) []Target {
	type place struct {
		address string
		timeout time.Duration
		stops   bool
	}
	var places []place
	at := map[place][]*Callback{}
	for _, c := range p.phase(before) {
		here := place{address: c.URL.Scheme + "://" + c.URL.Host + "?" + c.URL.RawQuery}
		if !c.Whole {
			here.address = addressOf(c.URL)
		}
		if before {
			here.timeout, here.stops = c.Timeout, c.Stops
		}
		if at[here] == nil {
			places = append(places, here)
		}
		at[here] = append(at[here], c)
	}
	var all []Target
	for i, here := range places {
		t := Target{Name: "backend", Callbacks: at[here], Stops: here.stops}
		if len(places) > 1 {
			t.Name = fmt.Sprintf("backend-%d", i+1)
		}
		for _, c := range t.Callbacks {
			t.Timeout = max(t.Timeout, c.Timeout)
		}
		t.address()
		p.narrow(&t)
		all = append(all, t)
	}
	return all
}

// address finds the base of a target, and the paths that do not follow from it.
func (t *Target) address() {
	u := *t.Callbacks[0].URL
	t.Host = u.Scheme + "://" + u.Host
	if !t.Callbacks[0].Whole {
		t.URL = addressOf(&u)
		return
	}
	base, common := split(&u, t.Callbacks[0].Command)
	common = common && !strings.HasSuffix(base, "/")
	for _, c := range t.Callbacks {
		b, ok := split(c.URL, c.Command)
		common = common && ok && b == base
	}
	if !common {
		base = ""
		for _, c := range t.Callbacks {
			if path := c.URL.EscapedPath(); path != c.Command.Path {
				t.Paths = append(t.Paths, Path{c.Command.Name, path, c.URLLine})
			}
		}
	}
	t.URL = t.Host + base
	if u.RawQuery != "" {
		t.URL += "?" + u.RawQuery
	}
}

// addressOf is a URL as text; what a URL library would write otherwise, imhook
// does too.
func addressOf(u *url.URL) string { return u.String() }

// narrow makes one condition of the filters: each concerns one command only.
func (p *Plan) narrow(t *Target) {
	for _, c := range t.Callbacks {
		if len(c.Filters) == 0 {
			continue
		}
		var all []string
		for _, f := range c.Filters {
			all = append(all, "("+f.When+")")
		}
		line := fmt.Sprintf("(event.command != %q || %s)", c.Command.Name, strings.Join(all, " && "))
		if p.Condition != nil {
			if err := p.Condition(strings.Join(append(slices.Clone(t.When), line), " && ")); err != nil {
				p.warn(c.Filters[0].Line, c.Key, "the filters cannot be a condition (%v); the server goes on filtering, imhook does not", err)
				c.Filters = nil
				continue
			}
		}
		t.When = append(t.When, line)
	}
}

func (p *Plan) warn(line int, path, format string, args ...any) {
	p.Warnings = append(p.Warnings, problem(line, 1, path, format, args))
}

// oneTimeout warns where an endpoint has one for several.
func (p *Plan) oneTimeout(t *Target) {
	var shorter []string
	line := 0
	for _, c := range t.Callbacks {
		if c.Timeout < t.Timeout && c.TimeoutLine > 0 {
			shorter = append(shorter, c.Key)
			if line == 0 {
				line = c.TimeoutLine
			}
		}
	}
	if len(shorter) > 0 {
		p.warn(line, "", "less is waited today for %s; the endpoint has one timeout for all, the longest: %s", strings.Join(shorter, ", "), t.Timeout)
	}
}

// inTime gives a hook the time that is left of the server's.
func (p *Plan) inTime(h *Target) {
	waits, asks := p.Found.Waits(h.Timeout)
	if at := h.longest(); asks < h.Timeout && at.TimeoutLine > 0 {
		p.warn(at.TimeoutLine, at.Key, "gives more time than can be: the server waits %s at most, and imhook needs a part of it; the hook has %s", waits, asks)
	}
	h.Timeout = asks
	p.Deadline = max(p.Deadline, waits)
}

// loopback warns of backends that the IM server finds on its own machine, when
// imhook may be on another.
func (p *Plan) loopback() {
	if isLoopback(p.BaseURL.Hostname()) {
		return
	}
	var told []string
	for i := range p.Found.Callbacks {
		c := &p.Found.Callbacks[i]
		if host := c.URL.Host; isLoopback(c.URL.Hostname()) && !slices.Contains(told, host) {
			told = append(told, host)
			p.warn(c.URLLine, c.URLKey, "%s is the IM server's own machine; unless imhook runs there too, write the backend's address into url", host)
		}
	}
}

func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// listen is where imhook listens so that BaseURL leads there, and whether others
// than this machine reach it. The port of an https URL is that of whatever ends
// the encryption.
func (p *Plan) listen() (address string, open bool) {
	port := p.BaseURL.Port()
	if port == "" || p.BaseURL.Scheme != "http" {
		_, port, _ = net.SplitHostPort(config.DefaultListen)
	}
	if host := p.BaseURL.Hostname(); isLoopback(host) {
		return net.JoinHostPort("127.0.0.1", port), false
	}
	return net.JoinHostPort("0.0.0.0", port), true
}
