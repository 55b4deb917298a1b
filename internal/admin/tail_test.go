package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// followed is a journal that can be followed, and grows.
type followed struct {
	pages

	mu    sync.Mutex
	grown chan struct{}
	// through is closed when somebody who follows is through with a page.
	through map[uint64]chan struct{}
}

// read is closed when somebody who follows is through with that page.
func (f *followed) read(seq uint64) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.through == nil {
		f.through = map[uint64]chan struct{}{}
	}
	if f.through[seq] == nil {
		f.through[seq] = make(chan struct{})
	}
	return f.through[seq]
}

func newFollowed() *followed { return &followed{pages: *threePages(), grown: make(chan struct{})} }

func (f *followed) Bounds(ctx context.Context) (first, last, bytes uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pages.Bounds(ctx)
}

func (f *followed) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pages.Page(ctx, seq)
}

// grow adds a page with these events.
func (f *followed) grow(evs ...*event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &gateway.Page{Seq: f.first + uint64(len(f.list)), Time: noon, Events: evs})
	close(f.grown)
	f.grown = make(chan struct{})
}

func (f *followed) follow(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for next := from; ; {
		f.mu.Lock()
		grown := f.grown
		f.mu.Unlock()
		page, err := f.Page(ctx, next)
		if err == nil {
			fn(page) // it is taken when this returns, and shown before anything else is
			next = page.Seq + 1
			through := f.read(page.Seq)
			f.mu.Lock()
			select {
			case <-through:
			default:
				close(through)
			}
			f.mu.Unlock()
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-grown:
		}
	}
}

// heardOf are outcomes that a test tells.
type heardOf struct {
	mu      sync.Mutex
	some    []admin.Outcome
	missed  int
	changed chan struct{}
}

func (h *heardOf) Read() admin.OutcomeReader { return h }
func (h *heardOf) Close()                    {}

func (h *heardOf) Take() (some []admin.Outcome, missed int, more <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	some, missed = h.some, h.missed
	h.some, h.missed = nil, 0
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return some, missed, h.changed
}

func (h *heardOf) tell(missed int, some ...admin.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.some, h.missed = append(h.some, some...), h.missed+missed
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

func tried(id, lane string, outcome gateway.OutcomeKind) admin.Outcome {
	return admin.Outcome{Attempt: &attempts.Entry{
		Event: id, App: "shop", Source: "im", Type: "message.send", Lane: event.Lane(lane), Endpoint: "shop/backend", Attempt: 1, Outcome: outcome, At: noon,
	}}
}

func ruled(id, user string, verdict event.Action) admin.Outcome {
	return admin.Outcome{Decision: &trail.Entry{
		Event:   &event.Event{ID: id, App: "shop", Source: "im", Type: "message.send", Phase: event.Before, Lane: "group:g1", Actor: &event.Actor{ID: user}},
		Verdict: verdict, At: noon, Cause: gateway.CauseHook,
	}}
}

// tailing is an API whose journal and outcomes a test makes.
func tailing(t *testing.T, change func(*admin.Config)) (*followed, *heardOf, func(path string, headers ...string) *bufio.Reader) {
	t.Helper()
	f, h := newFollowed(), &heardOf{}
	srv := streamed(t, func(c *admin.Config) {
		c.Journal, c.Follow, c.Outcomes = f, f.follow, h
		c.Current().Apps[0].Endpoints = []config.Endpoint{{Name: "backend", Events: []string{"group.create"}}}
		c.Select = func(_ string, s gateway.Selection) (func(*event.Event) bool, error) {
			return func(ev *event.Event) bool { return len(s.Types) == 0 || string(ev.Type) == s.Types[0] }, nil
		}
		if change != nil {
			change(c)
		}
	})
	return f, h, func(path string, headers ...string) *bufio.Reader {
		res := follow(t, srv, path, headers...)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s answered %s", path, res.Status)
		}
		return bufio.NewReader(res.Body)
	}
}

// said is an event of a stream in short.
func said(e streamEvent) string {
	var v struct {
		ID    string       `json:"id"`
		Event any          `json:"event"`
		Out   string       `json:"outcome"`
		Ruled event.Action `json:"verdict"`
		Why   string       `json:"why"`
	}
	_ = json.Unmarshal([]byte(e.data), &v)
	what := v.ID + v.Why
	switch id := v.Event.(type) {
	case string:
		what = id
	case map[string]any:
		what = fmt.Sprint(id["id"])
	}
	return strings.Join(strings.Fields(e.name+" "+what+" "+v.Out+string(v.Ruled)), " ")
}

func nextFew(t *testing.T, in *bufio.Reader, n int) (all []string) {
	t.Helper()
	for range n {
		all = append(all, said(next(t, in)))
	}
	return all
}

func TestTail_EventsAndWhatComesOfThem(t *testing.T) {
	t.Parallel()
	f, h, open := tailing(t, nil)
	in := open("/api/v1/tail")
	if e := next(t, in); e.name != "begin" || e.id != fmt.Sprint(uint64(gateway.NewPos(9, 0)-1)) {
		t.Fatalf("it begins with %+v", e)
	}
	f.grow(&event.Event{ID: "n1", App: "shop", Type: "message.send"}, &event.Event{ID: "n2", App: "shop", Type: "message.send"})
	first, second := next(t, in), next(t, in)
	if said(first) != "event n1" || said(second) != "event n2" || first.id != fmt.Sprint(uint64(gateway.NewPos(9, 0))) {
		t.Fatalf("then %+v, %+v", first, second)
	}
	h.tell(0, tried("n1", "", gateway.Delivered), ruled("b1", "alice", event.Deny))
	if diff := cmp.Diff([]string{"attempt n1 delivered", "decision b1 deny"}, nextFew(t, in, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.tell(7)
	if got := said(next(t, in)); got != "missed 7 outcomes came faster than they were read; events are never left out" {
		t.Errorf("of those that were missed it says %q", got)
	}
	// Who goes on behind the first one gets the second one and all that came since.
	f.grow(&event.Event{ID: "n3", App: "shop", Type: "message.send"})
	again := open("/api/v1/tail", "Last-Event-ID", first.id)
	if diff := cmp.Diff([]string{"begin", "event n2", "event n3"}, nextFew(t, again, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Who goes on before all that is kept is told.
	again = open("/api/v1/tail", "Last-Event-ID", "0")
	want := []string{"begin", "missed the journal no longer has all that came since: it begins later", "event e1"}
	if diff := cmp.Diff(want, nextFew(t, again, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTail_Narrows(t *testing.T) {
	t.Parallel()
	evs := []*event.Event{
		{ID: "a1", App: "shop", Type: "message.send", Phase: event.After, Lane: "group:g1", Actor: &event.Actor{ID: "alice"}},
		{ID: "a2", App: "shop", Type: "group.create", Phase: event.After, Lane: "group:g2", Actor: &event.Actor{ID: "bob"}},
		{ID: "o1", App: "other", Type: "message.send", Phase: event.After, Lane: "group:g3", Actor: &event.Actor{ID: "eve"}},
	}
	outcomes := []admin.Outcome{
		tried("a1", "group:g1", gateway.Delivered), tried("a2", "group:g2", gateway.Retry), ruled("b1", "alice", event.Deny), ruled("b2", "bob", event.Allow),
	}
	for query, want := range map[string][]string{
		"":                                    {"event a1", "event a2", "event o1", "attempt a1 delivered", "attempt a2 retry", "decision b1 deny", "decision b2 allow"},
		"type=group.create":                   {"event a2"},
		"conversation=group:g1&phase=after":   {"event a1", "attempt a1 delivered"},
		"endpoint=backend":                    {"event a2", "attempt a1 delivered", "attempt a2 retry"},
		"endpoint=shop/backend&outcome=retry": {"attempt a2 retry"},
		"user=alice":                          {"event a1", "attempt a1 delivered", "decision b1 deny"},
		"user=alice&outcome=delivered":        {"attempt a1 delivered"},
		"app=other":                           {"event o1"},
		"phase=before":                        {"decision b1 deny", "decision b2 allow"},
		"outcome=allow":                       {"decision b2 allow"},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			f, h, open := tailing(t, nil)
			in := open("/api/v1/tail?" + query)
			if got := said(next(t, in)); got != "begin" {
				t.Fatalf("it begins with %v", got)
			}
			f.grow(evs...)
			<-f.read(9)
			h.tell(0, outcomes...)
			var got []string
			e := next(t, in)
			for ; e.name != "missed"; e = next(t, in) {
				if got = append(got, said(e)); len(got) == len(want) {
					h.tell(1) // everybody hears that
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTail_RefusesInWords(t *testing.T) {
	t.Parallel()
	f := newFollowed()
	srv := streamed(t, func(c *admin.Config) { c.Journal, c.Follow = f, f.follow })
	for query, want := range map[string]string{
		"outcome=fine":     `outcome is \"fine\"; write one of delivered, retry, refused, misconfigured, allow, deny, drop, rewrite`,
		"phase=during":     `phase is \"during\"; write one of before, after`,
		"endpoint=shop/no": "there is no endpoint shop/no; write app/endpoint, as imhook endpoints shows it",
		"since=yesterday":  `since is \"yesterday\"`,
		"conversations=a":  `unknown parameter \"conversations\"`,
	} {
		res := follow(t, srv, "/api/v1/tail?"+query)
		body, _ := bufio.NewReader(res.Body).ReadString(0)
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s answered %s %s, want %s", query, res.Status, body, want)
		}
	}
	res := follow(t, srv, "/api/v1/tail", "Last-Event-ID", "x")
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("a cursor that is none: %s", res.Status)
	}
}
