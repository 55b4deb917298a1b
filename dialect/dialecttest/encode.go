package dialecttest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func (in *inspector) target(ev *event.Event) dialect.Target {
	return dialect.Target{Generation: ev.Generation, Credentials: in.Credentials, Now: in.Now}
}

func (p *probe) encode(g *golden, evs []*event.Event) {
	var out bytes.Buffer
	for i, ev := range evs {
		ev = named(p.in.spec.Name, ev, i)
		reqs, err := p.in.Dialect.Encode(ev, p.in.target(ev))
		p.err("Encode", err)
		switch {
		case errors.Is(err, dialect.ErrUntranslatable):
			if out.Len() > 0 {
				out.WriteString("\n###\n")
			}
			fmt.Fprintf(&out, "# %v", err)
			continue
		case err != nil:
			p.failf("event %d: %v", i, err)
		case len(reqs) == 0:
			p.failf("event %d: no requests and no error", i)
		}
		for k := range reqs {
			if out.Len() > 0 {
				out.WriteString("\n###\n")
			}
			p.said("Encode", reqs[k].Body)
			out.Write(formatRequest(&reqs[k]))
		}
	}
	p.expect(g, "outbound.http", out.Bytes())
}

func (p *probe) roundtrip(_ *golden, evs []*event.Event) {
	for i, ev := range evs {
		ev = named(p.in.spec.Name, ev, i)
		reqs, err := p.in.Dialect.Encode(ev, p.in.target(ev))
		if err != nil {
			// What is of no known type cannot be said; anything else that came
			// in can.
			if !errors.Is(err, dialect.ErrUntranslatable) || ev.Type != event.VendorUnknown {
				p.failf("event %d: %v", i, err)
			}
			continue
		}
		p.saysAgain(i, ev, reqs)
	}
}

// saysAgain decodes what Encode made of ev.
func (p *probe) saysAgain(i int, ev *event.Event, reqs []dialect.Request) {
	ids := map[string]bool{}
	for k := range reqs {
		again, err := p.in.Dialect.Decode(cloneRequest(&reqs[k]))
		p.err("Decode", err)
		if err != nil || len(again) != 1 {
			p.failf("event %d: what Encode says decodes to %d events, want 1 (%v)\n%s", i, len(again), err, formatRequest(&reqs[k]))
			continue
		}
		if len(reqs) == 1 {
			if diff := diffTranslated(ev, again[0]); diff != "" {
				p.failf("event %d: what Encode says decodes to another event (-want +got):\n%s\n%s", i, diff, formatRequest(&reqs[k]))
			}
			continue
		}
		// One request says a part: the rest of the members, targets or lines.
		if again[0].Type != ev.Type || again[0].Lane != ev.Lane || again[0].Phase != ev.Phase {
			p.failf("event %d: request %d decodes to %s %s in lane %s, want %s %s in %s", i, k,
				again[0].Phase, again[0].Type, again[0].Lane, ev.Phase, ev.Type, ev.Lane)
		}
		if want := event.PartID(ev.ID, k); reqs[k].ID != want || ids[reqs[k].ID] {
			p.failf("event %d: request %d has the id %q, want %q", i, k, reqs[k].ID, want)
		}
		ids[reqs[k].ID] = true
	}
}
