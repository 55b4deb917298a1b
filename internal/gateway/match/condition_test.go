package match

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

// written is a message with about everything in it.
func written() *event.Event {
	yes := true
	return &event.Event{
		ID: "e1", App: "shop", Source: "src", Type: event.MessageSend, Phase: event.After,
		Time: time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC), Dialect: "easemob", Command: "chat:user:single",
		Lane: "group:g1", Links: []string{"l1"}, Echo: true,
		Actor:        &event.Actor{ID: "alice", Admin: true, Platform: "ios"},
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
		Message: &event.Message{
			Kind: event.Text, Text: "Grüße aus Köln", SentAt: time.Date(2026, 11, 20, 8, 29, 0, 0, time.UTC),
			Media: &event.Media{Size: 2048, Seconds: 1.5}, Custom: &event.Payload{Base64: []byte("abc")},
			Mentions: &event.Mentions{Users: []string{"bob", "carol"}},
			Parts:    []event.Message{{Kind: event.Text}, {Kind: event.Image, Media: &event.Media{Size: 9}}},
		},
		Group:   &event.Group{Muted: &yes, MemberCount: 3, Attributes: map[string]string{"tier": "gold"}},
		Members: []event.Member{{ID: "bob", Role: "admin"}, {ID: "carol"}},
		Vendor:  []byte(`{"chat_type":"groupchat","n":9007199254740993,"f":1.5,"ok":true,"none":null,"deep":{"list":[1,{"x":"y"}]}}`),
	}
}

func ask(t *testing.T, when string, ev *event.Event) (bool, error) {
	t.Helper()
	c, err := newCondition(when)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	s := newSubject(ev, registry())
	defer s.free()
	yes, err := c.holds(s)
	// The shortcut over comparisons must not change anything.
	env, ast := compiled(t, when)
	prog, perr := program(env, ast)
	if perr != nil {
		t.Fatal(perr)
	}
	if slow, slowErr := (&condition{prog: prog}).holds(s); slow != yes || (slowErr == nil) != (err == nil) {
		t.Errorf("%s = %v, %v with its comparison, %v, %v without", when, yes, err, slow, slowErr)
	}
	return yes, err
}

func compiled(t *testing.T, when string) (*cel.Env, *cel.Ast) {
	t.Helper()
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(when)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	return env, ast
}

func TestCondition_Holds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		when string
		// of is for the full message, bare for an event with nothing but a type.
		of, bare bool
	}{
		{`true`, true, true},
		{`event.message.kind == "text"`, true, false},
		{`"text" == event.message.kind`, true, false},
		{`event.message.kind != "text"`, false, true},
		{`event.message.kind in ["image", "text"]`, true, false},
		{`event.type in ["message.send", "message.edit"]`, true, true},
		{`event.type.startsWith("message.")`, true, true},
		{`event.phase == "after" && event.app == "shop" && event.source == "src"`, true, true},
		{`event.id == "e1" && event.dialect == "easemob" && event.command.startsWith("chat:")`, true, false},
		{`event.lane == "group:g1" && event.links == ["l1"] && event.echo`, true, false},
		{`event.time > timestamp("2026-11-20T08:00:00Z") && event.time.getHours() == 8`, true, false},
		{`event.time.getHours("Asia/Shanghai") == 16`, true, false},
		{`event.time - event.message.sentAt == duration("1m")`, true, true}, // both zero on the second: false, see below
		{`event.actor.id == "alice" && event.actor.admin && !event.actor.system`, true, false},
		{`event.conversation.kind == "group"`, true, false},
		{`event.message.text.contains("Köln")`, true, false},
		{`event.message.text.matches("^Gr.ße")`, true, false},
		{`event.message.text.size() == 14`, true, false},
		{`event.message.text.lowerAscii() == "grüße aus köln"`, true, false},
		{`event.message.media.size > 1024 && event.message.media.seconds >= 1.5`, true, false},
		{`event.message.media.seconds > 1`, true, false},
		{`event.message.custom.base64 == b"abc"`, true, false},
		{`"bob" in event.message.mentions.users`, true, false},
		{`event.message.parts.exists(p, p.kind == "image" && p.media.size == 9)`, true, false},
		{`event.message.parts[1].kind == "image"`, true, false},
		{`event.group.muted`, true, false},
		{`event.group.memberCount < 10`, true, true},
		{`event.group.attributes.tier == "gold"`, true, false},
		{`event.group.attributes["tier"] == "gold"`, true, false},
		{`event.group.attributes.none == ""`, true, true},
		{`"tier" in event.group.attributes && size(event.group.attributes) == 1`, true, false},
		{`has(event.group.attributes.tier) && !has(event.group.attributes.none)`, true, false},
		{`event.members.exists(m, m.id == "carol")`, true, false},
		{`event.members.all(m, m.role == "admin")`, false, true},
		{`event.members[0].role == "admin"`, true, false},
		{`size(event.members) == 2`, true, false},
		{`event.members.map(m, m.id).join(",") == "bob,carol"`, true, false},
		{`has(event.message)`, true, false},
		{`has(event.message.media) && has(event.message.media.size)`, true, false},
		{`has(event.message.location)`, false, false},
		{`has(event.message.location.title)`, false, false},
		{`has(event.thread) || has(event.members)`, true, false},
		{`has(event.group.muted)`, true, false},
		{`event.message.location.latitude == 0.0`, true, true},
		{`event.vendor.chat_type == "groupchat"`, true, false},
		{`event.vendor["chat_type"] == "groupchat"`, true, false},
		{`event.vendor.n == 9007199254740993`, true, false},
		{`event.vendor.f == 1.5 && event.vendor.ok == true`, true, false},
		{`event.vendor.deep.list[1].x == "y"`, true, false},
		{`event.vendor.deep == {"list": [1, {"x": "y"}]}`, true, false},
		{`event.vendor.nowhere.deeper.still == "x"`, false, false},
		{`event.vendor.nowhere != "x"`, true, true},
		{`has(event.vendor.chat_type) && !has(event.vendor.nowhere) && has(event.vendor.none)`, true, false},
		{`"chat_type" in event.vendor && !("x" in event.vendor) && !("x" in event.vendor.nowhere)`, true, false},
		{`event.vendor.exists(name, name == "deep")`, true, false},
		{`event.vendor.deep.list.exists(v, v == 1)`, true, false},
		{`size(event.vendor) == 6 && size(event.vendor.nowhere) == 0`, true, false},
		{`event.message == event.message && event == event`, true, true},
		{`event.members[0] == event.members[1]`, false, false},
		{`event.actor.id == "bob" && event.vendor.nowhere > 3`, false, false},
		{`event.vendor.nowhere > 3 && event.actor.id == "bob"`, false, false},
		{`event.message.kind == "image" ? event.actor.id == "bob" : event.actor.id == "alice"`, true, false},
		{"event.message.kind == \"text\"\n  && event.actor.id == \"alice\" // only hers", true, false},
		{`event.message.kind in []`, false, false},
	} {
		yes, err := ask(t, tt.when, written())
		if err != nil || yes != tt.of {
			t.Errorf("%s = %v, %v, want %v", tt.when, yes, err, tt.of)
		}
		if strings.Contains(tt.when, "[0]") || strings.Contains(tt.when, "[1].") {
			continue // of a list that is empty there: TestCondition_Fails
		}
		if strings.Contains(tt.when, "sentAt") {
			tt.bare = false
		}
		yes, err = ask(t, tt.when, after(event.MessageSend))
		if err != nil || yes != tt.bare {
			t.Errorf("%s of an event without bodies = %v, %v, want %v", tt.when, yes, err, tt.bare)
		}
	}
}

func TestCondition_Fails(t *testing.T) {
	t.Parallel()
	long := written()
	long.Message.Text = strings.Repeat("a", 1<<20)
	for _, tt := range []struct {
		when string
		ev   *event.Event
		want string
	}{
		{`event.members[2].id == "x"`, written(), "index out of bounds"},
		{`event.members[0].id == "x"`, after(event.MessageSend), "index out of bounds"},
		{`event.vendor.nowhere > 3`, written(), "no such overload"},
		{`event.vendor.n.startsWith("9")`, written(), "no such overload"},
		{`int(event.message.text) > 1`, written(), "type conversion error"},
		{`event.message.text.matches("(a+)+(b+)+$")`, long, "cost limit exceeded"},
		{`event.message.text.matches(event.actor.id + "((a{1,100}){1,100}){1,100}")`, written(), "regex"},
		{
			`[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, a+b+c+d+e > 0)))))`,
			written(), "cost limit exceeded",
		},
	} {
		yes, err := ask(t, tt.when, tt.ev)
		if yes || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %v, %v, want an error with %q", tt.when, yes, err, tt.want)
		}
	}
}

func TestCheckCondition_SaysWhereAndWhatWasMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		when         string
		line, column int
		want         string
	}{
		{" ", 1, 1, "it is empty; write a condition or leave it out"},
		{`event.mesage.kind == "text"`, 1, 7, `event has no mesage; did you mean "event.message"?`},
		{`event.message.txt == "x"`, 1, 15, `event.message has no txt; did you mean "event.message.text"?`},
		{"true\n && event.message.txt == \"x\"", 2, 19, `event.message has no txt; did you mean "event.message.text"?`},
		{`event.text == "x"`, 1, 7, `event has no text; did you mean event.message.text or event.friend.text or event.moment.text?`},
		{`event.kind == "text"`, 1, 7, `event has no kind; did you mean event.conversation.kind or event.message.kind or event.group.kind?`},
		{`event.longitude == 1.0`, 1, 7, `event has no longitude; there are id, app`},
		{`has(event.mesage)`, 1, 11, `event has no mesage; did you mean "event.message"?`},
		{`event.members.exists(m, m.rol == "x")`, 1, 27, `m has no rol; did you mean "m.role"?`},
		{`event.members[0].rol == "x"`, 1, 18, `event.members[0] has no rol; did you mean "event.members[0].role"?`},
		{`evnt.message.kind == "text"`, 1, 1, `there is no evnt; did you mean "event"?`},
		{`message.kind == "text"`, 1, 1, `there is no message; write event.message`},
		{`type == "message.send"`, 1, 6, `type alone is a word of the language; write event.type`},
		{`kind == "text"`, 1, 1, `there is no kind; did you mean event.conversation.kind or event.message.kind or event.group.kind?`},
		{`somethingelse == "text"`, 1, 1, `there is no somethingelse; conditions are about event`},
		{`event.message.text.startWith("x")`, 1, 20, `there is no function startWith; did you mean "startsWith"?`},
		{`sise(event.members) > 1`, 1, 1, `there is no function sise; did you mean "size"?`},
		{`event.message.kind = "text"`, 1, 20, `a single = means nothing here; write == to compare`},
		{`event.echo and true`, 1, 12, `write && for and`},
		{`event.echo & true`, 1, 12, `write && for and`},
		{`event.echo | true`, 1, 12, `write || for or`},
		{`not event.echo`, 1, 5, `write ! for not`},
		{`event.message.kind == "text`, 1, 23, `this text has no end; close it with "`},
		{`event.message.kind == `, 1, 23, `something is missing at the end`},
		{`(event.echo`, 1, 12, `something is missing at the end`},
		{`event.echo)`, 1, 11, `")" is not expected here`},
		{`event.echo # really`, 1, 12, `"#" means nothing here`},
		{`event.message.kind == 1`, 1, 20, `== does not take string and int`},
		{`event.message.text + 1 == "x"`, 1, 20, `+ does not take string and int`},
		{`"Köln" == event.mesage`, 1, 17, `event has no mesage; did you mean "event.message"?`},
		{`event.message.text`, 1, 1, `it is a string, not a yes or no; compare it with something, or ask has()`},
		{`event.message`, 1, 1, `it is a Message, not a yes or no`},
		{`event.vendor.ok`, 1, 1, `it may be anything, not only a yes or no`},
		{`event.message && true`, 1, 6, `it is a Message where a bool is needed; compare it with something, or ask has()`},
		{`!event.message.text`, 1, 1, `! does not take string`},
		{`has(event)`, 1, 5, `has() asks about a field: has(event.message)`},
		{`event.message.kind == "txt"`, 1, 23, `"txt" is no kind of message; did you mean "text"?`},
		{`event.message.kind in ["text", "sticker"]`, 1, 32, `"sticker" is no kind of message; there are text, image`},
		{`event.message.parts.exists(p, p.kind == "picture")`, 1, 41, `"picture" is no kind of message`},
		{`event.type == "mesage.send"`, 1, 15, `"mesage.send" is no type; did you mean "message.send"?`},
		{`"im.message.send" == event.type`, 1, 1, `types are written without "im." here: "message.send"`},
		{`event.conversation.kind == "grup"`, 1, 28, `"grup" is no kind of conversation; did you mean "group"?`},
		{`event.phase != "befor"`, 1, 16, `"befor" is no phase; did you mean "before"?`},
		{`event.message != null`, 1, 18, `nothing of an event is null; write has() to ask whether it is there`},
		{`event.message.text.matches("a(")`, 1, 28, "\"a(\" is no regular expression: missing closing ): `a(`"},
		{`event.time > timestamp("2026-13-01T00:00:00Z")`, 1, 24, `"2026-13-01T00:00:00Z" is no time; write 2026-11-20T08:00:00Z`},
		{`event.time - duration("5 minutes") > event.time`, 1, 23, `"5 minutes" is no duration; write 90s, 5m or 72h`},
		{`event.message == Message{text: "x"}`, 1, 25, `a condition asks, it cannot make a Message`},
		{"event.echo &&\n\xff", 2, 1, `this is not UTF-8`},
		{strings.Repeat("x", maxCondition+1), 1, 1, `it has 4097 characters, at most 4096 are read`},
		{strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300), 1, 0, ``},
	} {
		err := CheckCondition(tt.when)
		e, ok := errors.AsType[*ConditionError](err)
		if !ok {
			t.Errorf("%s: error = %v, want a ConditionError", tt.when, err)
			continue
		}
		line, column := e.Position()
		if line != tt.line || column != tt.column && tt.column != 0 || !strings.HasPrefix(e.Error(), tt.want) {
			t.Errorf("%s\n got %d:%d %s\nwant %d:%d %s", tt.when, line, column, e, tt.line, tt.column, tt.want)
		}
	}
	if err := CheckCondition(""); err != nil {
		t.Errorf("no condition: %v", err)
	}
	_, err := Compile(Rule{App: "shop", When: "event.echo &&\n event.x"}, registry())
	if err == nil || !strings.HasPrefix(err.Error(), "compiling rule: condition, line 2, column 8: event has no x") {
		t.Errorf("Compile = %v, want the place", err)
	}
}

// Whatever the canonical JSON form of an event holds, a condition can name.
func TestCondition_SeesTheCanonicalForm(t *testing.T) {
	t.Parallel()
	s, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"id", "app", "source", "type", "phase", "time", "dialect", "generation", "command", "trace", "tracestate", "lane", "links", "echo",
		"actor", "conversation", "message", "user", "friend", "group", "members", "chatroom", "channel", "conference",
		"presence", "receipt", "reaction", "thread", "moderation", "moment", "report", "vendor",
	}
	if diff := cmp.Diff(want, s.root.names); diff != "" {
		t.Errorf("fields of an event (-want +got):\n%s", diff)
	}
	bodies := 0
	for _, r := range s.byName {
		for _, f := range r.fields {
			if f.name == "" || f.get == nil || f.isSet == nil || f.typ == nil {
				t.Errorf("%s.%s cannot be read", r.name, f.name)
			}
			if f.body {
				bodies++
			}
		}
	}
	if bodies != 18 {
		t.Errorf("%d fields are bodies, want 18", bodies)
	}
}

// Whether evaluations are counted depends on what a condition could cost.
func TestCondition_OnlyCostlyOnesAreCounted(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]bool{
		`event.message.kind == "text" && (event.actor.admin || !has(event.group))`: true,
		`event.actor.id in ["a", "b"] && event.group.memberCount > 3`:              true,
		`event.message.media.size > 1024`:                                          true,
		`event.members.exists(m, m.id == "x")`:                                     false,
		`event.message.text.matches("a+b+c+d+e+")`:                                 false,
	} {
		if got := cheap(compiled(t, when)); got != want {
			t.Errorf("%s is cheap: %v, want %v", when, got, want)
		}
	}
}
