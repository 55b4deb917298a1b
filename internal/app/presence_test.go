package app

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// Every dialect's reports of one device have one key, whichever way they were kept, and
// nothing else has any.
func TestPresenceOf_EveryDialect(t *testing.T) {
	t.Parallel()
	registry := builtin.New()
	key := presenceOf(registry)
	for _, d := range registry.All() {
		online := 0
		for _, c := range d.Spec().Commands {
			if c.Phase == event.Before {
				continue
			}
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(1, 2)), time.Unix(1763700000, 0))
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range evs {
				got := key(ev)
				if is := ev.Type == event.UserOnline || ev.Type == event.UserOffline; is != (got != "") {
					t.Errorf("%s %s (%s) has the key %q", d.Spec().Name, c.Name, ev.Type, got)
				} else if is {
					online++
				}
				bare := &event.Event{ID: ev.ID, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time, Dialect: ev.Dialect, Command: ev.Command, Lane: ev.Lane, Raw: ev.Raw}
				if again := key(bare); again != got {
					t.Errorf("%s %s: as the journal keeps it the key is %q, else %q", d.Spec().Name, c.Name, again, got)
				}
			}
		}
		if online == 0 {
			t.Errorf("%s reports nobody who comes or goes", d.Spec().Name)
		}
	}
	at := func(user, client, platform string, t event.Type) string {
		return key(&event.Event{Type: t, Lane: event.NewLane(event.KindUser, user), Presence: &event.Presence{Client: client, Platform: platform}})
	}
	phone := at("alice", "c1", "ios", event.UserOnline)
	if at("alice", "c1", "ios", event.UserOffline) != phone {
		t.Error("that a device goes is not about the device that came")
	}
	for _, other := range []string{at("bob", "c1", "ios", event.UserOnline), at("alice", "c2", "ios", event.UserOnline), at("alice", "c1", "web", event.UserOnline)} {
		if other == phone {
			t.Errorf("%q is two devices'", phone)
		}
	}
}
