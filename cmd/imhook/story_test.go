package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

func decision() *trail.Entry {
	at := time.Date(2026, 3, 4, 10, 20, 30, 0, time.Local)
	return &trail.Entry{
		Event: &event.Event{
			ID: "e1", App: "shop", Source: "im", Type: event.MessageSend, Phase: event.Before, Time: at.UTC(), Dialect: "openim", Generation: "v3.7",
			Command: "callbackBeforeMsgModifyCommand", Lane: "group:g1", Actor: &event.Actor{ID: "alice"}, Message: &event.Message{Kind: event.Text, Text: "a bad\x1b[2Jword"},
		},
		Links: []string{"msg:m1", "seq:7"}, At: at, Took: 0.0123456, Verdict: event.Rewrite, By: "words", Cause: gateway.CauseHook,
		Hooks: []trail.Part{
			{Hook: "words", Verdict: event.Rewrite, Cause: gateway.CauseHook, Took: 0.000021},
			{Hook: "mod", Verdict: event.Allow, Cause: gateway.CauseTimeout, Error: gateway.ReasonTimeout, Detail: "no answer in 12ms", Took: 0.012},
			{Hook: "new", Verdict: event.Drop, Cause: gateway.CauseHook, Status: 200, Took: 0.001, Shadow: true},
			{Hook: "old", Verdict: event.Drop, Cause: gateway.CauseHook, Took: 0.001, Instead: event.Allow, Why: "the command cannot drop"},
		},
		Changes: []trail.Difference{
			{Path: "message.text", Before: []byte("\"a bad\\u001b[2Jword\""), After: []byte(`"a ***word"`)},
			{Path: "message.mentions", Before: nil, After: []byte(`{"all":true}`)},
		},
		Cut: true,
	}
}

func TestDecisionLine_SaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	d := decision()
	for name, tt := range map[string]struct {
		change func(*trail.Entry)
		want   string
	}{
		"a rewrite": {func(*trail.Entry) {}, `10:20:30.000  im  rewrite  words  hook  12.3ms  message.send  group:g1  alice  "a bad�[2Jword" → "a ***word"  e1`},
		"nobody asked": {func(d *trail.Entry) {
			*d = trail.Entry{At: d.At, Event: &event.Event{ID: "e2", Source: "im", Type: "group.create"}, Verdict: event.Allow, Cause: gateway.CauseNone, Took: 0.0000101}
		}, `10:20:30.000  im  allow  -  none  10µs  group.create  -  e2`},
	} {
		e := *d
		tt.change(&e)
		if got := decisionLine(&e, d.At.Add(time.Hour)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestStory_TellsAllOfOne(t *testing.T) {
	t.Parallel()
	d := decision()
	var s story
	s.Decisions = []trail.Entry{*d}
	after := event.Event{ID: "e9", Source: "im", Type: event.MessageSend, Time: d.At.Add(time.Second), Lane: "group:g1", Message: &event.Message{Text: "a ***word"}}
	b, err := json.Marshal(map[string]any{"events": []any{map[string]any{"event": &after, "deadletters": []any{
		map[string]any{"endpoint": "shop/backend", "reason": "4xx", "detail": "404 Not Found", "attempts": 1, "at": d.At.Add(time.Minute)},
	}}, map[string]any{"event": &after}}, "more": true})
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := `rewrite by words (the hook said so) after 12.3ms

came in
  when          10:20:30.000
  event         e1
  from          shop/im
  what          message.send openim v3.7 callbackBeforeMsgModifyCommand
  where         group:g1
  who           alice
  about         a bad�[2Jword
  links         msg:m1 seq:7

hooks
  1. words: rewrite (the hook said so) 21µs
  2. mod: allow (no answer in time: its policy) 12ms
     error         timeout
     detail        no answer in 12ms
  3. new: would drop (the hook said so) 1ms
     in the shadow it counts for nothing
     status        200
  4. old: drop (the hook said so) 1ms
     became        allow: the command cannot drop

went out
  verdict       rewrite
  message.text
    - a bad�[2Jword
    + a ***word
  message.mentions
    - (nothing)
    + {"all":true}
  (what ends in … or is missing was too long to be kept)

events about it that came after
  10:20:31.000  im  message.send  group:g1  "a ***word"  e9
    not delivered to shop/backend: 4xx after 1 attempt, 10:21:30.000: 404 Not Found
  10:20:31.000  im  message.send  group:g1  "a ***word"  e9
    no endpoint has set it aside
  there may be more: the gateway did not look further
`
	if diff := cmp.Diff(want, s.text(d.At.Add(time.Hour))); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
}

func TestCauseText_KnowsEveryCause(t *testing.T) {
	t.Parallel()
	for _, c := range gateway.Causes() {
		if causeText(c) == string(c) {
			t.Errorf("cause %s has no words", c)
		}
	}
}

// TestDecisions_AsksAsItWasTold runs the command against an API that lists two
// decisions in two answers, and a third when it is asked for what came since.
func TestDecisions_AsksAsItWasTold(t *testing.T) {
	t.Parallel()
	one := func(id string) string {
		return `{"event":{"specversion":"1.0","id":"` + id + `","source":"/apps/shop/sources/im","type":"im.message.send"},"at":"2026-03-04T10:20:30Z","tookSeconds":0.001,"verdict":"deny","cause":"hook","by":"words"}`
	}
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		switch q := r.URL.Query(); {
		case q.Get("after") != "":
			_, _ = w.Write([]byte(`{"decisions":[` + one("d3") + `],"newest":"9"}`))
		case q.Get("before") == "5":
			_, _ = w.Write([]byte(`{"decisions":[` + one("d1") + `],"newest":"8"}`))
		default:
			_, _ = w.Write([]byte(`{"decisions":[` + one("d2") + `],"next":"5","newest":"7"}`))
		}
	}))
	t.Cleanup(s.Close)
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs([]string{"decisions", "--gateway", s.URL, "--verdict", "deny", "--hook", "words", "--since", "10m", "--limit", "3"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 2 || !strings.HasSuffix(lines[0], "  d1") || !strings.HasSuffix(lines[1], "  d2") {
		t.Errorf("printed %q, want d1 and then d2", lines)
	}
	want := []string{
		"/api/v1/decisions?hook=words&limit=3&since=10m&verdict=deny",
		"/api/v1/decisions?before=5&hook=words&limit=3&since=10m&verdict=deny",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
