package deliver

import (
	"context"
	"fmt"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway/match"
)

// BenchmarkDeliver_Rules measures what one event costs from the tail to the sender
// when one of so many endpoints gets it, with the rules that say so: narrowed by
// source, by one condition that all have, or by a condition of each one's own.
func BenchmarkDeliver_Rules(b *testing.B) {
	const perPage = 32
	page := make([]*event.Event, perPage)
	for i := range page {
		e := ev(fmt.Sprint(i%100), i)
		e.App, e.Source, e.Type, e.Phase = "a", "src0", event.MessageSend, event.After
		e.Message, e.Group = &event.Message{Kind: event.Text}, &event.Group{ID: "g0"}
		page[i] = e
	}
	for _, kind := range []struct {
		name string
		rule func(i int) match.Rule
	}{
		{"source", func(i int) match.Rule { return match.Rule{App: "a", Sources: []string{fmt.Sprintf("src%d", i)}} }},
		{"one condition", func(i int) match.Rule {
			return match.Rule{App: "a", Sources: []string{fmt.Sprintf("src%d", i)}, When: `event.message.kind == "text" && event.lane != ""`}
		}},
		{"own conditions", func(i int) match.Rule {
			return match.Rule{App: "a", When: fmt.Sprintf(`event.message.kind == "text" && event.group.id == "g%d"`, i)}
		}},
	} {
		for _, endpoints := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%s/endpoints=%d", kind.name, endpoints), func(b *testing.B) {
				j := newMemJournal()
				c := &counter{done: make(chan struct{})}
				eps := make([]Endpoint, endpoints)
				rules := make([]*match.Matcher, endpoints)
				compiler := match.NewCompiler(dialect.NewRegistry())
				for i := range eps {
					m, err := compiler.Compile(kind.rule(i))
					if err != nil {
						b.Fatal(err)
					}
					rules[i] = m
					eps[i] = Endpoint{App: "a", Name: fmt.Sprint(i), Match: m.Match, Sender: c}
				}
				d, err := New(Config{Endpoints: eps, Index: match.NewIndex(rules), Journal: j})
				if err != nil {
					b.Fatal(err)
				}
				if err := d.Start(b.Context()); err != nil {
					b.Fatal(err)
				}
				pages := (b.N + perPage - 1) / perPage
				c.left = pages * perPage
				b.ReportAllocs()
				b.ResetTimer()
				for range pages {
					j.add(page...)
				}
				<-c.done
				b.StopTimer()
				if err := d.Stop(context.Background()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
