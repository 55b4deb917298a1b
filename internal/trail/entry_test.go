package trail

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func written(t *testing.T, d gateway.Decision) (*Entry, int) {
	t.Helper()
	b, err := appendEntry(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Parse(b)
	if err != nil {
		t.Fatalf("%v: %.300s", err, b)
	}
	return e, len(b)
}

func TestEntry_SaysWhatWasDecided(t *testing.T) {
	t.Parallel()
	d := message("a")
	d.Begin, d.Took = time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC), 2*time.Millisecond
	rewrite := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "hello *"}}}
	d.Hooks = []gateway.Asked{
		{Hook: "words", Verdict: rewrite, Cause: gateway.CauseHook, Took: time.Millisecond},
		{Hook: "mod", Verdict: event.Allowed(), Cause: gateway.CauseError, Reason: gateway.ReasonConnect, Detail: "connection refused", Took: 3 * time.Microsecond},
		{Hook: "new", Verdict: event.Verdict{Action: event.Deny, Reason: "spam"}, Cause: gateway.CauseHook, Status: 200, Shadow: true},
	}
	d.Verdict, d.Cause = rewrite, gateway.CauseError
	e, _ := written(t, d)
	want := &Entry{
		Event: e.Event, Links: []string{"msg:m-a", "seq:a"}, At: d.Begin, Took: 0.002,
		Verdict: event.Rewrite, By: "words", Cause: gateway.CauseHook,
		Hooks: []Part{
			{Hook: "words", Verdict: event.Rewrite, Cause: gateway.CauseHook, Took: 0.001},
			{Hook: "mod", Verdict: event.Allow, Cause: gateway.CauseError, Error: gateway.ReasonConnect, Detail: "connection refused", Took: 0.000003},
			{Hook: "new", Verdict: event.Deny, Reason: "spam", Cause: gateway.CauseHook, Status: 200, Shadow: true},
		},
		Changes: []Difference{{Path: "message.text", Before: []byte(`"hello a"`), After: []byte(`"hello *"`)}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	ev := *d.Event
	ev.Raw = event.Raw{}
	if diff := cmp.Diff(&ev, e.Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestEntry_NamesWhoDecided(t *testing.T) {
	t.Parallel()
	v := func(a event.Action) event.Verdict {
		v := event.Verdict{Action: a}
		if a == event.Rewrite {
			v.Changes = &event.Changes{Message: &event.Message{Text: "*"}}
		}
		return v
	}
	said := func(hook string, a event.Action) gateway.Asked {
		return gateway.Asked{Hook: hook, Verdict: v(a), Cause: gateway.CauseHook}
	}
	shadow, cancelled, instead, ignored := said("a", event.Deny), said("a", event.Allow), said("a", event.Rewrite), said("a", event.Drop)
	shadow.Shadow, cancelled.Cause, instead.Instead, ignored.Instead = true, gateway.CauseCancelled, event.Deny, event.Allow
	partly := said("a", event.Allow)
	partly.Verdict.Refused = []event.Refusal{{ID: "bob"}}
	for name, tt := range map[string]struct {
		verdict event.Verdict
		hooks   []gateway.Asked
		want    string
	}{
		"nobody":                     {v(event.Allow), nil, ""},
		"the last that let it pass":  {v(event.Allow), []gateway.Asked{said("a", event.Allow), said("b", event.Allow)}, "b"},
		"who denied":                 {v(event.Deny), []gateway.Asked{said("a", event.Allow), said("b", event.Deny)}, "b"},
		"who dropped, not who voted": {v(event.Drop), []gateway.Asked{said("a", event.Drop), {Hook: "b", Cause: gateway.CauseCancelled}}, "a"},
		"who rewrote last":           {v(event.Rewrite), []gateway.Asked{said("a", event.Rewrite), said("b", event.Rewrite), said("c", event.Allow)}, "b"},
		"who refused a member":       {partly.Verdict, []gateway.Asked{partly, said("b", event.Allow)}, "a"},
		"nobody in the shadow":       {v(event.Allow), []gateway.Asked{said("b", event.Allow), shadow}, "b"},
		"nobody who was cancelled":   {v(event.Allow), []gateway.Asked{said("b", event.Allow), cancelled}, "b"},
		"whose rewrite became deny":  {v(event.Deny), []gateway.Asked{instead}, "a"},
		"whose drop was ignored":     {v(event.Allow), []gateway.Asked{ignored, said("b", event.Allow)}, "b"},
		"not whose drop was ignored": {v(event.Rewrite), []gateway.Asked{ignored, said("b", event.Rewrite)}, "b"},
	} {
		d := message("x")
		d.Verdict, d.Hooks = tt.verdict, tt.hooks
		if e, _ := written(t, d); e.By != tt.want {
			t.Errorf("%s: by %q, want %q", name, e.By, tt.want)
		}
	}
}

func TestEntry_Differences(t *testing.T) {
	t.Parallel()
	ev := &event.Event{
		ID: "e", App: "shop", Source: "im", Type: event.MessageSend, Phase: event.Before,
		Message: &event.Message{ID: "m", Kind: event.Text, Text: "a", Extra: "x", Mentions: &event.Mentions{Users: []string{"bo"}}, Push: &event.Push{Content: "a"}},
		Group:   &event.Group{Name: "g", Attributes: map[string]string{"k": "1", "l": "2"}},
	}
	for name, tt := range map[string]struct {
		changes event.Changes
		want    string
	}{
		"a text alone":       {event.Changes{Message: &event.Message{Text: "b"}}, `message.text "a"→"b"`},
		"the same":           {event.Changes{Message: &event.Message{Text: "a", Kind: event.Text}}, ``},
		"something new":      {event.Changes{Message: &event.Message{Text: "a", Media: &event.Media{URL: "u", Size: 3}}}, `message.media.size →3; message.media.url →"u"`},
		"a list as a whole":  {event.Changes{Message: &event.Message{Mentions: &event.Mentions{All: true, Users: []string{"bo", "cy"}}}}, `message.mentions.all false→true; message.mentions.users ["bo"]→["bo","cy"]`},
		"inside an object":   {event.Changes{Group: &event.Group{Attributes: map[string]string{"k": "3"}}}, `group.attributes.k "1"→"3"`},
		"a body that is new": {event.Changes{Friend: &event.Friend{Alias: "z"}}, `friend.alias →"z"`},
		"a push":             {event.Changes{Push: &event.Push{Content: "q", Disabled: true}}, `message.push.content "a"→"q"; message.push.disabled →true`},
		"a push taken away":  {event.Changes{Push: &event.Push{}}, `message.push {"content":"a"}→{}`},
		"the vendor's words": {event.Changes{Vendor: []byte(`{"pass": 2}`)}, `vendor.pass →2`},
	} {
		var c cutter
		c.text = 512
		var got []string
		for _, d := range c.differences(ev, &tt.changes, 1<<10) {
			got = append(got, fmt.Sprintf("%s %s→%s", d.Path, string(d.Before), string(d.After)))
		}
		if text := strings.Join(got, "; "); text != tt.want || c.happened {
			t.Errorf("%s: %s, cut %v; want %s", name, text, c.happened, tt.want)
		}
	}
}

// TestEntry_IsBounded makes everything long that others may make long.
func TestEntry_IsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"text":     "长",
		"controls": "\x01", // six bytes each in JSON
		"invalid":  "\xff",
	} {
		for _, many := range []int{1, 100} {
			long := strings.Repeat(text, 20_000/many)
			d := message(long)
			ev := d.Event
			ev.Lane, ev.Command, ev.Actor.ID, ev.Message.Text, ev.Message.Extra = event.Lane(long), long, long, long, long
			ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: long}
			ev.Message.Custom = &event.Payload{Data: long, Base64: []byte(long)}
			ev.Links, ev.Members = nil, nil
			v := event.Verdict{Action: event.Rewrite, Reason: long, Changes: &event.Changes{
				Message: &event.Message{Text: long + "x", Extra: long + "y"}, Group: &event.Group{Name: long, Attributes: map[string]string{}},
			}}
			d.Verdict = v
			for i := range many {
				ev.Links = append(ev.Links, long)
				ev.Members = append(ev.Members, event.Member{ID: long})
				v.Refused = append(v.Refused, event.Refusal{ID: long, Reason: long})
				v.Changes.Group.Attributes[fmt.Sprint(i, long[:99])] = long
			}
			for i := range min(many, 100) {
				d.Hooks = append(d.Hooks, gateway.Asked{Hook: long, Verdict: v, Cause: gateway.CauseHook, Detail: long, Why: long, Shadow: i%2 > 0, Instead: event.Deny})
			}
			d.Verdict.Refused = v.Refused
			e, n := written(t, d)
			if n > maxEntry || !e.Cut {
				t.Errorf("%s, %d of each: %d bytes, cut %v; want at most %d, and that it says so", name, many, n, e.Cut, maxEntry)
			}
			if len(e.Hooks) == 0 || e.By == "" || len(e.Links) == 0 || len(e.Changes) == 0 {
				t.Errorf("%s, %d of each: %d hooks by %.10q, %d links, %d changes: nothing is left", name, many, len(e.Hooks), e.By, len(e.Links), len(e.Changes))
			}
		}
	}
}

func TestEntry_AllowedIsShortAndRefusedIsNot(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("字", 1300) // 3,900 bytes
	long := func(d *gateway.Decision) { d.Event.Message.Text = text }
	allowed, n := written(t, message("a", long))
	if got := allowed.Event.Message.Text; n > allowedEvent+1024 || !strings.HasPrefix(text, strings.TrimSuffix(got, ellipsis)) || !utf8.ValidString(got) || len(got) < 100 || !allowed.Cut {
		t.Errorf("allowed: %d bytes, text of %d, cut %v", n, len(got), allowed.Cut)
	}
	denied, _ := written(t, message("b", long, asked("h", event.Verdict{Action: event.Deny}, gateway.CauseHook)))
	if denied.Event.Message.Text != text || denied.Cut {
		t.Errorf("denied: text of %d bytes of %d, cut %v", len(denied.Event.Message.Text), len(text), denied.Cut)
	}
}
