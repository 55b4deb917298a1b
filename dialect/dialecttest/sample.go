package dialecttest

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// draws is how many samples of each command are looked at.
const draws = 8

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func (in *inspector) inspectSample(c dialect.Command) {
	for seed := range uint64(draws) {
		var req dialect.Request
		var evs []*event.Event
		in.run("sample", c.Name, func(p *probe) { req, evs = p.sample(c, seed) })
		if len(evs) == 0 {
			return
		}
		in.run("sign", c.Name, func(p *probe) { p.sign(&req, evs) })
		if seed == 0 && in.needsSecret() {
			in.run("nosecret", c.Name, func(p *probe) {
				err := in.Dialect.Sign(cloneRequest(&req), dialect.Credentials{Public: in.Credentials.Public}, "event-1", in.Now)
				if !errors.Is(err, dialect.ErrNoSecret) {
					p.failf("%v, want ErrNoSecret", err)
				}
			})
		}
	}
}

func (in *inspector) needsSecret() bool {
	for _, key := range in.spec.Credentials {
		if key.Secret && key.Required {
			return true
		}
	}
	return false
}

func (p *probe) noSuchSample() {
	_, err := p.in.Dialect.Sample("no such command", source(0), p.in.Now)
	if !errors.Is(err, dialect.ErrUnknownCommand) {
		p.failf("of no command: %v, want ErrUnknownCommand", err)
	}
}

func (p *probe) sample(c dialect.Command, seed uint64) (dialect.Request, []*event.Event) {
	req, err := p.in.Dialect.Sample(c.Name, source(seed), p.in.Now)
	p.err("Sample", err)
	if err != nil {
		p.failf("%v", err)
		return req, nil
	}
	again, _ := p.in.Dialect.Sample(c.Name, source(seed), p.in.Now)
	if d := diff(req, again); d != "" {
		p.failf("the same source of chance draws another sample:\n%s", d)
	}
	evs, err := p.in.Dialect.Decode(cloneRequest(&req))
	if err != nil || len(evs) == 0 {
		p.failf("it decodes to %d events (%v)\n%s", len(evs), err, formatRequest(&req))
		return req, nil
	}
	for i, ev := range evs {
		p.wellFormed(i, ev)
		p.rawComplete(i, ev)
		if ev.Dialect != p.in.spec.Name || ev.Command != c.Name {
			p.failf("it decodes to %s %q\n%s", ev.Dialect, ev.Command, formatRequest(&req))
		}
	}
	return req, evs
}

func (p *probe) sign(req *dialect.Request, evs []*event.Event) {
	signed := cloneRequest(req)
	// The body may be the event's own bytes: it is never written to.
	signed.Body = req.Body
	before := cloneRequest(req)
	err := p.in.Dialect.Sign(signed, p.in.Credentials, "event-1", p.in.Now)
	p.err("Sign", err)
	if err != nil {
		p.failf("%v", err)
		return
	}
	p.said("a signed request", formatRequest(signed))
	if d := diff(before.Body, req.Body); d != "" {
		p.failf("Sign wrote into the body that it was given:\n%s", d)
	}
	if _, err := url.ParseQuery(signed.Query); err != nil || strings.ContainsAny(signed.Query, " #\n") {
		p.failf("Sign left the query %q (%v)", signed.Query, err)
	}
	if _, err := p.in.Dialect.Verify(cloneRequest(signed), p.in.Credentials, p.in.verification(p.in.Now)); err != nil {
		p.failf("what Sign makes is refused: %v\n%s", err, formatRequest(signed))
	}

	twice := cloneRequest(signed)
	if err := p.in.Dialect.Sign(twice, p.in.Credentials, "event-1", p.in.Now); err != nil {
		p.failf("signing again: %v", err)
	} else if d := diff(signed, twice); d != "" {
		p.failf("signing again changes the request (-once +twice):\n%s", d)
	}

	got, err := p.in.Dialect.Decode(cloneRequest(signed))
	if err != nil || len(got) != len(evs) {
		p.failf("signed it decodes to %d events, want %d (%v)", len(got), len(evs), err)
		return
	}
	for i := range evs {
		if d := diffEvents(evs[i], got[i]); d != "" {
			p.failf("event %d changes with the signature (-unsigned +signed):\n%s", i, d)
		}
	}
}
