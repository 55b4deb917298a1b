package attempts

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store in memory.
type memory struct {
	mu    sync.Mutex
	pages [][]byte
	at    []time.Time
}

func (m *memory) Keep(_ context.Context, page []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages, m.at = append(m.pages, bytes.Clone(page)), append(m.at, time.Now())
	return nil
}

func (m *memory) Page(_ context.Context, seq uint64) ([]byte, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq == 0 || seq > uint64(len(m.pages)) {
		return nil, time.Time{}, gateway.ErrNoPage
	}
	return m.pages[seq-1], m.at[seq-1], nil
}

func (m *memory) Bounds(context.Context) (first, last uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return 1, uint64(len(m.pages)), nil
}

func attempt(id string, change ...func(*gateway.Attempt)) gateway.Attempt {
	a := gateway.Attempt{
		Endpoint: "shop/backend", N: 1, At: time.Now(),
		Event:   &event.Event{ID: id, App: "shop", Source: "im", Type: event.MessageSend, Lane: "group:g1", Raw: event.Raw{Dialect: "openim", Body: []byte("{}")}},
		Outcome: gateway.Outcome{Kind: gateway.Delivered, Status: 200, Took: 1500 * time.Microsecond},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func failed(why gateway.Reason) func(*gateway.Attempt) {
	return func(a *gateway.Attempt) {
		a.Outcome = gateway.Outcome{
			Kind: gateway.Retry, Reason: why, Status: 503, Detail: "answered 503", RetryAfter: 2 * time.Second,
			Exchange: &gateway.Exchange{URL: "http://b/m", Request: "{}", Status: 503, Head: "Retry-After: 2", Response: "later"},
		}
	}
}

func start(t *testing.T, sample int) *Log {
	t.Helper()
	l, err := New(Config{Store: &memory{}, Sample: sample})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// found are the events of what q finds, newest first.
func found(t *testing.T, l *Log, q Query) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	f, err := l.Find(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range f.Entries {
		ids = append(ids, e.Event)
	}
	return strings.Join(ids, " ")
}

func TestRecord_FailuresWholeAndSuccessesSampled(t *testing.T) {
	t.Parallel()
	for sample, want := range map[int]string{0: "bad", 1: "bad 4 3 2 1 0", 3: "bad 3 0"} {
		synctest.Test(t, func(t *testing.T) {
			l := start(t, sample)
			for n := range 5 {
				l.Record(attempt(fmt.Sprint(n)))
			}
			l.Record(attempt("bad", failed(gateway.ReasonStatus5xx), func(a *gateway.Attempt) { a.N, a.Repeat = 3, event.Replayed }))
			<-time.After(2 * chronicle.Linger)
			synctest.Wait()
			if got := found(t, l, Query{}); got != want {
				t.Errorf("one in %d: %q, want %q", sample, got, want)
			}
			f, err := l.Find(t.Context(), Query{Event: "bad", Limit: 1})
			if err != nil || len(f.Entries) != 1 {
				t.Fatalf("found %+v, %v", f, err)
			}
			e := f.Entries[0]
			e.At = time.Time{}
			a := attempt("bad", failed(gateway.ReasonStatus5xx))
			if diff := cmp.Diff(&Entry{
				Event: "bad", App: "shop", Source: "im", Type: event.MessageSend, Lane: "group:g1",
				Endpoint: "shop/backend", Attempt: 3, Repeat: event.Replayed,
				Outcome: gateway.Retry, Reason: gateway.ReasonStatus5xx, Status: 503, Detail: "answered 503", RetryAfter: 2, Exchange: a.Outcome.Exchange,
			}, e); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
			if err := l.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFind_Narrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := start(t, 1)
		l.Record(attempt("a"))
		l.Record(attempt("b", failed(gateway.ReasonTimeout)))
		<-time.After(time.Hour)
		middle := time.Now()
		l.Record(attempt("c", failed(gateway.ReasonDNS), func(a *gateway.Attempt) { a.Endpoint = "shop/other" }))
		l.Record(attempt("d", func(a *gateway.Attempt) { a.Event.Lane, a.Event.Type = "group:g2", event.GroupCreate }))
		<-time.After(time.Second)
		synctest.Wait()
		for _, tt := range []struct {
			q    Query
			want string
		}{
			{Query{}, "d c b a"},
			{Query{Endpoint: "shop/other"}, "c"},
			{Query{Endpoint: "shop"}, ""},
			{Query{Event: "a"}, "a"},
			{Query{Lane: "group:g2"}, "d"},
			{Query{Reason: gateway.ReasonTimeout}, "b"},
			{Query{Outcome: gateway.Delivered}, "d a"},
			{Query{Since: middle}, "d c"},
			{Query{Until: middle.Add(-time.Minute)}, "b a"},
			{Query{Match: func(ev *event.Event) bool { return ev.Type == event.GroupCreate }}, "d"},
			{Query{Limit: 2}, "d c"},
		} {
			if got := found(t, l, tt.q); got != tt.want {
				t.Errorf("%+v finds %q, want %q", tt.q, got, tt.want)
			}
		}
		_ = l.Stop(t.Context())
	})
}

func TestNew_NeedsAStore(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{}, {Store: &memory{}, Sample: -1}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New took %+v", cfg)
		}
	}
}

// BenchmarkRecord is what a delivery pays.
func BenchmarkRecord(b *testing.B) {
	l, err := New(Config{Store: &memory{}, Sample: 100})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Stop(context.Background()) })
	a := attempt("a")
	b.ReportAllocs()
	for b.Loop() {
		l.Record(a)
	}
}
