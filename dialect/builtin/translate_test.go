package builtin_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// TestDialects_SayWhatOthersSay: what one dialect sends and another can say is read
// there as the same fact about the same people in the same place. Each command is
// drawn several times; cases are named from>to/command, to be run alone.
func TestDialects_SayWhatOthersSay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	r := builtin.New()
	for _, from := range r.All() {
		for _, to := range r.All() {
			if from == to {
				continue
			}
			t.Run(from.Spec().Name+">"+to.Spec().Name, func(t *testing.T) {
				t.Parallel()
				for _, c := range from.Spec().Commands {
					for seed := range uint64(20) {
						req, err := from.Sample(c.Name, rand.New(rand.NewPCG(seed, 2)), now)
						if err != nil {
							t.Fatal(err)
						}
						evs, err := from.Decode(&req)
						if err != nil {
							t.Fatalf("%s: %v", c.Name, err)
						}
						for _, ev := range evs {
							ev.ID, ev.App, ev.Source = fmt.Sprintf("%s-%d", c.Name, seed), "shop", "im"
							if diff := translated(to, ev, now); diff != "" {
								t.Errorf("%s (seed %d), a %s %s: %s", c.Name, seed, ev.Phase, ev.Type, diff)
							}
						}
					}
				}
			})
		}
	}
}

// translated says what of ev is lost or changed when d says it; empty when nothing
// is, or when d cannot say it.
func translated(d dialect.Dialect, ev *event.Event, now time.Time) string {
	reqs, err := d.Encode(ev, dialect.Target{Credentials: sampleKeys(d.Spec()), Now: now})
	if errors.Is(err, dialect.ErrUntranslatable) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	var said []*event.Event
	for i := range reqs {
		again, err := d.Decode(&reqs[i])
		if err != nil {
			return fmt.Sprintf("cannot be read again: %v\n%s", err, reqs[i].Body)
		}
		said = append(said, again...)
	}
	if len(said) == 0 {
		return "nothing is said"
	}
	var lost []string
	miss := func(what string, want, got any) {
		lost = append(lost, fmt.Sprintf("%s is %v, want %v", what, got, want))
	}
	var members []string
	for _, s := range said {
		switch {
		case s.Type == event.VendorUnknown:
			miss("type", ev.Type, s.Type)
		case s.Phase != ev.Phase:
			miss("phase", ev.Phase, s.Phase)
		}
		for _, m := range s.Members {
			members = append(members, m.ID)
		}
		if s.Type != ev.Type {
			continue // a nearest equivalent has its own places
		}
		// A vendor without chatrooms has groups for them.
		asGroup := ev.Lane.Kind() == event.KindChatroom && s.Lane.Kind() == event.KindGroup && s.Lane.ID() == ev.Lane.ID()
		// Of a push some vendors name the message's place, others the receiver alone;
		// and OpenIM's receipt of a group names the reader and no group.
		ofOne := ev.Type == event.PushReport || ev.Type == event.MessageRead && s.Conversation == nil
		if ev.Phase == event.After && s.Lane.Kind() != event.KindSystem && s.Lane != ev.Lane && !asGroup && !ofOne {
			miss("lane", ev.Lane, s.Lane)
		}
		// Where the wire names nobody but the one it happened to, that one is the actor.
		itself := s.Actor != nil && slices.ContainsFunc(s.Members, func(m event.Member) bool { return m.ID == s.Actor.ID })
		if ev.Actor != nil && ev.Actor.ID != "" && !ev.Actor.System && s.Actor != nil && s.Actor.ID != "" && s.Actor.ID != ev.Actor.ID && !itself {
			miss("actor", ev.Actor.ID, s.Actor.ID)
		}
		// Recalls and receipts name the message, most do not repeat it.
		if ev.Type == event.MessageSend && ev.Message != nil && s.Message != nil && ev.Message.Kind == event.Text && s.Message.Text != ev.Message.Text {
			miss("text", ev.Message.Text, s.Message.Text)
		}
		if ev.Group != nil && s.Group != nil && ev.Group.Name != "" && s.Group.Name != "" && s.Group.Name != ev.Group.Name {
			miss("group's name", ev.Group.Name, s.Group.Name)
		}
	}
	if said[0].Type == ev.Type && len(members) > 0 {
		for _, m := range ev.Members {
			if !slices.Contains(members, m.ID) {
				miss("members", m.ID, members)
			}
		}
	}
	if len(lost) == 0 {
		return ""
	}
	return strings.Join(lost, "; ") + "\n" + string(reqs[0].Body)
}

// sampleKeys are the public keys that samples hold.
func sampleKeys(spec *dialect.Spec) dialect.Credentials {
	c := dialect.Credentials{Public: map[string]string{}}
	for _, k := range spec.Credentials {
		if k.Sample != "" && !k.Secret {
			c.Public[k.Name] = k.Sample
		}
	}
	return c
}
