package match

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// Every after-command of every dialect is a vendor pattern that its own events
// match, and that the events of others match by type.
func TestMatch_EveryCommandIsAPattern(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, d := range reg.All() {
		spec := d.Spec()
		for _, command := range spec.Commands {
			pattern := spec.Name + ":" + command.Name
			m, err := Compile(Rule{App: "shop", Phase: command.Phase, Events: []string{pattern}}, reg)
			if err != nil {
				t.Errorf("%s: %v", pattern, err)
				continue
			}
			req, err := d.Sample(command.Name, rnd, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range evs {
				ev.App = "shop"
				if !m.Match(ev) {
					t.Errorf("%s does not match its own event %s %s of type %s", pattern, ev.Dialect, ev.Command, ev.Type)
				}
				foreign := &event.Event{App: "shop", Phase: ev.Phase, Type: ev.Type, Dialect: "another", Command: "x"}
				if want := ev.Type != event.VendorUnknown; m.Match(foreign) != want {
					t.Errorf("%s matches another dialect's %s: %v, want %v", pattern, ev.Type, !want, want)
				}
			}
		}
	}
}
