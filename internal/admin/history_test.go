package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/history"
)

// past is a history in memory.
type past struct {
	asked   []history.Query
	found   history.Found
	stories map[string]history.Story
	status  history.Status
	fail    error
	anew    int
}

func (p *past) Search(_ context.Context, q history.Query, _ history.Matcher) (history.Found, error) {
	p.asked = append(p.asked, q)
	return p.found, p.fail
}

func (p *past) Story(_ context.Context, id string) (history.Story, error) {
	if p.fail != nil {
		return history.Story{}, p.fail
	}
	st, ok := p.stories[id]
	if !ok {
		return st, history.ErrNoEvent
	}
	return st, nil
}

func (p *past) Status() history.Status { return p.status }

func (p *past) Rebuild() error {
	p.anew++
	return p.fail
}

func with(p *past) func(*admin.Config) {
	return func(c *admin.Config) { c.History = p }
}

func hit(id string, pos gateway.Pos) history.Hit {
	return history.Hit{
		Event: history.Event{
			ID: id, Phase: event.After, Pos: pos, At: noon, Time: noon.Add(-time.Second), App: "shop", Source: "im", Type: event.MessageSend,
			Dialect: "toy", Command: "message", Actor: "alice", Lane: "group:g1", Message: "m1", Link: "message:m1",
		},
		Outcome: history.Parked,
		Ends: []history.End{
			{Endpoint: "shop/backend", Outcome: history.Parked, At: noon, Attempts: 3, Failed: 3, Reason: gateway.ReasonStatus5xx, Letter: 7},
			{Endpoint: "shop/other", Outcome: history.Delivered, At: noon, Took: 12 * time.Millisecond, Attempts: 1},
		},
	}
}

func TestSearch_AnswersWhatTheHistoryHas(t *testing.T) {
	t.Parallel()
	cursor, err := history.ParseCursor("2s.1k")
	if err != nil {
		t.Fatal(err)
	}
	p := &past{found: history.Found{Hits: []history.Hit{hit("e1", 1)}, Next: cursor, Lag: 90 * time.Second}, status: history.Status{State: history.CatchingUp, Behind: 3}}
	got := ask(setup(t, with(p)), http.MethodGet, "/api/v1/search?q=alice+since:2h&outcome=parked&endpoint=backend&limit=5&after=2s.1k", "", nil)
	want := `{"events":[{"id":"e1","time":"2026-11-20T11:59:59Z","kept":"2026-11-20T12:00:00Z","phase":"after","type":"message.send","app":"shop","source":"im",` +
		`"dialect":"toy","command":"message","actor":"alice","conversation":"group:g1","message_id":"m1","link":"message:m1","outcome":"parked","endpoints":[` +
		`{"endpoint":"shop/backend","outcome":"parked","at":"2026-11-20T12:00:00Z","attempts":3,"failed":3,"reason":"5xx","deadletter":"7"},` +
		`{"endpoint":"shop/other","outcome":"delivered","at":"2026-11-20T12:00:00Z","seconds":0.012,"attempts":1}]}],` +
		`"next":"2s.1k","lag":90,"words":"the history is catching up, 3 pages and 0s behind"}`
	if got.Code != http.StatusOK || got.Body.String() != want {
		t.Errorf("GET search = %d\n%s\nwant\n%s", got.Code, got.Body, want)
	}
	q := history.Query{Words: []string{"alice"}, Since: noon.Add(-2 * time.Hour), Outcome: history.Parked, Endpoint: "shop/backend", Limit: 5, After: cursor}
	if diff := cmp.Diff([]history.Query{q}, p.asked, cmp.AllowUnexported(history.Cursor{})); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestSearch_SaysWhatIsWrongWithTheQuestion(t *testing.T) {
	t.Parallel()
	h := setup(t, with(&past{}))
	for query, want := range map[string]string{
		"colour=red":                      `unknown parameter \"colour\"; there are q, id, user`,
		"q=%22open":                       "q: a quote is not closed",
		"q=user:a&user=b":                 `user is \"b\" and in q \"a\"`,
		"outcome=perked":                  `outcome is \"perked\"; did you mean parked?`,
		"since=soon":                      `since is \"soon\"; write 2026-11-20T08:00:00Z`,
		"limit=0":                         `limit is \"0\"; write 1 to 1000`,
		"limit=x":                         `limit is \"x\"`,
		"after=x":                         `after is \"x\"; it is next of an earlier answer`,
		"endpoint=nosuch":                 `endpoint is \"nosuch\"; write app/name`,
		"phase=during":                    `phase is \"during\"; write before or after`,
		"since=1h&until=2h":               "until is before since",
		"q=%FF":                           "not valid UTF-8",
		"q=" + strings.Repeat("a%20", 20): "up to 8 names",
	} {
		got := ask(h, http.MethodGet, "/api/v1/search?"+query, "", nil)
		if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), want) {
			t.Errorf("search?%.60s = %d %s, want %s", query, got.Code, got.Body, want)
		}
	}
}

func TestSearch_HistoryThatCannotBeAskedSaysSo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		past *past
		code int
		want string
	}{
		{nil, http.StatusNotFound, "this gateway keeps no history: history.off is true"},
		{&past{fail: fmt.Errorf("%w: the database is away", history.ErrNotReady)}, http.StatusServiceUnavailable, "the database is away; deliveries go on, and GET /api/v1/events reads the journal"},
		{&past{fail: errors.New("secret of the database")}, http.StatusInternalServerError, "searching the history failed; the log of the gateway says why"},
	} {
		h := setup(t, func(c *admin.Config) {
			if test.past != nil {
				c.History = test.past
			}
		})
		if got := ask(h, http.MethodGet, "/api/v1/search", "", nil); got.Code != test.code || !strings.Contains(got.Body.String(), test.want) {
			t.Errorf("search = %d %s, want %d %s", got.Code, got.Body, test.code, test.want)
		}
	}
}

func TestTimeline_TellsWhatTheHistoryKnowsWithWhatTheJournalHas(t *testing.T) {
	t.Parallel()
	st := history.Story{Hit: hit("e6", gateway.NewPos(8, 1)), Steps: []history.Step{
		{Kind: history.StepKept, At: noon, Event: "e6"},
		{Kind: history.StepParked, At: noon.Add(time.Second), Event: "e6", Endpoint: "shop/backend", Number: 3, Reason: gateway.ReasonStatus5xx, Letter: 7},
		{Kind: history.StepWaiting, Event: "e6", Endpoint: "shop/other"},
	}, Others: []history.Hit{hit("e9", 9)}}
	gone := history.Story{Hit: hit("e0", gateway.NewPos(2, 0))}
	p := &past{stories: map[string]history.Story{"e6": st, "e0": gone}, status: history.Status{State: history.Current}}
	h := setup(t, with(p))
	got := ask(h, http.MethodGet, "/api/v1/events/e6/timeline", "", nil).Body.String()
	for _, want := range []string{
		`"found":{"id":"e6",`, `"event":{"specversion":"1.0","id":"e6"`, `"raw":{"dialect":"toy","path":"/m","body":"raw text"}`,
		`{"at":"2026-11-20T12:00:01Z","kind":"parked","event":"e6","endpoint":"shop/backend","number":3,"reason":"5xx","deadletter":"7"}`,
		`{"kind":"waiting","event":"e6","endpoint":"shop/other","words":"it waits for its turn"}`, `"others":[{"id":"e9",`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("timeline = %s\nwant %s", got, want)
		}
	}
	if got := ask(h, http.MethodGet, "/api/v1/events/e0/timeline", "", nil).Body.String(); !strings.Contains(got, `"gone":"what it said left the journal (journal.retain)"`) || strings.Contains(got, `"event":{`) {
		t.Errorf("timeline of what left the journal = %s", got)
	}
}

func TestTimeline_IsToldWithoutTheHistory(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*admin.Config){
		"off":       nil,
		"not there": with(&past{status: history.Status{State: history.CatchingUp}}),
		"broken":    with(&past{fail: errors.New("away"), status: history.Status{State: history.Broken, Trouble: "the disk is full"}}),
	} {
		h := setup(t, func(c *admin.Config) {
			if change != nil {
				change(c)
			}
			c.DeadLetters = letters{{Endpoint: "shop/backend", Event: &event.Event{ID: "e2", Source: "other"}, Reason: gateway.ReasonStatus4xx, At: noon}}
		})
		got := ask(h, http.MethodGet, "/api/v1/events/e2/timeline", "", nil)
		for _, want := range []string{`"event":{"specversion":"1.0","id":"e2"`, `"kind":"kept"`, `"kind":"parked","event":"e2","endpoint":"shop/backend"`, `"words":"the history`} {
			if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), want) {
				t.Errorf("%s: timeline = %d %s, want %s", name, got.Code, got.Body, want)
			}
		}
		if got := ask(h, http.MethodGet, "/api/v1/events/nosuch/timeline", "", nil); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), `there is no event \"nosuch\"`) {
			t.Errorf("%s: timeline of nothing = %d %s", name, got.Code, got.Body)
		}
	}
}

func TestHistory_StatusAndRebuild(t *testing.T) {
	t.Parallel()
	p := &past{status: history.Status{
		State: history.Broken, Trouble: "the disk is full", Database: "sqlite", Place: "data/history", Events: 3, Bytes: 9, Segments: 1, Lag: time.Minute, Missed: 2,
	}}
	h := setup(t, with(p))
	want := `"state":"broken","words":"broken: the disk is full","lag":60,"database":"sqlite","place":"data/history","events":3,"bytes":9,"segments":1,"missed":2`
	if got := ask(h, http.MethodGet, "/api/v1/history", "", nil).Body.String(); !strings.Contains(got, want) {
		t.Errorf("GET history = %s\nwant %s", got, want)
	}
	if got := ask(h, http.MethodPost, "/api/v1/history/rebuild", "{}", nil); got.Code != http.StatusOK || p.anew != 1 {
		t.Errorf("rebuild = %d %s, %d times", got.Code, got.Body, p.anew)
	}
	p.fail = history.ErrElsewhere
	if got := ask(h, http.MethodPost, "/api/v1/history/rebuild", "{}", nil); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "another gateway feeds the history: ask that one") {
		t.Errorf("rebuild elsewhere = %d %s", got.Code, got.Body)
	}
	off := setup(t, nil)
	if got := ask(off, http.MethodGet, "/api/v1/history", "", nil).Body.String(); !strings.Contains(got, `"state":"off"`) {
		t.Errorf("without a history: %s", got)
	}
	if got := ask(off, http.MethodPost, "/api/v1/history/rebuild", "{}", nil); got.Code != http.StatusNotFound {
		t.Errorf("rebuild without a history = %d", got.Code)
	}
}
