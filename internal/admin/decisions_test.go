package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// shelf is a store of the trail in memory, a page for each decision, kept when it
// was made.
type shelf struct {
	pages [][]byte
	at    []time.Time
	fail  error
}

func (s *shelf) Keep(_ context.Context, page []byte) error {
	s.pages = append(s.pages, bytes.Clone(page))
	return nil
}

func (s *shelf) Page(_ context.Context, seq uint64) ([]byte, time.Time, error) {
	return s.pages[seq-1], s.at[seq-1], s.fail
}

func (s *shelf) Bounds(context.Context) (first, last uint64, err error) {
	return 1, uint64(len(s.pages)), s.fail
}

// decided fills a trail with decisions.
func decided(t *testing.T, all ...gateway.Decision) (*trail.Trail, *shelf) {
	t.Helper()
	s := &shelf{}
	for _, d := range all {
		tr, err := trail.New(trail.Config{Store: s})
		if err != nil {
			t.Fatal(err)
		}
		tr.Record(d)
		if err := tr.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.at = append(s.at, d.Begin.Add(100*time.Millisecond))
	}
	tr, err := trail.New(trail.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Stop(context.Background()) })
	return tr, s
}

// three decisions, about messages that events of threePages have: d1 of e1, d2 of
// nothing, d3 of e5 and e6.
func threeDecisions() []gateway.Decision {
	one := func(id string, at time.Time, v event.Verdict, hooks ...gateway.Asked) gateway.Decision {
		return gateway.Decision{
			Event: &event.Event{
				ID: id, App: "shop", Source: "im", Type: "message.send", Phase: event.Before, Time: at, Dialect: "toy", Command: "before",
				Lane: "group:g1", Links: []string{"msg:" + id}, Actor: &event.Actor{ID: "alice"}, Message: &event.Message{ID: id, Kind: event.Text, Text: "text of " + id},
			},
			Begin: at, Took: 1500 * time.Microsecond, Verdict: v, Cause: gateway.CauseHook, Hooks: hooks,
		}
	}
	deny := event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}
	masked := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "*** of d3"}}}
	return []gateway.Decision{
		one("d1", noon.Add(-3*time.Minute-time.Second), event.Allowed(), gateway.Asked{Hook: "mod", Verdict: event.Allowed(), Cause: gateway.CauseTimeout, Detail: "no answer in 400ms"}),
		one("d2", noon.Add(-2*time.Minute), deny, gateway.Asked{Hook: "words", Verdict: deny, Cause: gateway.CauseHook}),
		one("d3", noon.Add(-time.Second), masked, gateway.Asked{Hook: "words", Verdict: masked, Cause: gateway.CauseHook, Took: time.Millisecond}),
	}
}

// linked are the pages of the journal, with events of the messages that were decided
// about.
func linked() *pages {
	p := threePages()
	p.list[0].Events[0].Links = []string{"seq:1", "msg:d1"}
	p.list[0].Events[1].Links = []string{"msg:d1"} // of another source
	for _, ev := range p.list[3].Events {
		// The toy would decode them without links.
		ev.Links, ev.Source, ev.Raw = []string{"msg:d3"}, "im", event.Raw{}
	}
	return p
}

func withDecisions(t *testing.T) http.Handler {
	t.Helper()
	tr, _ := decided(t, threeDecisions()...)
	return setup(t, func(c *admin.Config) {
		c.Journal, c.Decisions = linked(), tr
		c.DeadLetters = letters{
			{Endpoint: "shop/backend", Event: &event.Event{ID: "e5", Source: "im"}, Reason: gateway.ReasonStatus4xx, Detail: "404", Attempts: 3, At: noon},
			{Endpoint: "shop/other", Event: &event.Event{ID: "e5", Source: "other"}, Reason: gateway.ReasonMaxAge, At: noon},
		}
	})
}

func TestDecisions_NarrowsNewestFirst(t *testing.T) {
	t.Parallel()
	h := withDecisions(t)
	for _, tt := range []struct{ query, want string }{
		{"", "d3 d2 d1"},
		{"limit=2", "d3 d2"},
		{"verdict=deny", "d2"},
		{"hook=words", "d3 d2"},
		{"hook=shop/words", "d3 d2"},
		{"hook=other/words", ""},
		{"cause=timeout", "d1"},
		{"type=message.send&source=im&app=shop&conversation=group:g1&user=alice", "d3 d2 d1"},
		{"type=group.create", ""},
		{"source=other", ""},
		{"user=bob", ""},
		{"id=msg:d2", "d2"},
		{"id=d1", "d1"},
		{"since=150s", "d3 d2"},
		{"until=1m", "d2 d1"},
		{"since=2026-11-20T11:57:30Z&until=2026-11-20T11:58:30Z", "d2"},
	} {
		w := ask(h, "GET", "/api/v1/decisions?"+tt.query, "", nil)
		if got := decisionIDs(t, w.Body.Bytes()); w.Code != http.StatusOK || got != tt.want {
			t.Errorf("decisions?%s = %d %q, want %q", tt.query, w.Code, got, tt.want)
		}
	}
}

func decisionIDs(t *testing.T, b []byte) string {
	t.Helper()
	var answer struct {
		Decisions []struct {
			Event struct {
				ID string `json:"id"`
			} `json:"event"`
		} `json:"decisions"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var ids []string
	for _, d := range answer.Decisions {
		ids = append(ids, d.Event.ID)
	}
	return strings.Join(ids, " ")
}

func TestDecisions_CursorsReachEverythingOnce(t *testing.T) {
	t.Parallel()
	h := withDecisions(t)
	var seen []string
	var answer struct{ Next, Newest string }
	for range 10 {
		w := ask(h, "GET", "/api/v1/decisions?limit=1&before="+answer.Next, "", nil)
		seen = append(seen, decisionIDs(t, w.Body.Bytes()))
		answer.Next = ""
		if err := json.Unmarshal(w.Body.Bytes(), &answer, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		if answer.Next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"d3", "d2", "d1"}, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if w := ask(h, "GET", "/api/v1/decisions?after="+answer.Newest, "", nil); w.Body.String() != fmt.Sprintf(`{"decisions":[],"newest":%q}`, answer.Newest) {
		t.Errorf("after the newest = %s", w.Body)
	}
}

func TestDecisions_ShowsAllOfOne(t *testing.T) {
	t.Parallel()
	w := ask(withDecisions(t), "GET", "/api/v1/decisions?verdict=rewrite", "", nil)
	want := `{"decisions":[{"at":"2026-11-20T11:59:59Z","by":"words","cause":"hook",` +
		`"changes":[{"after":"*** of d3","before":"text of d3","path":"message.text"}],` +
		`"event":{"data":{"actor":{"id":"alice"},"message":{"id":"d3","kind":"text","text":"text of d3"}},"datacontenttype":"application/json","id":"d3",` +
		`"imcommand":"before","imdialect":"toy","imlink":"msg:d3","imphase":"before","source":"/apps/shop/sources/im","specversion":"1.0",` +
		`"subject":"group:g1","time":"2026-11-20T11:59:59Z","type":"im.message.send"},` +
		`"hooks":[{"cause":"hook","hook":"words","tookSeconds":0.001,"verdict":"rewrite"}],` +
		`"links":["msg:d3"],"tookSeconds":0.0015,"verdict":"rewrite"}],"newest":"262143"}`
	var got, wanted any
	if err := errors.Join(json.Unmarshal(w.Body.Bytes(), &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

func TestDecisions_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	h := withDecisions(t)
	for query, want := range map[string]string{
		"limit=0": "1 to 1000", "limit=x": "1 to 1000", "since=soon": "since is", "until=-1h": "until is", "before=x": "cursor", "after=-1": "cursor",
		"typo=1": "there are limit, type, app", "verdict=maybe": "allow, deny, drop, rewrite", "cause=x": "timeout",
	} {
		w := ask(h, "GET", "/api/v1/decisions?"+query, "", nil)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("decisions?%s = %d %s, want 400 with %q", query, w.Code, w.Body, want)
		}
	}
}

// told is the story that the API tells.
type told struct {
	Decisions []struct {
		Event struct{ ID string } `json:"event"`
	} `json:"decisions"`
	Events []struct {
		Event       struct{ ID string } `json:"event"`
		Stored      time.Time           `json:"stored"`
		DeadLetters []struct {
			Endpoint string `json:"endpoint"`
			Detail   string `json:"detail"`
		} `json:"deadletters"`
	} `json:"events"`
	More bool `json:"more"`
}

func TestDecision_IsJoinedWithTheEventsAfterIt(t *testing.T) {
	t.Parallel()
	h := withDecisions(t)
	for id, want := range map[string]string{
		"d1":         "d1: e1", // not e2, which is another source's
		"msg:d1":     "d1: e1",
		"d2":         "d2:",
		"d3":         "d3: e5 (shop/backend: 404) e6",
		"e5":         "d3: e5 (shop/backend: 404) e6", // an event that came after
		"e6":         "d3: e5 (shop/backend: 404) e6",
		"msg%3Ad%33": "d3: e5 (shop/backend: 404) e6",
	} {
		w := ask(h, "GET", "/api/v1/decisions/"+id, "", nil)
		if w.Code != http.StatusOK {
			t.Errorf("decision %s = %d %s", id, w.Code, w.Body)
			continue
		}
		var s told
		if err := json.Unmarshal(w.Body.Bytes(), &s, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range s.Decisions {
			got = append(got, d.Event.ID+":")
		}
		for _, e := range s.Events {
			got = append(got, e.Event.ID)
			for _, l := range e.DeadLetters {
				got = append(got, "("+l.Endpoint+": "+l.Detail+")")
			}
		}
		if text := strings.Join(got, " "); text != want || s.More {
			t.Errorf("decision %s = %q (more: %v), want %q", id, text, s.More, want)
		}
	}
	for _, id := range []string{"none", "e3"} {
		if w := ask(h, "GET", "/api/v1/decisions/"+id, "", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), id) {
			t.Errorf("decision %s = %d %s, want 404 and the id", id, w.Code, w.Body)
		}
	}
}

func TestEvent_ShowsWhatWasDecidedBefore(t *testing.T) {
	t.Parallel()
	h := withDecisions(t)
	w := ask(h, "GET", "/api/v1/events/e6", "", nil)
	if got := decisionIDs(t, w.Body.Bytes()); got != "d3" {
		t.Errorf("decisions of e6 = %q, want d3: %s", got, w.Body)
	}
	for _, id := range []string{"e2", "e3"} { // of another source; of no message
		if w := ask(h, "GET", "/api/v1/events/"+id, "", nil); strings.Contains(w.Body.String(), `"decisions"`) {
			t.Errorf("event %s = %s, want no decisions", id, w.Body)
		}
	}
	if got := list(t, h, "link=msg:d3").ids(); got != "e6 e5" {
		t.Errorf("events of a link = %q, want e6 e5", got)
	}
}

func TestDecisions_WithoutATrailAndWithABrokenOne(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{"/api/v1/decisions", "/api/v1/decisions/x"} {
		if w := ask(h, "GET", path, "", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "keeps no trail") {
			t.Errorf("%s = %d %s, want 404 that says why", path, w.Code, w.Body)
		}
	}
	tr, s := decided(t, threeDecisions()...)
	s.fail = errors.New("the secret of the store")
	h = setup(t, func(c *admin.Config) { c.Journal, c.Decisions = linked(), tr })
	for _, path := range []string{"/api/v1/decisions", "/api/v1/decisions/x"} {
		if w := ask(h, "GET", path, "", nil); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s = %d %s, want 500 without the cause", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/api/v1/events/e6", "", nil); w.Code != http.StatusOK {
		t.Errorf("event with a broken trail = %d, want that it is shown", w.Code)
	}
}
