package send

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// question is about a text, in the fake dialect of that name.
func question(dialectName, body string) gateway.Question {
	ev := raw(dialectName, body)
	full, err := newFake(dialectName).Decode(&dialect.Request{Body: []byte(body)})
	if err != nil {
		panic(err)
	}
	e := *full[0]
	e.ID, e.Phase, e.Raw = ev.ID, event.Before, ev.Raw
	return gateway.Question{Event: &e, Deadline: time.Now().Add(5 * time.Second)}
}

func TestAsk_ReadsTheHooksAnswer(t *testing.T) {
	t.Parallel()
	b := newBackend(t, answers(`{"verdict":"deny","code":3,"reason":"no"}`))
	s := newSender(t, config(b.URL))
	q := question("ours", `{"text":"hello","sig":"000"}`)
	r := s.Ask(t.Context(), q)
	want := event.Verdict{Action: event.Deny, Code: 3, Reason: "no"}
	if diff := cmp.Diff(want, r.Verdict); diff != "" || r.Cause != gateway.CauseHook || r.Status != 200 {
		t.Errorf("reply = %+v (-want +got):\n%s", r, diff)
	}
	if got := string(q.Event.Raw.Body); got != `{"text":"hello","sig":"000"}` {
		t.Errorf("the event's own bytes are %s now", got)
	}
	if seen := b.requests()[0]; !strings.Contains(seen.Body, `"text":"hello"`) || seen.Header.Get("X-Sign") == "" {
		t.Errorf("the hook got %s, signed %q", seen.Body, seen.Header.Get("X-Sign"))
	}
}

// What a hook before this one changed must reach it, whatever dialect it speaks.
func TestAsk_ChangedIsEncoded(t *testing.T) {
	t.Parallel()
	b := newBackend(t, answers(`{"verdict":"allow"}`))
	q := question("ours", `{"text":"hello"}`)
	changed := *q.Event
	changed.Message = &event.Message{Text: "changed"}
	q.Event, q.Changed = &changed, true
	if r := newSender(t, config(b.URL)).Ask(t.Context(), q); r.Cause != gateway.CauseHook {
		t.Fatalf("reply = %+v", r)
	}
	if body := b.requests()[0].Body; !strings.Contains(body, `"text":"changed"`) {
		t.Errorf("the hook got %s", body)
	}
}

// What lets a proposal through in one generation is no answer in another: which rules
// hold is up to whom the question was encoded for.
func TestAsk_AnswersAreReadByTheGenerationThatWasAskedIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, hook, source, generation string
		changed                        bool
		wrote                          string
		want                           gateway.Cause
	}{
		{"another vendor's event, hook of an old generation", "v1", "theirs", "", false, "v1", gateway.CauseHook},
		{"another vendor's event of an equal word", "", "theirs", "v1", false, "", gateway.CauseBadReply},
		{"another vendor's event, newest hook", "v2", "theirs", "v1", false, "v2", gateway.CauseBadReply},
		{"its own event, passed on", "", "ours", "v1", false, "", gateway.CauseHook},
		{"its own event, written again in its generation", "", "ours", "v1", true, "v1", gateway.CauseHook},
		{"its own event in another generation", "v1", "ours", "v2", false, "v1", gateway.CauseHook},
		{"its own new event", "", "ours", "v2", false, "", gateway.CauseBadReply},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, answers(`{"verdict":"pass"}`))
			cfg := config(b.URL)
			cfg.Generation = tt.hook
			q := question(tt.source, `{"text":"hello"}`)
			ev := *q.Event
			ev.Generation = tt.generation
			q.Event, q.Changed = &ev, tt.changed
			if r := newSender(t, cfg).Ask(t.Context(), q); r.Cause != tt.want {
				t.Errorf("reply = %+v, want cause %s", r, tt.want)
			}
			if body := b.requests()[0].Body; tt.wrote != "" && !strings.Contains(body, `"generation":"`+tt.wrote+`"`) {
				t.Errorf("the hook got %s, want generation %q", body, tt.wrote)
			}
		})
	}
}

func TestAsk_WhatGoesWrongHasItsCause(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hand   func(int, http.ResponseWriter, *http.Request)
		text   string
		cause  gateway.Cause
		reason gateway.Reason
	}{
		"no verdict":      {answers(`hello`), "", gateway.CauseBadReply, ""},
		"empty":           {answers(``), "", gateway.CauseBadReply, ""},
		"server's error":  {status(502), "", gateway.CauseError, gateway.ReasonStatus5xx},
		"no such page":    {status(404), "", gateway.CauseError, gateway.ReasonStatus4xx},
		"throttled":       {status(429), "", gateway.CauseError, gateway.ReasonThrottled},
		"elsewhere":       {redirects("http://elsewhere.example/"), "", gateway.CauseError, gateway.ReasonRedirect},
		"huge":            {answers(`{"verdict":"allow","pad":"` + strings.Repeat("x", 1<<17) + `"}`), "", gateway.CauseBadReply, gateway.ReasonTooLarge},
		"hangs up":        {hangUp, "", gateway.CauseError, gateway.ReasonReset},
		"silent":          {silent, "", gateway.CauseTimeout, gateway.ReasonTimeout},
		"drips":           {drips, "", gateway.CauseTimeout, gateway.ReasonTimeout},
		"untranslatable":  {status(200), "untranslatable", gateway.CauseUntranslatable, ""},
		"says nothing":    {status(200), "nothing", gateway.CauseUntranslatable, ""},
		"cannot be coded": {status(200), "broken", gateway.CauseError, gateway.ReasonEncode},
		"header of two":   {status(200), "newline", gateway.CauseError, gateway.ReasonEncode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, test.hand)
			cfg := config(b.URL)
			cfg.Dialect = newFake("theirs")
			q := question("ours", `{"text":"hello"}`)
			if test.text != "" {
				q = question("ours", fmt.Sprintf(`{"text":%q}`, test.text))
			}
			begin := time.Now()
			q.Deadline = begin.Add(300 * time.Millisecond)
			r := newSender(t, cfg).Ask(t.Context(), q)
			if r.Cause != test.cause || r.Reason != test.reason || r.Detail == "" {
				t.Errorf("reply = %+v, want cause %s, reason %q and a detail", r, test.cause, test.reason)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v past its deadline", took)
			}
		})
	}
}

func silent(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drips writes an answer that never ends, a byte at a time.
func drips(_ int, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100000")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func hangUp(_ int, w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func redirects(to string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func TestAsk_Cancelled(t *testing.T) {
	t.Parallel()
	here := make(chan struct{})
	b := newBackend(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		close(here)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-here
		cancel()
	}()
	if r := newSender(t, config(b.URL)).Ask(ctx, question("ours", `{"text":"hello"}`)); r.Cause != gateway.CauseCancelled {
		t.Errorf("reply = %+v, want cancelled", r)
	}
}

// A dialect that takes one member at a time is asked once for each.
func TestAsk_MembersOneByOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		says map[string]string
		want event.Verdict
	}{
		"all allowed": {nil, event.Allowed()},
		"one refused": {map[string]string{"b": `{"verdict":"deny","code":9}`}, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "b", Code: 9}}}},
		"all refused": {map[string]string{"a": `{"verdict":"deny","code":1}`, "b": `{"verdict":"drop"}`, "c": `{"verdict":"deny","code":3}`}, event.Verdict{Action: event.Deny, Code: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				var got struct {
					One string `json:"one"`
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				say := test.says[got.One]
				if say == "" {
					say = `{"verdict":"allow"}`
				}
				_, _ = io.WriteString(w, say)
			})
			cfg := config(b.URL)
			cfg.Dialect = newFake("theirs")
			r := newSender(t, cfg).Ask(t.Context(), question("ours", `{"text":"hello","to":["a","b","c"]}`))
			if diff := cmp.Diff(test.want, r.Verdict); diff != "" || r.Cause != gateway.CauseHook {
				t.Errorf("reply = %+v (-want +got):\n%s", r, diff)
			}
			ids := map[string]bool{}
			for _, seen := range b.requests() {
				ids[seen.Header.Get("Imhook-Event-Id")] = true
			}
			if len(ids) != 3 {
				t.Errorf("asked under the ids %v, want three", ids)
			}
		})
	}
}

func TestAsk_OneWithoutAnswerFailsAll(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		<-r.Context().Done()
	})
	cfg := config(b.URL)
	cfg.Dialect = newFake("theirs")
	r := newSender(t, cfg).Ask(t.Context(), question("ours", `{"text":"hello","to":["a","b"]}`))
	if r.Cause != gateway.CauseError || r.Reason != gateway.ReasonStatus5xx {
		t.Errorf("reply = %+v, want the error of the one that failed", r)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]gateway.Keep{
		"":                                     {},
		"max-age=60; by=actor,text":            {For: time.Minute, By: []string{"actor", "text"}},
		` Max-Age=1 ;by="conversation, actor"`: {For: time.Second, By: []string{"conversation", "actor"}},
		"max-age=-1; by=actor":                 {},
		"max-age=soon; by=actor":               {},
		"by=actor":                             {By: []string{"actor"}},
		"max-age=99999999999; by=actor":        {},
	} {
		if diff := cmp.Diff(want, keep(http.Header{headerCache: {text}})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
