package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/suggest"
)

// endpoint reads one endpoint of an app with these sources.
func (l *loader) endpoint(o *object, sources []Source) Endpoint {
	e := l.config.defaultEndpoint()
	e.Name = o.name("endpoint")
	broker := l.broker(o, &e)
	var d dialect.Dialect
	if !broker {
		d = l.target(o, &e, Inbox)
	}
	l.match(o, sources, &e, event.After)
	l.condition(o, &e.When)
	l.start(o, &e.Start)
	word(o, "order", &e.Order, OrderConversation, OrderStrict, OrderNone)
	o.integer("concurrency", 1, &e.Concurrency)
	l.spread(o, &e)
	o.duration("timeout", &e.Timeout)
	if v, ok := o.get("rate"); ok {
		v.rate(&e.Rate)
	}
	o.size("bytes_in_flight", &e.BytesInFlight)
	if v, ok := o.get("breaker"); ok {
		v.object().endpointBreaker(&e.Breaker)
	}
	word(o, "on_poison", &e.OnPoison, PoisonPark, PoisonBlock)
	if v, ok := o.get("retry"); ok {
		v.object().retry(&e.Retry)
	}
	if v, ok := o.get("backlog"); ok {
		l.backlog(v.object(), &e)
	}
	word(o, "on_refusal", &e.OnRefusal, RefusalIgnore, RefusalRetry, RefusalPark)
	o.boolean("echoes", &e.Echoes)
	if e.Builtin == "" && !broker {
		l.batch(o, d, &e.Batch)
		l.transport(o, &e)
		e.plain(o)
	}
	l.reach(o, sources, &e, event.After)
	l.policy(o, d, &e)
	l.coalesce(o, &e)
	o.done()
	return e
}

// transport reads how the connection to the endpoint is encrypted.
func (l *loader) transport(o *object, e *Endpoint) {
	v, ok := o.get("tls")
	if !ok {
		return
	}
	e.TLS = l.clientTLS(v.object())
	switch u, err := url.Parse(e.URL); {
	case e.URL == Listen:
		v.wrong("has no effect: with url: listen nobody is called; remove it")
	case err == nil && u.Scheme == "http":
		v.wrong("has no effect: url is http and the connection is not encrypted; write https, or remove it")
	}
}

// target reads whom the endpoint is: a URL that speaks a dialect, or something
// built in. The dialect is nil when it is not known.
func (l *loader) target(o *object, e *Endpoint, builtin string) dialect.Dialect {
	if v, ok := o.get("builtin"); ok {
		word(o, "builtin", &e.Builtin, builtin)
		for _, key := range []string{"url", "dialect", "generation", "credentials", "paths", "batch", "tls"} {
			if _, ok := o.fields[key]; ok {
				o.asked = append(o.asked, key)
				v.wrong("at most one of builtin and %s; remove one", key)
			}
		}
		return nil
	}
	if v, ok := o.get("url"); ok {
		l.url(v, e)
	} else {
		instead := "builtin: " + builtin
		if builtin == Inbox {
			instead = "kafka, nats or " + instead
		}
		o.missing("url", "write the URL of the backend, or "+instead)
	}
	d := l.dialect(o, &e.Dialect)
	if d == nil {
		o.asked = append(o.asked, "generation", "credentials", "paths")
		return nil
	}
	l.generation(o, d.Spec(), &e.Generation)
	e.Credentials = l.credentials(o, o.credentials(), d, nil)
	if v, ok := o.get("paths"); ok {
		e.Paths = paths(v, d.Spec())
	}
	return d
}

// Listen is the url of an endpoint or hook that nobody calls: whoever runs imhook listen
// --from gets its requests.
const Listen = "listen"

// url reads an endpoint's base.
func (l *loader) url(v value, e *Endpoint) {
	s, ok := v.text()
	if !ok {
		return
	}
	if s == Listen {
		e.URL = s
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Hostname() == "":
		// Not even the text: it may hold a password in the wrong place.
		v.wrong("is not a URL; write http://host:port/path or https://…")
	case !isPort(u.Port()):
		v.wrong("has a port that is none; write a number from 1 to 65535")
	case u.User != nil:
		v.wrong("holds a user or password, which would be printed and is not sent; remove it")
	case u.Fragment != "" || strings.Contains(s, "#"):
		v.wrong("has a fragment (#…), which is never sent; remove it")
	default:
		if _, ok := l.callable(v, u.Hostname()); ok {
			e.URL = s
		}
	}
}

// isPort reports whether s can be connected to; empty is the scheme's own.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// paths reads what stands in place of the dialect's own paths, by command. A key
// is a command, or a path of the dialect, which means every command that has it.
func paths(v value, spec *dialect.Spec) map[string]string {
	commands := map[string][]string{}
	var names, known []string
	for _, c := range spec.Commands {
		names = append(names, c.Name)
		commands[c.Name] = append(commands[c.Name], c.Name)
		if c.Path != "" {
			known = append(known, c.Path)
			commands[c.Path] = append(commands[c.Path], c.Name)
		}
	}
	o := v.object()
	all := map[string]string{}
	for _, k := range o.keys {
		item := o.fields[k.Value]
		to, ok := item.text()
		switch {
		case !ok:
			continue
		case commands[k.Value] == nil:
			o.below(k, item.path).wrong("%s has neither a command nor a path of this name%s", spec.Name, suggest.DidYouMean(k.Value, append(names, known...)))
			continue
		case to != "" && to[0] != '/' || strings.ContainsAny(to, "?# "):
			item.wrong("%q is not a path; begin with /, without query", to)
			continue
		}
		for _, c := range commands[k.Value] {
			if _, twice := all[c]; twice {
				item.wrong("the path of %s is given twice; remove one", c)
			}
			all[c] = to
			item.came(join(v.path, c), OriginKey, "")
		}
	}
	return all
}

// match reads what the endpoint gets.
func (l *loader) match(o *object, sources []Source, e *Endpoint, phase event.Phase) {
	if v, ok := o.get("events"); ok {
		items := v.list()
		if items != nil && len(items) == 0 {
			v.wrong("is empty and matches nothing; write patterns, or remove it for all")
		}
		e.Events = nil
		for _, item := range items {
			s, ok := item.text()
			if !ok {
				continue
			}
			if l.Pattern != nil {
				if err := l.Pattern(s, phase); err != nil {
					item.wrong("pattern %q: %v", s, err)
				}
			}
			e.Events = append(e.Events, s)
		}
	}
	v, ok := o.get("sources")
	if !ok {
		return
	}
	var names []string
	for _, s := range sources {
		names = append(names, s.Name)
	}
	for _, item := range v.list() {
		s, ok := item.text()
		if ok && !slices.Contains(names, s) {
			item.wrong("this app has no source %q%s", s, suggest.DidYouMean(s, names))
			continue
		}
		e.Sources = append(e.Sources, s)
	}
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		v.wrong("is empty and matches nothing; name sources, or remove it for all")
	}
}

// retry reads the schedule.
func (o *object) retry(r *Retry) {
	if v, ok := o.get("fast"); ok {
		r.Fast = []time.Duration{}
		for _, item := range v.list() {
			var d time.Duration
			item.duration(&d)
			r.Fast = append(r.Fast, d)
		}
	}
	if v, ok := o.get("slow"); ok {
		v.object().growing(&r.SlowFrom, &r.SlowTo)
	}
	o.duration("max_age", &r.MaxAge)
	o.integer("max_attempts", 0, &r.MaxAttempts)
	if v, ok := o.get("policy"); ok {
		v.wrong("is a key of the endpoint itself; write it beside retry, not below it")
	}
	o.done()
}

// growing reads the bounds of delays that double.
func (o *object) growing(from, to *time.Duration) {
	o.duration("from", from)
	o.duration("to", to)
	if !o.has("to") {
		*to = max(*to, *from)
	}
	if !o.has("from") {
		*from = min(*from, *to)
	}
	if *to < *from {
		v, _ := o.get("to")
		v.wrong("is less than from; delays grow from one to the other")
	}
	o.done()
}

// endpointBreaker reads when an endpoint is left alone.
func (o *object) endpointBreaker(b *EndpointBreaker) {
	o.boolean("off", &b.Off)
	o.integer("least", 1, &b.Least)
	if v, ok := o.get("pause"); ok {
		v.object().growing(&b.From, &b.To)
	}
	o.done()
}

// backlog reads the endpoint's own bounds.
func (l *loader) backlog(o *object, e *Endpoint) {
	o.duration("age", &e.BacklogAge)
	o.size("bytes", &e.BacklogBytes)
	if v, ok := o.get("bytes"); ok && e.BacklogBytes > l.config.Journal.RetainBytes {
		v.wrong("is more than journal.retain.bytes (%d): one dead endpoint would fill the journal; write less, or retain more", l.config.Journal.RetainBytes)
	}
	o.done()
}
