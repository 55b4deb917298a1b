package dialecttest

import (
	"errors"
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

const denial = "blocked by policy"

// answers are the verdicts that a before-event is answered with, by file.
var answers = []string{"allow.http", "deny.http", "drop.http", "rewrite.http"}

func verdictOf(file string, ev *event.Event) event.Verdict {
	switch file {
	case "deny.http":
		return event.Verdict{Action: event.Deny, Reason: denial}
	case "drop.http":
		return event.Verdict{Action: event.Drop}
	case "rewrite.http":
		return event.Verdict{Action: event.Rewrite, Changes: changes(ev)}
	}
	return event.Allowed()
}

// changes puts new text where the proposal has any.
func changes(ev *event.Event) *event.Changes {
	c := &event.Changes{}
	if ev.Message != nil {
		m := *ev.Message
		m.Text, m.Parts = "***", nil
		c.Message = &m
	}
	if ev.Group != nil {
		g := *ev.Group
		g.Name = "renamed"
		c.Group = &g
	}
	if ev.User != nil {
		u := *ev.User
		u.DisplayName = "renamed"
		c.User = &u
	}
	if ev.Friend != nil {
		f := *ev.Friend
		f.Text = "good day"
		c.Friend = &f
	}
	return c
}

func proposals(evs []*event.Event) bool {
	return slices.ContainsFunc(evs, func(ev *event.Event) bool { return ev.Phase == event.Before })
}

func (p *probe) reply(g *golden, evs []*event.Event) {
	if !proposals(evs) {
		res := p.in.Dialect.Ack(cloneRequest(&g.request), evs)
		p.said("Ack", res.Body)
		p.expect(g, "ack.http", formatResponse(&res))
		return
	}
	if len(evs) != 1 {
		p.failf("a request with a before-event decodes to %d events, want 1", len(evs))
		return
	}
	for _, file := range answers {
		res := p.in.Dialect.Answer(evs[0], verdictOf(file, evs[0]))
		p.said("Answer", res.Body)
		p.expect(g, file, formatResponse(&res))
	}
}

func (p *probe) verdict(_ *golden, evs []*event.Event) {
	if !proposals(evs) {
		return
	}
	ev := evs[0]
	for _, file := range answers {
		res := p.in.Dialect.Answer(ev, verdictOf(file, ev))
		v, err := p.in.Dialect.Verdict(ev, &res, p.in.target(ev))
		p.err("Verdict", err)
		switch allowed := file == "allow.http"; {
		case err != nil:
			p.failf("%s: reading its own answer: %v\n%s", file, err, res.Body)
		case (v.Action == event.Allow) != allowed:
			p.failf("%s reads as %s\n%s", file, v.Action, res.Body)
		}
	}
	for _, junk := range []string{"<html>busy</html>", `{"`, "\x00\xff"} {
		res := &dialect.Response{Status: 200, ContentType: "text/html", Body: []byte(junk)}
		if v, err := p.in.Dialect.Verdict(ev, res, p.in.target(ev)); !errors.Is(err, dialect.ErrBadReply) {
			p.failf("the answer %q reads as %+v, %v; want ErrBadReply", junk, v, err)
		}
	}
}

func (p *probe) judge(g *golden, evs []*event.Event) {
	if proposals(evs) {
		return
	}
	res := p.in.Dialect.Ack(cloneRequest(&g.request), evs)
	if err := p.in.Dialect.Judge(&res); err != nil {
		p.failf("its own Ack is judged a refusal: %v", err)
	}
	for _, body := range []string{"", "<html>busy</html>", `{"`, "null", "[]", `"ok"`} {
		err := p.in.Dialect.Judge(&dialect.Response{Status: 200, Body: []byte(body)})
		if err != nil && !errors.Is(err, dialect.ErrRefused) {
			p.failf("Judge of %q: %v does not wrap ErrRefused", body, err)
		}
	}
}

func (p *probe) refuse(g *golden, evs []*event.Event) {
	for status, cause := range map[int]error{
		401: dialect.ErrSignature,
		400: &dialect.DecodeError{Dialect: p.in.spec.Name, Err: errors.New("not JSON")},
		503: errors.New("journal is full"),
	} {
		res := p.in.Dialect.Refuse(cloneRequest(&g.request), status, cause)
		p.said("Refuse", res.Body)
		switch {
		case res.Status < 200 || res.Status > 599:
			p.failf("Refuse(%d) has status %d", status, res.Status)
		case res.Status < 300 && !proposals(evs) && !errors.Is(p.in.Dialect.Judge(&res), dialect.ErrRefused):
			p.failf("Refuse(%d) is not told from success: status %d, %s", status, res.Status, res.Body)
		}
	}
}
