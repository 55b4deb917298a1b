package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// eventsEnv says how many events [BenchmarkSearch] looks in; without it there are few, so
// that it shows no more than that it runs.
const eventsEnv = "IMHOOK_BENCH_EVENTS"

func benchEvents(b *testing.B) int {
	b.Helper()
	text := os.Getenv(eventsEnv)
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("%s is %q; write a number of at least 1000", eventsEnv, text)
	}
	return n
}

// generated is a journal that makes its events when they are read: those of n events in
// pages of perPage, always the same.
type generated struct{ n int }

const (
	perPage = 64
	// One million users write in 200,000 groups and to each other.
	benchUsers  = 1_000_000
	benchGroups = 200_000
)

func (g *generated) last() uint64 { return uint64((g.n + perPage - 1) / perPage) }

func (g *generated) Page(_ context.Context, seq uint64) (*gateway.Page, error) {
	seq = max(seq, 1)
	if seq > g.last() {
		return nil, gateway.ErrNoPage
	}
	p := &gateway.Page{Seq: seq, Time: began.Add(time.Duration(seq) * 64 * time.Millisecond), Bytes: perPage << 10}
	for i := range perPage {
		if n := int(seq-1)*perPage + i; n < g.n {
			p.Events = append(p.Events, benchEvent(n))
		}
	}
	return p, nil
}

func (g *generated) Bounds(context.Context) (first, last, bytes uint64, err error) {
	return 1, g.last(), 0, nil
}

func (g *generated) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for seq := from; seq <= g.last() && ctx.Err() == nil; seq++ {
		p, err := g.Page(ctx, seq)
		if err != nil {
			return err
		}
		fn(p)
	}
	<-ctx.Done()
	return ctx.Err()
}

// benchEvent is event n: of a hundred, 60 are messages in groups, 30 between two, and 10
// people who join or leave. Some users and groups have far more than others.
func benchEvent(n int) *event.Event {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	user := func() string { return "u" + strconv.Itoa(int(float64(benchUsers)*r.Float64()*r.Float64()*r.Float64())) }
	g := "g" + strconv.Itoa(int(float64(benchGroups)*r.Float64()*r.Float64()))
	ev := &event.Event{
		ID: fmt.Sprintf("e%025x", uint64(n)*0x9e3779b97f4a7c15), App: "shop", Source: "im", Phase: event.After, Time: began.Add(time.Duration(n) * time.Millisecond),
		Dialect: "openim", Actor: &event.Actor{ID: user()},
	}
	switch kind := r.IntN(100); {
	case kind < 90:
		c := group(g)
		ev.Command = "callbackAfterSendGroupMsgCommand"
		if kind >= 60 {
			c, ev.Command = event.Direct(ev.Actor.ID, user()), "callbackAfterSendSingleMsgCommand"
		}
		id := messageID(n)
		ev.Type, ev.Conversation, ev.Lane = event.MessageSend, &c, c.Lane()
		ev.Message, ev.Links = &event.Message{ID: id, Kind: event.Text, Text: "hello"}, []string{"message:" + id}
	default:
		ev.Type, ev.Command, ev.Lane = event.GroupMemberJoin, "callbackAfterJoinGroupCommand", event.NewLane(event.KindGroup, g)
		ev.Group = &event.Group{ID: g}
		for range 1 + r.IntN(4) {
			ev.Members = append(ev.Members, event.Member{ID: user()})
		}
	}
	return ev
}

func messageID(n int) string { return strconv.FormatUint(uint64(n)*2654435761+1<<60, 10) }

// BenchmarkSearch looks for what people look for, each time for something else.
func BenchmarkSearch(b *testing.B) {
	for _, db := range databases() {
		b.Run(db.name, func(b *testing.B) { benchSearch(b, db.of(b)) })
	}
}

func benchSearch(b *testing.B, place func(*Config)) {
	b.Helper()
	n := benchEvents(b)
	w := newWorld()
	c := w.config()
	c.Journal, c.Bytes, c.idle, c.wait = &generated{n: n}, 8<<30, func() float64 { return 1000 }, 0
	c.Restore = func(ev *event.Event) (*event.Event, error) { return ev, nil }
	place(&c)
	h, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	h.Start()
	defer func() {
		if err := h.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for s := h.Status(); s.State != Current || s.Events < n; s = h.Status() {
		if s.Trouble != "" && s.Trouble != notOpen {
			b.Fatal(s.Words())
		}
		<-tick.C
	}
	took := time.Since(begin)
	s := h.Status()
	b.Logf("%d events written in %v (%.0f/s), %d bytes each, %d segments", n, took.Round(time.Second), float64(n)/took.Seconds(), s.Bytes/int64(n), s.Segments)
	r := rand.New(rand.NewPCG(1, 2))
	some := func() *event.Event { return benchEvent(r.IntN(n)) }
	message := func() *event.Event {
		for {
			if ev := some(); ev.Message != nil {
				return ev
			}
		}
	}
	for _, bench := range []struct {
		name string
		q    func() Query
	}{
		{"message", func() Query { return Query{ID: message().Message.ID} }},
		{"event", func() Query { return Query{ID: some().ID} }},
		{"user", func() Query { return Query{User: some().Actor.ID} }},
		{"conversation", func() Query { return Query{Conversation: some().Lane} }},
		{"anything", func() Query { return Query{Words: []string{message().Message.ID}} }},
		{"user and type", func() Query { return Query{User: some().Actor.ID, Type: "group.**"} }},
		{"type and hour", func() Query {
			at := some().Time
			return Query{Type: "group.member.join", Since: at.Add(-time.Hour), Until: at}
		}},
		{"nothing", func() Query { return Query{User: "nobody-" + strconv.Itoa(r.IntN(1<<30))} }},
		{"newest", func() Query { return Query{} }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var all []time.Duration
			for b.Loop() {
				q := bench.q()
				q.Limit = 50
				begin := time.Now()
				f, err := h.Search(b.Context(), q, patterns)
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, time.Since(begin))
				if len(f.Hits) == 0 && bench.name != "nothing" && bench.name != "user and type" {
					b.Fatalf("%+v found nothing", q)
				}
			}
			slices.Sort(all)
			ms := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))]) / 1e6 }
			b.ReportMetric(ms(0.5), "p50-ms")
			b.ReportMetric(ms(0.99), "p99-ms")
		})
	}
}

// BenchmarkRecord is what a delivery pays for being noted.
func BenchmarkRecord(b *testing.B) {
	h := &History{}
	a := gateway.Attempt{Endpoint: "shop/backend", Pos: 1 << 16, N: 1, Outcome: gateway.Outcome{Kind: gateway.Delivered}}
	b.ReportAllocs()
	var back []ended
	for i := 0; b.Loop(); i++ {
		h.Record(a)
		if i%4096 == 0 {
			back, _ = h.endings.take(back)
		}
	}
}
