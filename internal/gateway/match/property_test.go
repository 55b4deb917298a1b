package match

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// naive says what a pattern means, by way of a regular expression.
func naive(text string, t event.Type) bool {
	words := strings.Split(text, ".")
	re := "^"
	for i, w := range words {
		last := i == len(words)-1
		switch {
		case w == "**" && last:
			re += `([^.]*\.)*[^.]*`
		case w == "**":
			re += `([^.]*\.)*`
		case w == "*" && last:
			re += `[^.]*`
		case w == "*":
			re += `[^.]*\.`
		case last:
			re += regexp.QuoteMeta(w)
		default:
			re += regexp.QuoteMeta(w) + `\.`
		}
	}
	return t != "" && regexp.MustCompile(re+"$").MatchString(string(t))
}

func drawType() *rapid.Generator[event.Type] {
	known := event.Catalogue()
	return rapid.Custom(func(t *rapid.T) event.Type {
		if rapid.Bool().Draw(t, "known") {
			return rapid.SampledFrom(known).Draw(t, "entry").Type
		}
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"message", "group", "member", "join", "send", "x"}), 1, 6).Draw(t, "words")
		return event.Type(strings.Join(words, "."))
	})
}

func drawPattern() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"*", "**", "message", "group", "member", "join", "send"}), 1, 6).Draw(t, "words")
		return strings.Join(words, ".")
	})
}

func TestPattern_MeansWhatTheNaiveOneMeans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, typ := drawPattern().Draw(t, "pattern"), drawType().Draw(t, "type")
		p, err := event.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.Match(typ), naive(text, typ); got != want {
			t.Fatalf("%q on %q = %v, want %v", text, typ, got, want)
		}
	})
}

func TestIndex_AgreesWithItsMatchers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var ms []*Matcher
		for range rapid.IntRange(0, 8).Draw(t, "rules") {
			r := Rule{App: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app")}
			r.Events = rapid.SliceOfN(rapid.SampledFrom([]string{
				"**", "message.*", "group.**", "**.join", "message.send", "easemob:muc:kick", "tencent:C2C.CallbackAfterSendMsg",
			}), 0, 3).Draw(t, "events")
			r.Sources = rapid.SliceOfN(rapid.SampledFrom([]string{"s1", "s2"}), 0, 2).Draw(t, "sources")
			r.When = drawCondition().Draw(t, "when")
			m, err := Compile(r, registry())
			if err != nil {
				t.Fatal(err)
			}
			ms = append(ms, m)
		}
		x := NewIndex(ms)
		for n := range 20 {
			ev := &event.Event{
				App:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "app"),
				Source:  rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(t, "source"),
				Phase:   rapid.SampledFrom([]event.Phase{event.Before, event.After}).Draw(t, "phase"),
				Dialect: rapid.SampledFrom([]string{"easemob", "tencent", ""}).Draw(t, "dialect"),
				Command: rapid.SampledFrom([]string{"muc:kick", "C2C.CallbackAfterSendMsg", ""}).Draw(t, "command"),
				Type:    drawType().Draw(t, "type"),
			}
			drawBodies(t, ev)
			before := *ev
			var want []int
			for i, m := range ms {
				if m.Match(ev) {
					want = append(want, i)
				}
			}
			for range 2 {
				if got := x.Match(ev); !slices.Equal(got, want) {
					t.Fatalf("Match(%+v) = %v, want %v", ev, got, want)
				}
			}
			for i, m := range ms {
				if n > 2 {
					break // explaining takes its time
				}
				if e := m.Explain(ev); e.Matched != slices.Contains(want, i) || e.Matched != (e.Failed == "") || e.Why == "" {
					t.Fatalf("Explain(%+v) = %+v, want what Match says", ev, e)
				}
			}
			if diff := cmp.Diff(&before, ev); diff != "" {
				t.Fatalf("the event was changed:\n%s", diff)
			}
		}
	})
}

// drawCondition draws none, or some of a few parts.
func drawCondition() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var when string
		for i := range rapid.IntRange(0, 4).Draw(t, "parts") {
			if i > 0 {
				when += rapid.SampledFrom([]string{" && ", " && ", " || "}).Draw(t, "operator")
			}
			if rapid.IntRange(0, 4).Draw(t, "not") == 0 {
				when += "!"
			}
			when += "(" + rapid.SampledFrom([]string{
				`event.group.id == "g1"`, `event.group.id == "g2"`, `"g3" == event.group.id`, `event.group.id in ["g1", "g2", ""]`,
				`event.actor.id == "alice"`, `event.actor.id in ["bob"]`, `event.message.kind == "text"`, `event.lane == "group:g1"`,
				`event.actor.id != "alice"`, `has(event.message)`, `event.vendor.x == "y"`, `event.vendor.x > 1`,
				`event.members[0].id == "m"`, `event.members.exists(m, m.id == "m")`, `true`, `false`,
			}).Draw(t, "part") + ")"
		}
		return when
	})
}

func drawBodies(t *rapid.T, ev *event.Event) {
	id := rapid.SampledFrom([]string{"g1", "g2", "g3", "g4", ""})
	if rapid.Bool().Draw(t, "group") {
		ev.Group = &event.Group{ID: id.Draw(t, "id")}
	}
	if rapid.Bool().Draw(t, "actor") {
		ev.Actor = &event.Actor{ID: rapid.SampledFrom([]string{"alice", "bob", ""}).Draw(t, "actor id")}
	}
	if rapid.Bool().Draw(t, "message") {
		ev.Message = &event.Message{Kind: rapid.SampledFrom([]event.ContentKind{event.Text, event.Image}).Draw(t, "kind")}
	}
	if rapid.Bool().Draw(t, "members") {
		ev.Members = []event.Member{{ID: rapid.SampledFrom([]string{"m", "n"}).Draw(t, "member")}}
	}
	ev.Vendor = rapid.SampledFrom([]jsontext.Value{nil, jsontext.Value(`{"x":"y"}`), jsontext.Value(`{"x":2}`), jsontext.Value(`{]`)}).Draw(t, "vendor")
	ev.Lane = event.Lane("group:" + id.Draw(t, "lane"))
}

func TestIndex_ConcurrentUseAndBound(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"easemob:muc:kick"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	x := NewIndex([]*Matcher{m})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range maxEntries {
				ev := in("easemob", fmt.Sprintf("invented:%d:%d", w, i), event.VendorUnknown)
				if got := x.Match(ev); got != nil {
					t.Errorf("Match(%s) = %v, want none", ev.Command, got)
				}
				if got := x.Match(in("easemob", "muc:kick", event.GroupMemberKick)); len(got) != 1 {
					t.Errorf("Match(muc:kick) = %v, want one", got)
				}
			}
		})
	}
	wg.Wait()
	x.cache.mu.Lock()
	defer x.cache.mu.Unlock()
	if n := len(*x.cache.known.Load()) + len(x.cache.fresh); n > maxEntries {
		t.Errorf("%d entries are remembered, want at most %d", n, maxEntries)
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"**", "message.*", "group.**.join", "easemob:muc:kick", "a..b", "***", "im.x", "", "*.**.*"} {
		f.Add(s, "group.member.join")
	}
	f.Fuzz(func(t *testing.T, text, typ string) {
		if isVendorPattern(text) {
			if m, err := Compile(Rule{App: "a", Events: []string{text}}, registry()); (m == nil) == (err == nil) {
				t.Fatalf("Compile(%q) = %v, %v", text, m, err)
			}
			return
		}
		p, err := event.ParsePattern(text)
		if err != nil {
			if p.String() != "" || p.Match(event.Type(typ)) {
				t.Fatalf("ParsePattern(%q) = %v beside the error %v", text, p, err)
			}
			return
		}
		if len(text) > 200 || len(typ) > 200 || strings.ContainsAny(typ, "\n\r") || typ == "" {
			return
		}
		if got, want := p.Match(event.Type(typ)), naive(text, event.Type(typ)); got != want {
			t.Fatalf("%q on %q = %v, want %v", text, typ, got, want)
		}
	})
}

// FuzzCondition: whatever somebody writes is compiled or refused with a place
// inside the text, and what compiles never panics and agrees with its explanation.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{
		"", " ", "true", `event.message.kind == "text"`, `event.mesage == 1`, "event.echo &&\n  event.x", `event.members.exists(m, m.rol == "x")`,
		`event.vendor.a.b[0].c != 1.5`, `event.message.text.matches("(")`, `"é" == evnt`, `not x`, `[1,2].all(a, a > event.vendor.x)`,
		`event.type in ["message.send", "x"]`, `{"a": event}.a == event`, `event.message == Message{}`, "((((", "\xff", "'", "`", "event.time.getHours() > 8",
		`event.group.attributes["x"] == ''`, "has(event.group.muted)", "size(event) > 1", "dyn(event).id == 'x'", `string(event.vendor) == ""`,
		`type(event) == Event`, `event.links.map(l, l + "x").join("") == b"x"`, `"%d".format([event])  == ""`, `timestamp(event.id) > event.time`,
	} {
		f.Add(s)
	}
	full, bare := written(), after(event.GroupCreate)
	f.Fuzz(func(t *testing.T, text string) {
		err := CheckCondition(text)
		if err != nil {
			e, ok := errors.AsType[*ConditionError](err)
			if !ok {
				t.Fatalf("%q: %v is no ConditionError", text, err)
			}
			lines := strings.Split(text, "\n")
			if e.Problem == "" || e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
				t.Fatalf("%q: %d:%d %q is no place in the text", text, e.Line, e.Column, e.Problem)
			}
			return
		}
		m, err := Compile(Rule{App: "shop", When: text}, registry())
		if err != nil {
			t.Fatalf("%q was checked and does not compile: %v", text, err)
		}
		for _, ev := range []*event.Event{full, bare} {
			costly := false
			m.failed = func(_ *event.Event, err error) {
				costly = costly || strings.Contains(err.Error(), "cost limit")
				if strings.Contains(err.Error(), "internal error") {
					t.Fatalf("%q panicked: %v", text, err)
				}
			}
			yes := m.Match(ev)
			if got := len(NewIndex([]*Matcher{m}).Match(ev)) == 1; got != yes {
				t.Fatalf("%q: index says %v, rule says %v", text, got, yes)
			}
			if e := m.Explain(ev); !costly && e.Matched != yes {
				t.Fatalf("%q: explanation says %+v, rule says %v", text, e, yes)
			}
		}
	})
}
