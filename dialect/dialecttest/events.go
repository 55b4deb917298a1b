package dialecttest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// goldenApp is the app of events in outputs.
const goldenApp = "golden"

// expect compares an output with its file, or writes it.
func (p *probe) expect(g *golden, file string, got []byte) {
	got = append(bytes.TrimSuffix(got, []byte("\n")), '\n')
	if p.in.write != nil {
		if bytes.Equal(g.files[file], got) {
			return
		}
		if err := p.in.write(g.folder, file, got); err != nil {
			p.failf("writing %s: %v", file, err)
		}
		g.files[file] = got
		return
	}
	want, ok := g.files[file]
	if !ok {
		p.failf("%s is missing: look at it after go test -update", file)
		return
	}
	if d := cmp.Diff(lines(want), lines(got)); d != "" {
		p.failf("%s differs (-file +got):\n%s", file, d)
	}
}

func lines(b []byte) []string { return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") }

// shown is an event as events.json holds it.
type shown struct {
	Event      *event.Event `json:"event"`
	Lane       event.Lane   `json:"lane"`
	Links      []string     `json:"links"`
	Dedupe     string       `json:"dedupe"`
	Echo       bool         `json:"echo"`
	Generation string       `json:"generation"`
}

func (p *probe) decode(g *golden) []*event.Event {
	evs, err := p.in.Dialect.Decode(cloneRequest(&g.request))
	p.err("Decode", err)
	switch {
	case err != nil:
		p.failf("decoding: %v", err)
		return nil
	case len(evs) == 0:
		p.failf("no events and no error")
		return nil
	}
	out := make([]shown, len(evs))
	for i, ev := range evs {
		out[i] = shown{named(p.in.spec.Name, ev, i), ev.Lane, ev.Links, ev.Dedupe, ev.Echo, ev.Generation}
		out[i].Event.Vendor = ordered(ev.Vendor)
	}
	text, err := json.Marshal(out, json.Deterministic(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
	if err != nil {
		p.failf("writing events as JSON: %v", err)
		return evs
	}
	p.expect(g, "events.json", text)
	return evs
}

// named is a copy of the i-th event with the names that a receiver gives.
func named(dialectName string, ev *event.Event, i int) *event.Event {
	c := *ev
	if c.ID == "" {
		c.ID = goldenApp + "-" + strconv.Itoa(i+1)
	}
	c.App, c.Source = goldenApp, dialectName
	return &c
}

var laneKinds = []event.Kind{
	event.KindDirect, event.KindGroup, event.KindChatroom, event.KindChannel,
	event.KindUser, event.KindConference, event.KindSystem,
}

func (p *probe) events(g *golden, evs []*event.Event) {
	if g.command == "" {
		p.failf("the spec has no command of that folder's name")
		return
	}
	for i, ev := range evs {
		p.wellFormed(i, ev)
	}
	// A batch may hold other commands as well.
	if !slices.ContainsFunc(evs, func(ev *event.Event) bool {
		return ev.Command == g.command || ev.Dialect != p.in.spec.Name || ev.Type == event.VendorUnknown
	}) {
		p.failf("no event is of command %q but of %q", g.command, evs[0].Command)
	}
}

// wellFormed checks an event by itself and against its command.
func (p *probe) wellFormed(i int, ev *event.Event) {
	entry, known := event.Lookup(ev.Type)
	switch {
	case !known:
		p.failf("event %d: type %q is not in the catalogue", i, ev.Type)
	case !entry.In(ev.Phase):
		p.failf("event %d: %s is never %q", i, ev.Type, ev.Phase)
	}
	if ev.Phase == event.After && !slices.Contains(laneKinds, ev.Lane.Kind()) {
		p.failf("event %d: lane %q has no known kind", i, ev.Lane)
	}
	if ev.Dialect == "" || ev.Raw.Dialect != p.in.spec.Name {
		p.failf("event %d: Dialect is %q and Raw.Dialect %q, want %q", i, ev.Dialect, ev.Raw.Dialect, p.in.spec.Name)
	}
	if t := ev.Time; !t.IsZero() && (t.Location() != t.UTC().Location() || t.Nanosecond()%1e6 != 0) {
		p.failf("event %d: time %v is not UTC cut to milliseconds", i, t)
	}
	if len(ev.Vendor) > 0 && (ev.Vendor.Kind() != '{' || !ev.Vendor.IsValid()) {
		p.failf("event %d: Vendor is no valid JSON object: %.200s", i, ev.Vendor)
	}
	if ev.Type == event.VendorUnknown || ev.Dialect != p.in.spec.Name {
		return
	}
	c, ok := p.in.spec.Command(ev.Command)
	switch {
	case !ok:
		p.failf("event %d: the spec has no command %q", i, ev.Command)
	case c.Phase != ev.Phase:
		p.failf("event %d: phase is %q, that of command %s is %q", i, ev.Phase, c.Name, c.Phase)
	case !slices.Contains(c.Types, ev.Type):
		p.failf("event %d: command %s does not declare type %s", i, c.Name, ev.Type)
	}
}

func (p *probe) raw(_ *golden, evs []*event.Event) {
	for i, ev := range evs {
		p.rawComplete(i, ev)
	}
}

func (p *probe) rawComplete(i int, ev *event.Event) {
	req := dialect.RawRequest(ev)
	again, err := p.in.Dialect.Decode(cloneRequest(&req))
	p.err("Decode", err)
	if err != nil || len(again) != 1 {
		p.failf("event %d: its Raw decodes to %d events, want 1 (%v)", i, len(again), err)
		return
	}
	if d := diffEvents(ev, again[0]); d != "" {
		p.failf("event %d: its Raw decodes to another event (-first +again):\n%s", i, d)
	}
	if d := diff(ev.Raw, again[0].Raw); d != "" {
		p.failf("event %d: its Raw decodes to another Raw (-first +again):\n%s", i, d)
	}
	for _, name := range p.in.spec.SignatureExempt {
		if queryHas(ev.Raw.Query, name) {
			p.failf("event %d: Raw.Query holds %s, which authenticates", i, name)
		}
	}
}

// json reads the event's CloudEvents form back.
func (p *probe) json(_ *golden, evs []*event.Event) {
	for i, ev := range evs {
		text, err := json.Marshal(named(p.in.spec.Name, ev, i))
		if err != nil {
			p.failf("event %d: %v", i, err)
			continue
		}
		var back event.Event
		if err := json.Unmarshal(text, &back); err != nil {
			p.failf("event %d: reading its JSON form: %v\n%s", i, err, text)
			continue
		}
		want := *ev
		if len(want.Links) > 1 {
			want.Links = want.Links[:1] // the form carries the strongest alone
		}
		if want.Lane == "" { // falls back to the conversation
			back.Lane = ""
		}
		if d := diffTranslated(&want, &back); d != "" {
			p.failf("event %d: its JSON form reads as another event (-event +read):\n%s", i, d)
		}
	}
}

func (p *probe) aliasing(g *golden, _ []*event.Event) {
	req := cloneRequest(&g.request)
	evs, err := p.in.Dialect.Decode(req)
	if err != nil {
		return // of no interest here
	}
	if d := diff(g.request, *req); d != "" {
		p.failf("Decode changed the request (-before +after):\n%s", d)
	}
	for i := range req.Body {
		req.Body[i] = 'x'
	}
	want, err := p.in.Dialect.Decode(cloneRequest(&g.request))
	if err != nil {
		return
	}
	for i := range want {
		if d := diffEvents(want[i], evs[i]) + diff(want[i].Raw, evs[i].Raw); d != "" {
			p.failf("event %d changes with the request's memory (-want +got):\n%s", i, d)
		}
	}
}

func (p *probe) determinism(g *golden, evs []*event.Event) {
	again, err := p.in.Dialect.Decode(cloneRequest(&g.request))
	if err != nil || len(again) != len(evs) {
		p.failf("decoding again gives %d events, first %d (%v)", len(again), len(evs), err)
		return
	}
	for i := range evs {
		if d := diffEvents(evs[i], again[i]) + diff(evs[i].Raw, again[i].Raw); d != "" {
			p.failf("event %d differs when decoded again (-first +again):\n%s", i, d)
		}
	}
}

func (p *probe) path(_ *golden, evs []*event.Event) {
	for i, ev := range evs {
		if got := p.in.Dialect.Path(ev); got != ev.Raw.Path {
			p.failf("event %d: Path is %q, want %q", i, got, ev.Raw.Path)
		}
	}
}
