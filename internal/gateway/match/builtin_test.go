package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// What the tail sees, with bodies, and what a reader of the journal sees, without,
// is the same to a condition, for every command of every dialect.
func TestMatch_ConditionsSeeTheSameAfterTheJournal(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	rnd := rand.New(rand.NewPCG(3, 4))
	bodies := 0
	for _, d := range reg.All() {
		for _, command := range d.Spec().Commands {
			req, err := d.Sample(command.Name, rnd, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range evs {
				ev.ID, ev.App, ev.Source = "e1", "shop", "src"
				kept := event.Event{
					ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time,
					Dialect: ev.Dialect, Generation: ev.Generation, Command: ev.Command, Trace: ev.Trace, Lane: ev.Lane,
					Links: ev.Links, Dedupe: ev.Dedupe, Echo: ev.Echo, Raw: ev.Raw,
				}
				before := kept
				for _, when := range conditionsOf(ev) {
					m, err := Compile(Rule{App: "shop", Phase: ev.Phase, When: when}, reg)
					if err != nil {
						t.Fatalf("%s: %v", when, err)
					}
					x := NewIndex([]*Matcher{m})
					for what, e := range map[string]*event.Event{"received": ev, "kept": &kept} {
						if !m.Match(e) || len(x.Match(e)) != 1 {
							t.Errorf("%s:%s as it was %s: %s is false: %s", ev.Dialect, ev.Command, what, when, m.Explain(e).Why)
						}
					}
					bodies++
				}
				if diff := cmp.Diff(before, kept); diff != "" {
					t.Errorf("%s:%s was changed:\n%s", ev.Dialect, ev.Command, diff)
				}
			}
		}
	}
	if bodies < 300 {
		t.Errorf("%d conditions were asked: the walk is broken", bodies)
	}
}

// conditionsOf are some that hold for ev.
func conditionsOf(ev *event.Event) []string {
	all := []string{fmt.Sprintf("event.type == %q && event.lane == %q", ev.Type, ev.Lane)}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if ev.Actor != nil {
		add("has(event.actor) && event.actor.id == %q", ev.Actor.ID)
	}
	if ev.Conversation != nil {
		add("event.conversation.id == %q", ev.Conversation.ID)
	}
	if ev.Message != nil {
		add("event.message.text == %q && event.message.kind in [%q]", ev.Message.Text, ev.Message.Kind)
	}
	if ev.Group != nil {
		add("event.group.id == %q", ev.Group.ID)
	}
	if len(ev.Members) > 0 {
		add("event.members.exists(m, m.id == %q)", ev.Members[len(ev.Members)-1].ID)
	}
	if len(ev.Vendor) > 0 {
		add("size(event.vendor) > 0")
	}
	return all
}

// An event whose wire form nobody understands any more has an envelope all the
// same.
func TestMatch_ConditionOfAnEventThatCannotBeRead(t *testing.T) {
	t.Parallel()
	ev := after(event.VendorUnknown)
	ev.Raw = event.Raw{Dialect: "easemob", Body: []byte("{")}
	reg := builtin.New()
	for when, want := range map[string]bool{
		`event.type == "vendor.unknown" && event.source == "src"`: true,
		`has(event.message) || event.actor.id == "x"`:             false,
	} {
		m, err := Compile(Rule{App: "shop", When: when}, reg)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match(ev); got != want {
			t.Errorf("%s = %v, want %v", when, got, want)
		}
		if e := m.Explain(ev); e.Matched != want || (e.Unread == "") != want {
			t.Errorf("%s: explanation = %+v", when, e)
		}
	}
}

// The word of a vendor's own configuration stands for its command.
func TestMatch_AliasOfACommandIsAPattern(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Phase: event.After, Events: []string{"openim:afterRevokeMsg"}}, builtin.New())
	if err != nil {
		t.Fatal(err)
	}
	ev := &event.Event{App: "shop", Phase: event.After, Type: event.MessageRecall, Dialect: "openim", Command: "callbackBeforeAfterMsgCommand"}
	if !m.Match(ev) {
		t.Error("does not match the command that it stands for")
	}
}

// Every filter rule of Easemob's page, as it stands there, is a pattern behind
// "easemob:".
func TestMatch_EasemobsFilterRules(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	filters := []string{"chat", "groupchat", "chatroom", "recall", "muc", "roster", "read_ack", "delivery_ack", "userStatus", "sensitiveWords", "sensitiveWords:intercepted", "userStatus:login", "userStatus:logout", "userStatus:replaced"}
	for _, chat := range []string{"chat", "groupchat", "chatroom"} {
		for _, body := range []string{"txt", "img", "audio", "loc", "video", "file", "cmd", "custom", "unknown"} {
			filters = append(filters, chat+":"+body)
		}
	}
	for _, op := range []string{
		"create", "destroy", "apply", "apply_accept", "invite", "invite_accept", "invite_decline", "kick", "ban", "allow", "update",
		"block", "unblock", "presence", "absence", "direct_joined", "leave", "assing_owner", "add_admin", "remove_admin", "add_mute",
		"remove_mute", "update_announcement", "delete_announcement", "upload_file", "delete_file", "add_user_white_list",
		"remove_user_white_list", "ban_group", "remove_ban_group",
	} {
		filters = append(filters, "muc:"+op)
	}
	for _, op := range []string{"add", "remove", "accept", "decline", "remote_accept", "remote_decline", "ban", "allow"} {
		filters = append(filters, "roster:"+op)
	}
	for _, filter := range filters {
		m, err := Compile(Rule{App: "shop", Events: []string{"easemob:" + filter}}, reg)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		hits := 0
		d, _ := reg.Get("easemob")
		for _, c := range d.Spec().Commands {
			ev := &event.Event{App: "shop", Phase: c.Phase, Type: c.Types[0], Dialect: "easemob", Command: c.Name}
			want := c.Phase == event.After && (c.Name == filter || strings.HasPrefix(c.Name, filter+":"))
			if got := m.Match(ev); got != want {
				t.Errorf("easemob:%s takes %s: %v, want %v", filter, c.Name, got, want)
			}
			if !want {
				continue
			}
			hits++
			ev.Dialect, ev.Command = "wildfirechat", "x"
			if !m.Match(ev) {
				t.Errorf("easemob:%s does not take another dialect's %s", filter, ev.Type)
			}
		}
		if hits == 0 {
			t.Errorf("easemob:%s takes no command", filter)
		}
	}
}
