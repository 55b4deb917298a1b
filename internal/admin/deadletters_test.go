package admin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway"
)

// manyLetters are n dead letters, each third of shop/other, with holes where some
// were taken away.
func manyLetters(n int, gone func(int) bool) letters {
	var all letters
	for i := 1; i <= n; i++ {
		d := gateway.DeadLetter{
			Endpoint: "shop/backend", Pos: gateway.NewPos(uint64(i), 0), Reason: gateway.ReasonStatus4xx, Attempts: 1,
			At:    noon.Add(time.Duration(i-n) * time.Minute),
			Event: &event.Event{ID: fmt.Sprint("e", i), App: "shop", Source: "im", Type: "message.send", Lane: "group:g1", Raw: event.Raw{Dialect: "toy", Path: "/m", Body: []byte("b")}},
		}
		if i%3 == 0 {
			d.Endpoint, d.Reason, d.Event.Lane = "shop/other", gateway.ReasonTimeout, "group:g2"
		}
		if gone(i) {
			d.Endpoint = ""
		}
		all = append(all, d)
	}
	return all
}

// listedLetters asks for pages until there are no more, and returns the numbers.
func listedLetters(t *testing.T, h http.Handler, query string) (ids []string) {
	t.Helper()
	before := ""
	for range 10_000 {
		w := ask(h, "GET", "/api/v1/deadletters?"+query+before, "", nil)
		var answer struct {
			DeadLetters []struct {
				ID string `json:"id"`
			} `json:"deadletters"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		for _, l := range answer.DeadLetters {
			ids = append(ids, l.ID)
		}
		if answer.Next == "" {
			return ids
		}
		before = "&before=" + answer.Next
	}
	t.Fatal("it has no end")
	return nil
}

func TestDeadLetters_CursorsReachEverythingOnce(t *testing.T) {
	t.Parallel()
	const n = 1500
	gone := func(i int) bool { return i > 200 && i < 1400 && i%100 != 0 }
	h := setup(t, func(c *admin.Config) { c.DeadLetters = manyLetters(n, gone) })
	for query, want := range map[string]func(int) bool{
		"limit=7":                       func(int) bool { return true },
		"limit=1000":                    func(int) bool { return true },
		"limit=5&endpoint=shop/other":   func(i int) bool { return i%3 == 0 },
		"limit=5&reason=timeout":        func(i int) bool { return i%3 == 0 },
		"limit=5&conversation=group:g2": func(i int) bool { return i%3 == 0 },
		"limit=5&since=10m":             func(i int) bool { return i >= n-10 },
		"limit=5&until=10m":             func(i int) bool { return i < n-10 },
		"id=e7":                         func(i int) bool { return i == 7 },
		"after=1490":                    func(i int) bool { return i > 1490 },
	} {
		var ids []string
		for i := n; i > 0; i-- {
			if !gone(i) && want(i) {
				ids = append(ids, fmt.Sprint(i))
			}
		}
		if diff := cmp.Diff(ids, listedLetters(t, h, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"reason=nosuch", "since=soon", "before=x", "typo=1", "type=message.*"} {
		if w := ask(h, "GET", "/api/v1/deadletters?"+query, "", nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s = %d %s, want 400", query, w.Code, w.Body)
		}
	}
}

func TestDeadLetter_WholeWithItsWire(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.DeadLetters = manyLetters(3, func(int) bool { return false }) })
	w := ask(h, "GET", "/api/v1/deadletters/2", "", nil)
	for _, want := range []string{`"id":"2"`, `"reason":"4xx"`, `"raw":{"dialect":"toy","path":"/m","body":"b"}`, `"text":"b"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("dead letter = %s, want %s in it", w.Body, want)
		}
	}
	for path, code := range map[string]int{"9": http.StatusNotFound, "x": http.StatusBadRequest} {
		if w := ask(h, "GET", "/api/v1/deadletters/"+path, "", nil); w.Code != code {
			t.Errorf("dead letter %s = %d, want %d", path, w.Code, code)
		}
	}
}

func TestPurge_TakesWhatIsMeantAndNothingElse(t *testing.T) {
	t.Parallel()
	all := manyLetters(9, func(int) bool { return false })
	h := setup(t, func(c *admin.Config) { c.DeadLetters = all })
	for _, tt := range []struct {
		body, want string
		left       int
	}{
		{`{"reasons":["timeout"],"dryRun":true}`, `{"purged":3,"dryRun":true}`, 9},
		{`{"reasons":["timeout"]}`, `{"purged":3}`, 6},
		{`{"ids":["1","3","99"]}`, `{"purged":1}`, 5},
		{`{"all":true}`, `{"purged":5}`, 0},
	} {
		w := ask(h, "POST", "/api/v1/deadletters/purge", tt.body, nil)
		if _, _, n, _ := all.DeadLetterBounds(t.Context()); w.Body.String() != tt.want || int(n) != tt.left {
			t.Errorf("purge %s = %s with %d left, want %s and %d", tt.body, w.Body, n, tt.want, tt.left)
		}
	}
	for _, body := range []string{`{}`, `{"all":true,"endpoint":"shop/backend"}`, `{"typo":1}`, `{"since":"1h","until":"2h"}`} {
		if w := ask(h, "POST", "/api/v1/deadletters/purge", body, nil); w.Code != http.StatusBadRequest {
			t.Errorf("purge %s = %d, want 400", body, w.Code)
		}
	}
}

func TestResend_IsANewEventThatNamesTheOld(t *testing.T) {
	t.Parallel()
	all := manyLetters(2, func(int) bool { return false })
	all[0].Event.Raw.Body = []byte(`{"a":1}`)
	var kept []*event.Event
	failing := false
	h := setup(t, func(c *admin.Config) {
		c.DeadLetters = all
		c.Keep = func(_ context.Context, a gateway.Arrival) (gateway.Kept, error) {
			if failing {
				return gateway.Kept{}, gateway.ErrFull
			}
			kept = append(kept, a.Events...)
			return gateway.Kept{Stored: 1}, nil
		}
	})
	post := func(body string) (int, string) {
		w := ask(h, "POST", "/api/v1/deadletters/1/resend", body, nil)
		return w.Code, w.Body.String()
	}
	if code, body := post(`{"set":{"a":"2"},"dryRun":true}`); code != http.StatusOK || len(kept) != 0 || !strings.Contains(body, `{\"a\":2}`) {
		t.Errorf("dry run = %d %s, kept %d", code, body, len(kept))
	}
	failing = true
	if code, _ := post(`{}`); code != http.StatusServiceUnavailable || all[0].Endpoint == "" {
		t.Errorf("a full journal = %d, and the dead letter is there: %v", code, all[0].Endpoint != "")
	}
	failing = false
	if code, body := post(`{"set":{"a":"2"}}`); code != http.StatusOK || !strings.Contains(body, `"removed":true`) || !strings.Contains(body, `"link":"resent:e1"`) {
		t.Errorf("resend = %d %s", code, body)
	}
	if len(kept) != 1 {
		t.Fatalf("%d events were kept, want one", len(kept))
	}
	ev := kept[0]
	if ev.ID == "" || ev.ID == "e1" || ev.App != "shop" || ev.Source != "im" || !slices.Contains(ev.Links, "resent:e1") || ev.Dedupe != "" || ev.Time.IsZero() {
		t.Errorf("kept %+v", ev)
	}
	if code, _ := post(`{}`); code != http.StatusNotFound {
		t.Errorf("again = %d, want 404", code)
	}
}

func TestExport_IsCloudEventsWithEverything(t *testing.T) {
	t.Parallel()
	all := manyLetters(4, func(i int) bool { return i == 2 })
	all[0].Exchange = &gateway.Exchange{URL: "http://b/m", Request: "req", Status: 400, Head: "X: y", Response: "res"}
	h := setup(t, func(c *admin.Config) { c.DeadLetters = all })
	w := ask(h, "GET", "/api/v1/deadletters/export", "", nil)
	if got := w.Header().Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("it is %q", got)
	}
	var ids []string
	for s := bufio.NewScanner(w.Body); s.Scan(); {
		var ev event.Event
		var more map[string]any
		if err := errors.Join(json.Unmarshal(s.Bytes(), &ev), json.Unmarshal(s.Bytes(), &more)); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		ids = append(ids, ev.ID)
		if ev.ID == "e1" {
			for key, want := range map[string]any{
				"imdeadletter": "1", "imendpoint": "shop/backend", "imreason": "4xx", "imattempts": 1.0, "imrequest": "req", "imstatus": 400.0,
				"imresponsehead": "X: y", "imresponse": "res", "imrawbody": "b", "imrawpath": "/m", "imparkedat": "2026-11-20T11:57:00Z",
			} {
				if more[key] != want {
					t.Errorf("%s is %v, want %v", key, more[key], want)
				}
			}
		}
	}
	if diff := cmp.Diff([]string{"e1", "e3", "e4"}, ids); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
}

// repeats takes what is to be run.
type repeats struct {
	begun []gateway.Run
	err   error
}

func (r *repeats) Repeat(_ context.Context, run gateway.Run) (gateway.RunStatus, error) {
	if r.err != nil {
		return gateway.RunStatus{}, r.err
	}
	run.ID = fmt.Sprint("r", len(r.begun))
	r.begun = append(r.begun, run)
	return gateway.RunStatus{Run: run, State: gateway.RunQueued}, nil
}

func (r *repeats) CountRun(context.Context, gateway.Run) (gateway.RunCount, error) {
	return gateway.RunCount{Selected: 5, Picked: 3, Sent: 3, Begin: noon}, r.err
}

func (r *repeats) Runs() (all []gateway.RunStatus) {
	for _, run := range r.begun {
		all = append(all, gateway.RunStatus{Run: run, State: gateway.RunRunning})
	}
	return all
}

func (r *repeats) CancelRun(_ context.Context, id string) (gateway.RunStatus, error) {
	for _, run := range r.begun {
		if run.ID == id {
			return gateway.RunStatus{Run: run, State: gateway.RunCancelled}, nil
		}
	}
	return gateway.RunStatus{}, gateway.ErrNoRun
}

func TestRequeue_ARunForEachEndpoint(t *testing.T) {
	t.Parallel()
	runs := &repeats{}
	h := setup(t, func(c *admin.Config) {
		c.DeadLetters, c.Runs = manyLetters(9, func(int) bool { return false }), runs
	})
	w := ask(h, "POST", "/api/v1/deadletters/requeue", `{"all":true,"dryRun":true}`, nil)
	if !strings.HasPrefix(w.Body.String(), `{"letters":9,"dryRun":true,"runs":[`) || len(runs.begun) != 0 {
		t.Errorf("dry run = %s, %d begun", w.Body, len(runs.begun))
	}
	w = ask(h, "POST", "/api/v1/deadletters/requeue", `{"ids":["1","3"],"rate":5}`, nil)
	if w.Code != http.StatusOK {
		t.Fatalf("requeue = %d %s", w.Code, w.Body)
	}
	want := []gateway.Run{
		{ID: "r0", Kind: event.Requeued, Endpoint: "shop/backend", Rate: 5, Selection: gateway.Selection{Letters: []uint64{1, 3}}},
		{ID: "r1", Kind: event.Requeued, Endpoint: "shop/other", Rate: 5, Selection: gateway.Selection{Letters: []uint64{1, 3}}},
	}
	if diff := cmp.Diff(want, runs.begun); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	runs.err = fmt.Errorf("%w: shop/backend", gateway.ErrNoEndpoint)
	if w := ask(h, "POST", "/api/v1/deadletters/requeue", `{"all":true}`, nil); w.Code != http.StatusNotFound {
		t.Errorf("of an endpoint that is gone = %d %s, want 404", w.Code, w.Body)
	}
}

func TestReplay_BeginsCountsListsAndCancels(t *testing.T) {
	t.Parallel()
	runs := &repeats{}
	h := setup(t, func(c *admin.Config) {
		c.Runs = runs
		c.Trimmed = func(context.Context) (uint64, error) { return 77, nil }
	})
	w := ask(h, "POST", "/api/v1/endpoints/shop/backend/replay", `{"since":"24h","dryRun":true}`, nil)
	for _, want := range []string{`"selected":5,"picked":3,"sent":3`, "the 77 events before it were trimmed"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("dry run = %s, want %s", w.Body, want)
		}
	}
	w = ask(h, "POST", "/api/v1/endpoints/backend/replay", `{"since":"1h","until":"2026-11-20T11:30:00Z","types":["message.*"],"conversation":"group:g1","to":"shop/other","rate":100,"all":true}`, nil)
	want := gateway.Run{
		ID: "r0", Kind: event.Replayed, Endpoint: "shop/backend", To: "shop/other", Rate: 100, All: true,
		Selection: gateway.Selection{Types: []string{"message.*"}, Lane: "group:g1", Since: noon.Add(-time.Hour), Until: noon.Add(-30 * time.Minute)},
	}
	if w.Code != http.StatusOK || len(runs.begun) != 1 {
		t.Fatalf("replay = %d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff(want, runs.begun[0]); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	for path, code := range map[string]int{"GET /api/v1/runs": 200, "GET /api/v1/runs/r0": 200, "GET /api/v1/runs/none": 404, "POST /api/v1/runs/r0/cancel": 200, "POST /api/v1/runs/none/cancel": 404} {
		method, path, _ := strings.Cut(path, " ")
		if w := ask(h, method, path, "", nil); w.Code != code {
			t.Errorf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, code)
		}
	}
	runs.err = gateway.ErrManyRuns
	if w := ask(h, "POST", "/api/v1/endpoints/backend/replay", `{}`, nil); w.Code != http.StatusTooManyRequests {
		t.Errorf("one too many = %d, want 429", w.Code)
	}
}
