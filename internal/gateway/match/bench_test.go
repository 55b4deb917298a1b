package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imhook/imhook/event"
)

// BenchmarkIndex_Match is what an event costs when one of so many rules matches.
func BenchmarkIndex_Match(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		ms := make([]*Matcher, n)
		for i := range ms {
			m, err := Compile(Rule{App: "shop", Events: []string{"message.*"}, Sources: []string{fmt.Sprintf("src%d", i)}}, registry())
			if err != nil {
				b.Fatal(err)
			}
			ms[i] = m
		}
		var evs []*event.Event
		for i := range 64 {
			ev := in("easemob", "chat:user:single", event.MessageSend)
			ev.Source = fmt.Sprintf("src%d", i%n)
			evs = append(evs, ev)
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			x := NewIndex(ms)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if len(x.Match(evs[i%len(evs)])) != 1 {
					b.Fatal("want one")
				}
				i++
			}
		})
		b.Run(fmt.Sprintf("cold/rules=%d", n), func(b *testing.B) {
			x := NewIndex(ms)
			b.ReportAllocs()
			for b.Loop() {
				if len(x.find(evs[0])) != 1 {
					b.Fatal("want one")
				}
			}
		})
	}
}

func BenchmarkMatcher_Match(b *testing.B) {
	m, err := Compile(Rule{App: "shop", Events: []string{"message.*", "group.**", "easemob:muc:kick"}}, registry())
	if err != nil {
		b.Fatal(err)
	}
	ev := in("tencent", "x", event.ConferenceJoin)
	b.ReportAllocs()
	for b.Loop() {
		if m.Match(ev) {
			b.Fatal("want none")
		}
	}
}

// ruleSets are rules of which exactly one matches an event of source src0, by
// name.
func ruleSets(n int) map[string][]Rule {
	sets := map[string][]Rule{}
	for i := range n {
		source := []string{fmt.Sprintf("src%d", i)}
		sets["no condition"] = append(sets["no condition"], Rule{App: "shop", Sources: source})
		sets["one for all"] = append(sets["one for all"], Rule{App: "shop", Sources: source, When: `event.message.kind == "text"`})
		// One rule has no source: the conditions alone tell them apart.
		sets["each its own"] = append(sets["each its own"], Rule{App: "shop", When: fmt.Sprintf(`event.message.kind == "text" && event.group.id == "g%d"`, i)})
		sets["each its own, no comparison"] = append(sets["each its own, no comparison"], Rule{App: "shop", When: fmt.Sprintf(`event.group.id.endsWith("g%d.")`, i)})
	}
	return sets
}

// BenchmarkIndex_Conditions is what an event costs when one of so many rules
// matches, by how the rules tell events apart.
func BenchmarkIndex_Conditions(b *testing.B) {
	ev := in("easemob", "chat:user:single", event.MessageSend)
	ev.Source, ev.Group = "src0", &event.Group{ID: "g0"}
	ev.Message = &event.Message{Kind: event.Text}
	for _, n := range []int{10, 10_000} {
		for _, name := range []string{"no condition", "one for all", "each its own", "each its own, no comparison"} {
			ev.Group.ID = "g0"
			if name == "each its own, no comparison" {
				ev.Group.ID = "g0."
				if n > 10 {
					n = 1000
				}
			}
			c := NewCompiler(registry())
			var ms []*Matcher
			for _, r := range ruleSets(n)[name] {
				m, err := c.Compile(r)
				if err != nil {
					b.Fatal(err)
				}
				ms = append(ms, m)
			}
			x := NewIndex(ms)
			b.Run(fmt.Sprintf("%s/rules=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if len(x.Match(ev)) != 1 {
						b.Fatal("want one")
					}
				}
			})
		}
	}
}

// BenchmarkCondition is one evaluation beside the same predicate in Go.
func BenchmarkCondition(b *testing.B) {
	ev := written()
	for _, tt := range []struct {
		name, when string
		byHand     func(ev *event.Event) bool
	}{
		{
			"comparison", `event.message.kind == "text"`,
			func(ev *event.Event) bool { return ev.Message != nil && ev.Message.Kind == event.Text },
		},
		{
			"and", `event.message.kind == "text" && event.actor.admin && event.group.memberCount < 10`,
			func(ev *event.Event) bool {
				return ev.Message != nil && ev.Message.Kind == event.Text && ev.Actor != nil && ev.Actor.Admin &&
					(ev.Group == nil || ev.Group.MemberCount < 10)
			},
		},
		{
			"contains", `event.message.text.contains("Köln")`,
			func(ev *event.Event) bool { return ev.Message != nil && strings.Contains(ev.Message.Text, "Köln") },
		},
		{
			"exists", `event.members.exists(m, m.id == "carol")`,
			func(ev *event.Event) bool {
				return slices.ContainsFunc(ev.Members, func(m event.Member) bool { return m.ID == "carol" })
			},
		},
	} {
		c, err := newCondition(tt.when)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(tt.name+"/condition", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := newSubject(ev, nil)
				if yes, err := c.holds(s); !yes || err != nil {
					b.Fatal(yes, err)
				}
				s.free()
			}
		})
		b.Run(tt.name+"/by hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !tt.byHand(ev) {
					b.Fatal("want true")
				}
			}
		})
	}
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newCondition(`event.message.kind == "text" && event.group.id == "g1"`); err != nil {
				b.Fatal(err)
			}
		}
	})
}
