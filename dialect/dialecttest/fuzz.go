package dialecttest

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// maxFuzzBody keeps the fuzzer from spending its time on length.
const maxFuzzBody = 1 << 16

// FuzzDecode looks for an input that breaks what Decode promises: no panic; an
// error is a [*dialect.DecodeError] and comes without events; events are well
// formed, their Raw decodes to them and their JSON form can be read back; said
// again in the dialect they are of the same type, lane and links; the same input
// gives the same events. It is seeded with the golden requests and fails without
// any.
func FuzzDecode(f *testing.F, s Subject) {
	f.Helper()
	in, err := newInspector(s)
	if err != nil {
		f.Fatal(err)
	}
	for _, g := range in.cases {
		f.Add(g.request.Path, g.request.Query, g.request.ContentType, g.request.Body)
	}
	f.Fuzz(func(t *testing.T, path, query, contentType string, body []byte) {
		if len(body) > maxFuzzBody {
			return
		}
		// Each input has an inspector of its own: they run side by side.
		one := &inspector{Subject: in.Subject, spec: in.spec}
		p := &probe{in: one, check: "fuzz", scope: "input"}
		p.fuzz(&dialect.Request{Path: path, Query: query, ContentType: contentType, Body: body})
		for _, found := range one.findings {
			t.Errorf("%s: %s", found.check, found.text)
		}
	})
}

func (p *probe) fuzz(req *dialect.Request) {
	evs, err := p.in.Dialect.Decode(cloneRequest(req))
	p.err("Decode", err)
	if err != nil {
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok {
			p.failf("no *DecodeError: %v", err)
		}
		if len(evs) > 0 {
			p.failf("an error and %d events: %v", len(evs), err)
		}
		return
	}
	g := &golden{request: *req}
	p.determinism(g, evs)
	for i, ev := range evs {
		p.wellFormed(i, ev)
		p.rawComplete(i, ev)
		p.readable(i, ev)
		p.saysSame(i, ev)
	}
}

// readable wants the JSON form to be taken by a strict reader.
func (p *probe) readable(i int, ev *event.Event) {
	text, err := json.Marshal(named(p.in.spec.Name, ev, i))
	if err != nil {
		p.failf("event %d has no JSON form: %v", i, err)
		return
	}
	var back event.Event
	if err := json.Unmarshal(text, &back); err != nil {
		p.failf("event %d: reading its JSON form: %v\n%s", i, err, text)
	}
}

func (p *probe) saysSame(i int, ev *event.Event) {
	ev = named(p.in.spec.Name, ev, i)
	reqs, err := p.in.Dialect.Encode(ev, p.in.target(ev))
	p.err("Encode", err)
	if err != nil {
		if !errors.Is(err, dialect.ErrUntranslatable) {
			p.failf("event %d cannot be said and the error does not wrap ErrUntranslatable: %v", i, err)
		}
		return
	}
	for k := range reqs {
		again, err := p.in.Dialect.Decode(cloneRequest(&reqs[k]))
		if err != nil || len(again) != 1 {
			p.failf("event %d: what Encode says decodes to %d events, want 1 (%v)\n%s", i, len(again), err, formatRequest(&reqs[k]))
			continue
		}
		got := again[0]
		if got.Type != ev.Type || got.Phase != ev.Phase || got.Lane != ev.Lane || len(reqs) == 1 && !slices.Equal(got.Links, ev.Links) {
			p.failf("event %d: said again it is %s %s in %q linked %q, want %s %s in %q linked %q\n%s", i,
				got.Phase, got.Type, got.Lane, got.Links, ev.Phase, ev.Type, ev.Lane, ev.Links, formatRequest(&reqs[k]))
		}
	}
}
