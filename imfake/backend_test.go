package imfake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// once never posts again, so that a test sees each answer.
var once = &imfake.Policy{Timeout: 10 * time.Second}

func start(t *testing.T, cfg imfake.ServerConfig, options ...imfake.BackendOption) (*imfake.Backend, *imfake.Server) {
	t.Helper()
	b := imfake.NewBackend(toy{"toy"}, options...)
	t.Cleanup(b.Close)
	if cfg.Policy == nil {
		cfg.Policy = once
	}
	s := imfake.NewServer(toy{"toy"}, b.URL(), cfg)
	t.Cleanup(s.Close)
	return b, s
}

func post(t *testing.T, s *imfake.Server, command string, edits ...imfake.Edit) imfake.Answer {
	t.Helper()
	a, err := s.Post(t.Context(), command, edits...)
	if err != nil {
		t.Fatalf("Post(%s): %v", command, err)
	}
	return a
}

func TestBackend_RecordsInOrderOfArrival(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{}, imfake.BasePath("/callback"))
	for _, id := range []string{"m1", "m2", "m1", "m3"} {
		post(t, s, "say", imfake.Set("id", id))
	}
	post(t, s, "say", imfake.Set("id", "x1"), imfake.Set("group", "milk"))

	var got []string
	for i, r := range b.Received() {
		if r.N != i+1 || r.Request.Path != "/say" || r.Method != http.MethodPost {
			t.Errorf("request %d: N %d, %s %q; want N %d, POST /say", i, r.N, r.Method, r.Request.Path, i+1)
		}
		got = append(got, string(r.Lane())+" "+r.Events[0].ID)
	}
	want := []string{"group:tea m1", "group:tea m2", "group:tea m1", "group:tea m3", "group:milk x1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("received (-want +got):\n%s", d)
	}
	firsts := map[event.Lane][]string{"group:tea": {"m1", "m2", "m3"}, "group:milk": {"x1"}}
	if d := cmp.Diff(firsts, b.FirstSightings()); d != "" {
		t.Errorf("first sightings (-want +got):\n%s", d)
	}
	if b.Requests() != 5 || b.Events() != 4 || b.Duplicates() != 1 {
		t.Errorf("requests, events, duplicates = %d, %d, %d; want 5, 4, 1", b.Requests(), b.Events(), b.Duplicates())
	}
}

func TestBackend_AnswersAsScripted(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	b.Answer(func(n int, _ *imfake.Received) imfake.Reply { return imfake.Reply{Body: []byte{byte('0' + n)}} })
	b.Queue(imfake.Status(503), imfake.Reply{Status: 429, RetryAfter: 1500 * time.Millisecond})
	b.AnswerLane("group:milk", func(n int, _ *imfake.Received) imfake.Reply { return imfake.Status(400 + n) })
	b.QueueLane("group:milk", imfake.Reply{Drop: true})

	type answer struct {
		Status     int
		Body       string
		RetryAfter string
		Broken     bool
	}
	var got []answer
	for _, group := range []string{"milk", "tea", "milk", "tea", "tea"} {
		a := post(t, s, "say", imfake.Set("group", group))
		got = append(got, answer{a.Response.Status, string(a.Response.Body), a.Response.Header.Get("Retry-After"), a.Err != nil})
	}
	want := []answer{
		{Broken: true},
		{Status: 503},
		{Status: 402},
		{Status: 429, RetryAfter: "2"},
		{Status: 200, Body: "5"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}

	b.Answer(nil)
	if a := post(t, s, "say"); string(a.Response.Body) != "fine" || a.Response.ContentType != "text/toy" {
		t.Errorf("unscripted answer = %q of type %q, want the dialect's own", a.Response.Body, a.Response.ContentType)
	}
}

func TestBackend_AnswersBeforeEvents(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	b.Queue(imfake.Verdict(event.Verdict{Action: event.Deny}))
	for _, want := range []event.Action{event.Deny, event.Allow} {
		if a := post(t, s, "ask"); string(a.Response.Body) != string(want) {
			t.Errorf("answer = %q, want %q", a.Response.Body, want)
		}
	}
}

func TestBackend_RefusesWhatDoesNotVerify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	b, good := start(t, imfake.ServerConfig{Credentials: secret("right"), Now: func() time.Time { return now }},
		imfake.Credentials(secret("right")), imfake.Clock(func() time.Time { return now }))
	b.Queue(imfake.Status(299)) // must be left for the request that fits

	tests := []struct {
		name string
		cfg  imfake.ServerConfig
		want error
	}{
		{"unsigned", imfake.ServerConfig{Now: func() time.Time { return now }}, dialect.ErrSignature},
		{"wrong secret", imfake.ServerConfig{Credentials: secret("wrong"), Now: func() time.Time { return now }}, dialect.ErrSignature},
		{"stale", imfake.ServerConfig{Credentials: secret("right"), Now: func() time.Time { return now.Add(-time.Hour) }}, dialect.ErrStale},
	}
	for i, tt := range tests {
		tt.cfg.Policy = once
		s := imfake.NewServer(toy{"toy"}, b.URL(), tt.cfg)
		a := post(t, s, "say")
		s.Close()
		if a.Response.Status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", tt.name, a.Response.Status)
		}
		if r := b.Received()[i]; !errors.Is(r.VerifyErr, tt.want) || r.Events != nil {
			t.Errorf("%s: recorded %v with %d events, want %v and none", tt.name, r.VerifyErr, len(r.Events), tt.want)
		}
	}
	if a := post(t, good, "say", imfake.Body([]byte("["))); a.Response.Status != http.StatusBadRequest {
		t.Errorf("broken body: status %d, want 400", a.Response.Status)
	}
	if a := post(t, good, "say"); a.Response.Status != 299 {
		t.Errorf("good request: status %d, want the queued 299", a.Response.Status)
	}
	if b.Events() != 1 {
		t.Errorf("%d events, want 1", b.Events())
	}
}

func TestBackend_HoldsUntilReleased(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	release := make(chan struct{})
	b.Queue(imfake.Reply{Hold: release}, imfake.Reply{Hold: release})

	answers := make(chan imfake.Answer, 2)
	for range 2 {
		go func() {
			a, _ := s.Post(context.Background(), "say")
			answers <- a
		}()
	}
	if err := b.Wait(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answers:
		t.Fatalf("answered %d before the release", a.Response.Status)
	default:
	}
	close(release)
	for range 2 {
		if a := <-answers; !a.Accepted() {
			t.Errorf("answer = %d, %v; want 200", a.Response.Status, a.Err)
		}
	}
	if err := b.WaitAnswered(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if b.MostAtOnce() != 2 {
		t.Errorf("%d requests at once, want 2", b.MostAtOnce())
	}
}

func TestBackend_CloseReleasesWhatIsHeld(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	b.Queue(imfake.Reply{Hold: make(chan struct{})})
	answered := make(chan imfake.Answer, 1)
	go func() {
		a, _ := s.Post(context.Background(), "say")
		answered <- a
	}()
	if err := b.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- b.Wait(context.Background(), 2) }()
	b.Close()
	if a := <-answered; a.Err == nil {
		t.Errorf("held request was answered %d, want a broken connection", a.Response.Status)
	}
	if err := <-waited; !errors.Is(err, imfake.ErrClosed) {
		t.Errorf("wait ended with %v, want ErrClosed", err)
	}
}

func TestBackend_DripsSlowly(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{Policy: &imfake.Policy{Timeout: 100 * time.Millisecond}})
	b.Queue(imfake.Reply{Body: []byte("abc"), DripEvery: time.Microsecond}, imfake.Reply{Body: []byte("abc"), DripEvery: time.Hour})
	if a := post(t, s, "say"); string(a.Response.Body) != "abc" {
		t.Errorf("dripped body = %q (%v), want abc", a.Response.Body, a.Err)
	}
	if a := post(t, s, "say"); !errors.Is(a.Err, context.DeadlineExceeded) {
		t.Errorf("drip past the timeout: %v, want a deadline", a.Err)
	}
}

func TestBackend_WaitEndsWithContext(t *testing.T) {
	t.Parallel()
	b, _ := start(t, imfake.ServerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.WaitEvents(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitEvents = %v, want canceled", err)
	}
}

func TestBackend_KeepBoundsWhatIsKept(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{}, imfake.Keep(3))
	place := func(ev *event.Event) (uint64, bool) { return uint64(len(ev.ID)), true }
	for i := range 20 {
		post(t, s, "say", imfake.Set("id", strings.Repeat("m", i+1)))
		if i == 2 {
			if err := b.CheckOrder(place); err != nil {
				t.Errorf("order of what was kept: %v", err)
			}
		}
	}
	if got := b.Received(); len(got) != 3 || got[2].N != 20 {
		t.Errorf("%d requests kept, want the latest 3", len(got))
	}
	if b.Events() != 20 {
		t.Errorf("%d events, want 20", b.Events())
	}
	if err := b.CheckOrder(place); err == nil {
		t.Error("order of what was not kept: no error")
	}
}

func TestBackend_CheckOrderSeesDisorder(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	place := func(ev *event.Event) (uint64, bool) { return uint64(len(ev.ID)), ev.ID != "" }
	for _, id := range []string{"m", "mm", "m", "mmm"} {
		post(t, s, "say", imfake.Set("id", id))
	}
	if err := b.CheckOrder(place); err != nil {
		t.Errorf("a repeated event is no disorder: %v", err)
	}
	post(t, s, "say", imfake.Set("id", "nn"))
	if err := b.CheckOrder(place); err == nil {
		t.Error("place 2 after place 3 was not seen")
	}
}

// What is answered 503 has not been taken: a sender that then lets the lane's
// next event past it, or forgets it, must be found out.
func TestBackend_CountsEventsWhenTheyAreTaken(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	b.Queue(imfake.Status(503), imfake.Reply{}, imfake.Reply{Drop: true}, imfake.Reply{})
	place := func(ev *event.Event) (uint64, bool) { return uint64(len(ev.ID)), true }
	post(t, s, "say", imfake.Set("id", "m"), imfake.Set("text", imfake.Mark{Lane: 1, Seq: 1}.String()))
	if b.Requests() != 1 || b.Events() != 0 || b.Tally().Distinct() != 0 {
		t.Errorf("after a 503: %d requests, %d events, %d marks; want 1, 0, 0", b.Requests(), b.Events(), b.Tally().Distinct())
	}
	post(t, s, "say", imfake.Set("id", "mm"), imfake.Set("text", imfake.Mark{Lane: 1, Seq: 2}.String()))
	post(t, s, "say", imfake.Set("id", "m"), imfake.Set("text", imfake.Mark{Lane: 1, Seq: 1}.String()))
	if err := b.CheckOrder(place); err != nil || b.Events() != 1 {
		t.Errorf("%d events (%v), want the one that was answered 200", b.Events(), err)
	}
	post(t, s, "say", imfake.Set("id", "m"), imfake.Set("text", imfake.Mark{Lane: 1, Seq: 1}.String()))
	if err := b.CheckOrder(place); err == nil {
		t.Error("CheckOrder did not see that the first event was overtaken")
	}
	if err := b.Tally().Check(nil); err == nil {
		t.Error("Tally did not see that the first mark was overtaken")
	}
}
