package match

import (
	"fmt"
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
