package match

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

func after(t event.Type) *event.Event {
	return &event.Event{App: "shop", Source: "src", Type: t, Phase: event.After}
}

func in(dialectName, command string, t event.Type) *event.Event {
	ev := after(t)
	ev.Dialect, ev.Command = dialectName, command
	return ev
}

func TestMatch_TypePatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern string
		yes     []event.Type
		no      []event.Type
	}{
		{"message.send", []event.Type{"message.send"}, []event.Type{"message.edit", "bot.message.send"}},
		{"message.*", []event.Type{"message.send", "message.edit", "message.fromthefuture"}, []event.Type{"message.extension.set", "message", "bot.message.send"}},
		{"group.**", []event.Type{"group.create", "group.member.join", "group.member.apply.accept"}, []event.Type{"group", "message.send", "bot.group.join"}},
		{"**.join", []event.Type{"group.member.join", "conference.join", "join"}, []event.Type{"group.member.leave"}},
		{"group.**.join", []event.Type{"group.member.join", "group.join", "group.a.b.join"}, []event.Type{"bot.group.join", "group.join.x"}},
		{"*.member.*", []event.Type{"group.member.join", "chatroom.member.leave"}, []event.Type{"bot.group.member.join", "group.member.apply.accept"}},
		{"**.member.**", []event.Type{"group.member.join", "bot.group.member.join", "group.member.apply.accept"}, []event.Type{"group.create"}},
		{"**.**", []event.Type{"message.send", "anything"}, nil},
		{"**", []event.Type{"message.send", "vendor.unknown", "not.in.the.catalogue", "word"}, []event.Type{""}},
	} {
		m, err := Compile(Rule{App: "shop", Events: []string{tt.pattern}}, registry())
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range tt.yes {
			if !m.Match(after(typ)) {
				t.Errorf("%s does not match %s", tt.pattern, typ)
			}
		}
		for _, typ := range tt.no {
			if m.Match(after(typ)) {
				t.Errorf("%s matches %s", tt.pattern, typ)
			}
		}
	}
}

func TestMatch_VendorPatterns(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"easemob:muc:kick"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		ev   *event.Event
		want bool
	}{
		{"the command itself", in("easemob", "muc:kick", event.GroupMemberKick), true},
		{"the command with a type that it should not have", in("easemob", "muc:kick", event.VendorUnknown), true},
		{"another command of the same type", in("easemob", "muc:absence", event.GroupMemberKick), false},
		{"another dialect's event of one of its types", in("tencent", "Group.CallbackAfterMemberExit", event.GroupMemberKick), true},
		{"another dialect's event of another type", in("tencent", "Group.CallbackAfterMemberExit", event.GroupMemberLeave), false},
		{"no dialect at all", after(event.ChatroomMemberKick), true},
	} {
		if got := m.Match(tt.ev); got != tt.want {
			t.Errorf("%s: match = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMatch_UnknownIsNotTranslated(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"easemob:muc:odd"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	if !m.Match(in("easemob", "muc:odd", event.VendorUnknown)) {
		t.Error("the command itself does not match")
	}
	if m.Match(in("tencent", "x", event.VendorUnknown)) {
		t.Error("another vendor's unknown command matches")
	}
}

func TestMatch_FamiliesOfCommands(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"easemob:muc"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dialect, command string
		typ              event.Type
		want             bool
	}{
		{"easemob", "muc:kick", event.GroupMemberKick, true},
		{"easemob", "muc:odd", event.VendorUnknown, true},
		{"easemob", "muc:of_tomorrow", event.VendorUnknown, true},
		{"easemob", "muc", event.VendorUnknown, true},
		{"easemob", "mucus:kick", event.GroupMemberKick, false},
		{"easemob", "chat:user:single", event.MessageSend, false},
		{"easemob", "group_op:LEAVE/KICK", event.GroupMemberKick, false},
		{"tencent", "Group.CallbackAfterMemberExit", event.GroupMemberKick, true},
		{"tencent", "Group.CallbackAfterMemberExit", event.ChatroomMemberKick, true},
		{"tencent", "muc:kick", event.GroupMemberLeave, false},
		{"tencent", "x", event.VendorUnknown, false},
	} {
		if got := m.Match(in(tt.dialect, tt.command, tt.typ)); got != tt.want {
			t.Errorf("easemob:muc takes %s:%s of type %s: %v, want %v", tt.dialect, tt.command, tt.typ, got, tt.want)
		}
	}
}

func TestMatch_AppSourceAndPhase(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Sources: []string{"a", "b"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	base := event.Event{App: "shop", Source: "a", Type: event.MessageSend, Phase: event.After}
	for _, tt := range []struct {
		name   string
		change func(*event.Event)
		want   bool
	}{
		{"as it is", func(*event.Event) {}, true},
		{"second source", func(e *event.Event) { e.Source = "b" }, true},
		{"another source", func(e *event.Event) { e.Source = "c" }, false},
		{"another app", func(e *event.Event) { e.App = "other" }, false},
		{"before", func(e *event.Event) { e.Phase = event.Before }, false},
	} {
		ev := base
		tt.change(&ev)
		if got := m.Match(&ev); got != tt.want {
			t.Errorf("%s: match = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMatch_BeforeRules(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Phase: event.Before, Events: []string{"chatroom.member.apply", "easemob:pre_send"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	ev := after(event.ChatroomMemberApply)
	if m.Match(ev) {
		t.Error("a before-rule matches an after-event")
	}
	ev.Phase = event.Before
	if !m.Match(ev) {
		t.Error("a before-rule does not match its before-event")
	}
}

func TestCompile_Errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern string
		want    string
	}{
		{"", "it is empty"},
		{"mesage.send", `no type matches; did you mean "message.send"?`},
		{"mesage.*", `no type matches; did you mean "message.*" or "message.**"?`},
		{"group.member.kik", `no type matches; did you mean "group.member.kick"`},
		{"something.quite.else", "no type matches"},
		{"message", "no type matches"},
		{"im.message.send", `types are written without "im." here: "message.send"`},
		{"message..send", "a word between the dots is empty"},
		{"message.", "a word between the dots is empty"},
		{"message.se*", `in "se*", * stands for whole words only`},
		{"message.***", `in "***", * stands for whole words only`},
		{"Message.send", `"Message" is no word of a type: they have lower-case letters only`},
		{"message.send ", `"send " is no word of a type: they have lower-case letters only`},
		{"chatroom.member.apply", "no after-events are of a type that matches"},
		{"easmob:muc:kick", `unknown dialect "easmob": there are easemob, tencent; did you mean "easemob"?`},
		{"easemob:muc:kik", `dialect easemob has no command "muc:kik"; did you mean "muc:kick"?`},
		{"tencent:c2c.callbackaftersendmsg", `dialect tencent has no command "c2c.callbackaftersendmsg"; did you mean "C2C.CallbackAfterSendMsg"?`},
		{"easemob:", `dialect easemob has no command ""`},
		{"easemob:*", `dialect easemob has no command "*"`},
		{"easemob:mu", `dialect easemob has no command "mu"; did you mean "muc"?`},
		{"easemob:muc:", `dialect easemob has no command "muc:"`},
		{"easemob:chat", `dialect easemob has no command "chat"`},
		{"easemob:ask", "the command reports before-events only, the rule takes after-events"},
		{"easemob:pre_send", "the command reports before-events only, the rule takes after-events"},
	} {
		m, err := Compile(Rule{App: "shop", Events: []string{"message.send", tt.pattern}}, registry())
		if err == nil || m != nil {
			t.Errorf("%q: no error", tt.pattern)
			continue
		}
		got := strings.TrimPrefix(err.Error(), "compiling rule: pattern \""+tt.pattern+"\": ")
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: error = %s, want %s", tt.pattern, got, tt.want)
		}
	}
	if _, err := Compile(Rule{}, registry()); err == nil {
		t.Error("a rule without app compiles")
	}
	if _, err := Compile(Rule{App: "shop", Sources: []string{""}}, registry()); err == nil {
		t.Error("a rule with an empty source name compiles")
	}
}

func TestCompile_EveryTypeAndFamilyIsAPattern(t *testing.T) {
	t.Parallel()
	for _, phase := range []event.Phase{event.Before, event.After} {
		for _, text := range typePatterns(phase) {
			if _, err := Compile(Rule{App: "shop", Phase: phase, Events: []string{text}}, registry()); err != nil {
				t.Errorf("suggested pattern does not compile: %v", err)
			}
		}
	}
}

func TestMatch_HostileTypeIsOneWord(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"message.**"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	if m.Match(after(event.Type("message" + strings.Repeat(".a", 1<<20)))) {
		t.Error("a type of a million words matches")
	}
}

func TestIndex_Places(t *testing.T) {
	t.Parallel()
	var ms []*Matcher
	for _, r := range []Rule{
		{App: "shop"},
		{App: "other"},
		{App: "shop", Events: []string{"message.*"}},
		{App: "shop", Sources: []string{"src"}},
	} {
		m, err := Compile(r, registry())
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m, nil)
	}
	x := NewIndex(ms)
	for range 3 { // cold and remembered
		if diff := cmp.Diff([]int{0, 4, 6}, x.Match(after(event.MessageSend))); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		ev := after(event.GroupCreate)
		ev.Source = "elsewhere"
		if diff := cmp.Diff([]int{0}, x.Match(ev)); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		ev.Phase = event.Before
		if got := x.Match(ev); got != nil {
			t.Errorf("places of a before-event = %v, want none", got)
		}
	}
}

// What nobody has any more is forgotten: a gateway that reads its configuration
// again and again does not grow.
func TestCompiler_ForgetsWhatNoRuleHas(t *testing.T) {
	t.Parallel()
	c := NewCompiler(registry())
	kept, err := c.Compile(Rule{App: "shop", Events: []string{"message.*"}, When: `event.actor.id == "kept"`})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if _, err := c.Compile(Rule{App: "shop", When: fmt.Sprintf(`event.actor.id == "u%d"`, i)}); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			runtime.GC()
		}
	}
	if n := len(c.conditions.made); n > 250 {
		t.Errorf("%d conditions are remembered of rules that are gone", n)
	}
	again, err := c.Compile(Rule{App: "other", Events: []string{"message.*"}, When: `event.actor.id == "kept"`})
	if err != nil || again.when != kept.when || again.selection != kept.selection {
		t.Errorf("what a rule has was made again (%v)", err)
	}
	runtime.KeepAlive(kept)
}

func TestMatcher_StringTellsRulesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i, r := range []Rule{
		{App: "shop"},
		{App: "other"},
		{App: "shop", Phase: event.Before},
		{App: "shop", Events: []string{"message.*"}},
		{App: "shop", Events: []string{"message.*", "group.**"}},
		{App: "shop", Sources: []string{"a", "b"}},
		{App: "shop", Sources: []string{`a" "b`}},
		{App: "shop", When: "event.echo"},
		{App: "shop", When: "!event.echo"},
	} {
		for range 2 {
			m, err := Compile(r, registry())
			if err != nil {
				t.Fatal(err)
			}
			if first, ok := seen[m.String()]; ok && first != i {
				t.Errorf("rules %d and %d are both %s", first, i, m)
			}
			seen[m.String()] = i
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d texts of 9 rules", len(seen))
	}
}
