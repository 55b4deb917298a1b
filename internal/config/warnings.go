package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// reach warns of patterns that match nothing of what the sources report that the
// endpoint listens to.
func (l *loader) reach(o *object, sources []Source, e *Endpoint, phase event.Phase) {
	if len(sources) == 0 {
		o.warn("gets nothing: the app has no sources")
		return
	}
	v, written := o.get("events")
	if l.Matches == nil || written && len(e.Events) != len(v.node.Content) {
		return
	}
	var dialects []string
	for _, s := range sources {
		heard := len(e.Sources) == 0 || slices.Contains(e.Sources, s.Name)
		if heard && s.Dialect != "" && !slices.Contains(dialects, s.Dialect) {
			dialects = append(dialects, s.Dialect)
		}
	}
	if len(dialects) == 0 {
		return // what is wrong with them was reported
	}
	if !written {
		// Every source reports what nobody knows; not every one asks.
		if phase == event.Before && !slices.ContainsFunc(dialects, func(d string) bool { return l.reports(d, e.Events[0], phase) }) {
			o.warn("is never asked: its sources (%s) ask nothing before", strings.Join(dialects, ", "))
		}
		return
	}
	for i, item := range v.list() {
		if !slices.ContainsFunc(dialects, func(d string) bool { return l.reports(d, e.Events[i], phase) }) {
			item.warn("pattern %q matches nothing that the %s's sources %s (%s)", e.Events[i], listener(phase), verb(phase), strings.Join(dialects, ", "))
		}
	}
}

// listener is who gets events of a phase, and verb what sources do with them.
func listener(p event.Phase) string {
	if p == event.Before {
		return "hook"
	}
	return "endpoint"
}

func verb(p event.Phase) string {
	if p == event.Before {
		return "ask before"
	}
	return "report"
}

// reached is a question that is asked once.
type reached struct {
	dialect, pattern string
	phase            event.Phase
}

// reports says whether a dialect has an event of the phase that a pattern matches.
func (l *loader) reports(name, pattern string, phase event.Phase) bool {
	key := reached{name, pattern, phase}
	if known, ok := l.reached[key]; ok {
		return known
	}
	match := l.Matches(pattern, phase)
	found := match == nil // a pattern that is wrong was reported
	if d, err := l.Registry.Get(name); err == nil && !found {
		found = slices.ContainsFunc(eventsOf(d.Spec(), phase), match)
	}
	l.reached[key] = found
	return found
}

// eventsOf are one event of each kind that a source may report in a phase, a command
// that nobody knows included: that is always a report.
func eventsOf(spec *dialect.Spec, phase event.Phase) []*event.Event {
	var all []*event.Event
	if phase == event.After {
		all = append(all, &event.Event{Dialect: spec.Name, Type: event.VendorUnknown, Phase: event.After})
	}
	for _, c := range spec.Commands {
		if (c.Phase == event.Before) != (phase == event.Before) {
			continue
		}
		for _, t := range c.Types {
			all = append(all, &event.Event{Dialect: spec.Name, Command: c.Name, Type: t, Phase: phase})
		}
	}
	return all
}

// twins warns of endpoints of one app that tell the same backend the same.
func twins(endpoints []Endpoint, at []value) {
	first := map[string]int{}
	for i, e := range endpoints {
		if e.URL == "" {
			continue
		}
		rule := fmt.Sprintf("%q %q %q %q %q", e.URL, e.Dialect, slices.Sorted(slices.Values(e.Events)), slices.Sorted(slices.Values(e.Sources)), e.When)
		if j, ok := first[rule]; ok {
			at[i].warn("has the url and the rule of %s on line %d: the backend is told everything twice", endpoints[j].Name, at[j].at.Line)
			continue
		}
		first[rule] = i
	}
}

// plain warns of signatures that everybody on the way can read.
func (e *Endpoint) plain(o *object) {
	u, err := url.Parse(e.URL)
	if err == nil && u.Scheme == "http" && len(e.Credentials.Secrets) > 0 && isPublic(u.Hostname()) {
		v, _ := o.get("url")
		v.warn("is http to %s, which looks public: events and signatures can be read on the way; write https", u.Hostname())
	}
}

// shared is the range of carriers' own networks, which is no part of the
// Internet either.
func shared() netip.Prefix { return netip.MustParsePrefix("100.64.0.0/10") }

// isPublic guesses whether the way to host leads over the Internet: a public
// address, or a name below a domain that one can register.
func isPublic(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return addr.IsGlobalUnicast() && !addr.IsPrivate() && !shared().Contains(addr)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	suffix, official := publicsuffix.PublicSuffix(host)
	return official && suffix != host
}
