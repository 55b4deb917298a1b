package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func TestSettle_BringsVerdictsIntoTheirForms(t *testing.T) {
	t.Parallel()
	ev := &event.Event{Members: []event.Member{{ID: "ann"}, {ID: "bo"}}}
	refused := func(ids ...string) (all []event.Refusal) {
		for i, id := range ids {
			all = append(all, event.Refusal{ID: id, Code: i + 1, Reason: "no " + id})
		}
		return all
	}
	rename := &event.Changes{Group: &event.Group{Name: "x"}}
	for _, tt := range []struct {
		name    string
		v, want event.Verdict
	}{
		{"allow", event.Allowed(), event.Allowed()},
		{"allow with nothing changed", event.Verdict{Action: event.Allow, Changes: &event.Changes{}}, event.Allowed()},
		{"allow with words of the vendor", event.Verdict{Action: event.Allow, Changes: &event.Changes{Vendor: []byte(`{"pass":2}`)}}, event.Verdict{Action: event.Allow, Changes: &event.Changes{Vendor: []byte(`{"pass":2}`)}}},
		{"allow with a code", event.Verdict{Action: event.Allow, Code: 7, Reason: "fine"}, event.Allowed()},
		{"one refused", event.Verdict{Action: event.Allow, Refused: refused("bo")}, event.Verdict{Action: event.Allow, Refused: refused("bo")}},
		{"all refused", event.Verdict{Action: event.Allow, Refused: refused("bo", "ann")}, event.Verdict{Action: event.Deny, Code: 1, Reason: "no bo"}},
		{"one refused twice", event.Verdict{Action: event.Allow, Refused: refused("bo", "bo")}, event.Verdict{Action: event.Allow, Refused: refused("bo", "bo")}},
		{"all refused beside a rewrite", event.Verdict{Action: event.Rewrite, Changes: rename, Refused: refused("bo", "ann")}, event.Verdict{Action: event.Deny, Code: 1, Reason: "no bo"}},
		{"deny", event.Verdict{Action: event.Deny, Code: 7, Reason: "no", Changes: rename}, event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}},
		{"deny in the words for a member", event.Verdict{Action: event.Deny, Refused: refused("bo")}, event.Verdict{Action: event.Deny, Code: 1, Reason: "no bo"}},
		{"drop", event.Verdict{Action: event.Drop, Reason: "quiet"}, event.Verdict{Action: event.Drop}},
		{"rewrite", event.Verdict{Action: event.Rewrite, Changes: rename}, event.Verdict{Action: event.Rewrite, Changes: rename}},
	} {
		got, err := dialect.Settle(ev, tt.v)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	for name, v := range map[string]event.Verdict{
		"none":                   {},
		"an unknown one":         {Action: "maybe"},
		"an allow that rewrites": {Action: event.Allow, Changes: rename},
		"refusal of a stranger":  {Action: event.Allow, Refused: refused("zoe")},
		"of all and a stranger":  {Action: event.Allow, Refused: refused("ann", "bo", "zoe")},
		"of nobody's empty name": {Action: event.Rewrite, Changes: rename, Refused: refused("")},
	} {
		if got, err := dialect.Settle(ev, v); !errors.Is(err, dialect.ErrUncarried) {
			t.Errorf("%s: %+v, %v; want ErrUncarried", name, got, err)
		}
	}
	if _, err := dialect.Settle(nil, event.Verdict{Action: event.Allow, Refused: refused("ann")}); !errors.Is(err, dialect.ErrUncarried) {
		t.Errorf("without an event: %v", err)
	}
}

func TestDenial_IsQuietAfterADrop(t *testing.T) {
	t.Parallel()
	got := dialect.Denial(event.Verdict{Action: event.Drop, Code: 3, Reason: "quiet"})
	if diff := cmp.Diff(event.Verdict{Action: event.Deny}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLost_NamesWhatDidNotComeThrough(t *testing.T) {
	t.Parallel()
	base := event.Message{
		ID: "m1", Kind: event.Image, Code: "3", Text: "t", Media: &event.Media{URL: "u", Width: 3},
		Custom: &event.Payload{Name: "n", Data: `{"a":1,"b":2}`}, Extra: `{"x":1}`,
		Parts: []event.Message{{Kind: event.Text, Text: "a"}, {Kind: event.Text, Text: "b"}},
	}
	for field, change := range map[string]func(*event.Message){
		"kind":     func(m *event.Message) { m.Kind = event.File },
		"text":     func(m *event.Message) { m.Text = "T" },
		"media":    func(m *event.Message) { m.Media = &event.Media{URL: "u"} },
		"custom":   func(m *event.Message) { m.Custom = nil },
		"mentions": func(m *event.Message) { m.Mentions = &event.Mentions{All: true} },
		"push":     func(m *event.Message) { m.Push = &event.Push{Content: "p"} },
		"options":  func(m *event.Message) { m.Options = &event.MessageOptions{Transient: true} },
		"extra":    func(m *event.Message) { m.Extra = "" },
		"parts":    func(m *event.Message) { m.Parts = m.Parts[:1] },
	} {
		got := base
		change(&got)
		if lost := dialect.Lost(&base, &got); lost != field {
			t.Errorf("Lost = %q, want %q", lost, field)
		}
	}
	same := base
	same.ID, same.Code = "m2", "RC:ImgMsg"
	same.Media = &event.Media{URL: "u", Width: 3, Height: 4, Thumbnail: "s"}
	same.Custom = &event.Payload{Name: "n", Data: `{ "b": 2, "a": 1 }`}
	same.Mentions, same.Push = &event.Mentions{Users: []string{}}, &event.Push{}
	if lost := dialect.Lost(&base, &same); lost != "" {
		t.Errorf("Lost = %q of what is not asked for", lost)
	}
	big, other := base, base
	big.Extra, other.Extra = `{"x":9007199254740993}`, `{"x":9007199254740992}`
	if dialect.Lost(&big, &other) != "extra" {
		t.Error("two great numbers are taken for one")
	}
}

func TestMisses_NamesTheFieldAsJSONHasIt(t *testing.T) {
	t.Parallel()
	got := &event.Group{Name: "a", Owner: "ann"}
	for want, field := range map[*event.Group]string{
		{Name: "a"}:                "",
		{}:                         "",
		{Name: "b"}:                "name",
		{Name: "a", MaxMembers: 3}: "maxMembers",
		{Attributes: map[string]string{"k": "v"}}: "attributes",
	} {
		if missed := dialect.Misses(want, got); missed != field {
			t.Errorf("Misses(%+v) = %q, want %q", *want, missed, field)
		}
	}
	if dialect.Misses(&event.Group{Name: "a"}, nil) != "name" {
		t.Error("nil has what is asked for")
	}
}

func TestOversize_SaysBothNumbers(t *testing.T) {
	t.Parallel()
	err := dialect.Oversize("easemob", "text", "bytes", 1204, 1024)
	if !errors.Is(err, dialect.ErrUncarried) || !strings.HasSuffix(err.Error(), "text of 1,204 bytes is over easemob's 1,024") {
		t.Errorf("%v", err)
	}
	if err := dialect.Oversize("x", "text", "bytes", 1234567, 999); !strings.Contains(err.Error(), "1,234,567") || !strings.HasSuffix(err.Error(), " 999") {
		t.Errorf("%v", err)
	}
}

func TestOnlyWords(t *testing.T) {
	t.Parallel()
	for vendor, want := range map[string]string{
		"": "", `{}`: "", `{"pass":2}`: "", `{"pass":2,"b":1,"a":1}`: `"a"`, `[]`: "no JSON object", `null`: "no JSON object", `{"pass"`: "no JSON object",
	} {
		err := dialect.OnlyWords("rongcloud", []byte(vendor), "pass")
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, dialect.ErrUncarried) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", vendor, err, want)
		}
	}
}

func TestTarget_AskedIn(t *testing.T) {
	t.Parallel()
	ev := &event.Event{Dialect: "openim", Generation: "v2.0"}
	for _, tt := range []struct{ generation, name, want string }{
		{"v3.5", "openim", "v3.5"},
		{"", "openim", "v2.0"},
		{"auto", "openim", "v2.0"},
		{"auto", "rongcloud", ""},
		{"v3.5", "rongcloud", "v3.5"},
	} {
		if got := (dialect.Target{Generation: tt.generation}).Asked(ev, tt.name); got != tt.want {
			t.Errorf("Asked(%q, %q) = %q, want %q", tt.generation, tt.name, got, tt.want)
		}
	}
	if got := (dialect.Target{}).Asked(nil, "openim"); got != "" {
		t.Errorf("of no event: %q", got)
	}
}

// TestSettle_RewriteIntoTheSameIsAnAllow: what is left out of a message stays, and what
// is emptied in it does not.
func TestSettle_RewriteIntoTheSameIsAnAllow(t *testing.T) {
	t.Parallel()
	text := &event.Event{Message: &event.Message{ID: "1", Kind: event.Text, Code: "1", Text: "hi", Extra: "x", Push: &event.Push{Title: "t"}}}
	file := &event.Event{Message: &event.Message{Kind: event.File, Media: &event.Media{URL: "u", Name: "n"}, Mentions: &event.Mentions{Users: []string{"ann"}}}}
	parts := &event.Event{Message: &event.Message{Kind: event.Text, Text: "a", Parts: []event.Message{{Kind: event.Text, Text: "a"}, {Kind: event.Text, Text: "b"}}}}
	group := &event.Event{Group: &event.Group{ID: "g", Name: "n"}}
	message := func(m event.Message) *event.Changes { return &event.Changes{Message: &m} }
	for _, tt := range []struct {
		name string
		ev   *event.Event
		c    *event.Changes
		want event.Action
	}{
		{"the same text", text, message(event.Message{Kind: event.Text, Text: "hi"}), event.Allow},
		{"and the same of all else", text, message(*text.Message), event.Allow},
		{"another text", text, message(event.Message{Text: "ho"}), event.Rewrite},
		{"no text", text, message(event.Message{Kind: event.Text}), event.Rewrite},
		{"another kind", text, message(event.Message{Kind: event.Custom, Text: "hi"}), event.Rewrite},
		{"another code", text, message(event.Message{Code: "2", Text: "hi"}), event.Rewrite},
		{"another extra", text, message(event.Message{Text: "hi", Extra: "y"}), event.Rewrite},
		{"a push without title", text, message(event.Message{Text: "hi", Push: &event.Push{}}), event.Rewrite},
		{"that push alone", text, &event.Changes{Push: &event.Push{}}, event.Rewrite},
		{"the same push", text, &event.Changes{Push: &event.Push{Title: "t"}}, event.Allow},
		{"a group that there is not", text, &event.Changes{Group: &event.Group{}}, event.Rewrite},
		{"words of the vendor", text, &event.Changes{Message: text.Message, Vendor: []byte(`{}`)}, event.Rewrite},
		{"nothing said", text, &event.Changes{}, event.Rewrite},
		{"nothing at all", text, nil, event.Rewrite},
		{"a file whose text is not said", file, message(event.Message{Kind: event.File}), event.Allow},
		{"a file without its name", file, message(event.Message{Kind: event.File, Media: &event.Media{URL: "u"}}), event.Rewrite},
		{"a file that mentions nobody", file, message(event.Message{Kind: event.File, Mentions: &event.Mentions{Users: []string{}}}), event.Rewrite},
		{"a file with options", file, message(event.Message{Options: &event.MessageOptions{Transient: true}}), event.Rewrite},
		{"the first part", parts, message(event.Message{Kind: event.Text, Text: "a"}), event.Allow},
		{"all parts", parts, message(*parts.Message), event.Allow},
		{"one part fewer", parts, message(event.Message{Kind: event.Text, Text: "a", Parts: parts.Message.Parts[:1]}), event.Rewrite},
		{"the second part changed", parts, message(event.Message{Kind: event.Text, Text: "a", Parts: []event.Message{{Kind: event.Text, Text: "a"}, {Kind: event.Text, Text: "c"}}}), event.Rewrite},
		{"the same group", group, &event.Changes{Group: &event.Group{ID: "g", Name: "n"}}, event.Allow},
		{"a group without its name", group, &event.Changes{Group: &event.Group{ID: "g"}}, event.Rewrite},
		{"without an event", nil, message(event.Message{Text: "hi"}), event.Rewrite},
	} {
		got, err := dialect.Settle(tt.ev, event.Verdict{Action: event.Rewrite, Changes: tt.c})
		if err != nil || got.Action != tt.want || (got.Action == event.Allow && got.Changes != nil) {
			t.Errorf("%s: %s %+v, %v; want %s", tt.name, got.Action, got.Changes, err, tt.want)
		}
	}
}
