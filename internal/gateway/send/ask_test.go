package send

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
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
		"max-age=60; by=actor;":                {For: time.Minute, By: []string{"actor"}},
		"max-age=60; by=actor; text":           {},
		"max-age=60; by=actor; and=text":       {},
		"max-age=99999999999; by=actor":        {},
	} {
		if diff := cmp.Diff(want, keep(http.Header{headerCache: {text}})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// A hook that does not read what it is sent must not take longer than its time: no
// look is cast at what it may have said already.
func TestAsk_WhoReadsNothingGetsNoExtraTime(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	q := question("ours", `{"text":"`+strings.Repeat("x", 8<<20)+`"}`)
	s := newSender(t, config("http://"+l.Addr().String()))
	best := time.Hour
	for range 5 { // on a starved machine one of them is late for its own reasons
		q.Deadline = time.Now().Add(300 * time.Millisecond)
		r := s.Ask(t.Context(), q)
		if r.Cause != gateway.CauseTimeout {
			t.Fatalf("reply = %+v, want a time-out", r)
		}
		if best = min(best, time.Since(q.Deadline)); best < lastLook/2 {
			return
		}
	}
	t.Errorf("the answer came %v after the deadline", best)
}

// What is known to be too long is not listened to any further.
func TestAsk_TooLongIsLetGoOfAtOnce(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", defaultMaxResponse+1))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // and never ends
	})
	q := question("ours", `{"text":"hello"}`)
	q.Deadline = time.Now().Add(time.Minute)
	r := newSender(t, config(b.URL)).Ask(t.Context(), q)
	if r.Cause != gateway.CauseBadReply || r.Reason != gateway.ReasonTooLarge || time.Until(q.Deadline) < 30*time.Second {
		t.Errorf("reply = %+v, with %v left", r, time.Until(q.Deadline))
	}
}

// panicky meets a defect when it reads an answer.
type panicky struct{ *fake }

func (panicky) Verdict(*event.Event, *dialect.Response, dialect.Target) (event.Verdict, error) {
	panic("a defect")
}

// A defect must reach who asks, and not the end of the process: a panic in a
// goroutine of its own would.
func TestAsk_DefectWhileMembersAreAskedAbout(t *testing.T) {
	t.Parallel()
	b := newBackend(t, answers(`{"verdict":"allow"}`))
	cfg := config(b.URL)
	cfg.Dialect, cfg.Concurrency = panicky{newFake("theirs")}, 4
	s := newSender(t, cfg)
	for range 3 { // more than there are connections: none is lost
		func() {
			defer func() {
				if p := recover(); p != "a defect" {
					t.Errorf("recovered %v", p)
				}
			}()
			s.Ask(t.Context(), question("ours", `{"text":"hello","to":["a","b","c","d","e","f","g"]}`))
		}()
	}
}

// A group of thousands is asked about by no more goroutines than there may be
// connections.
func TestAsk_ManyMembersFewGoroutines(t *testing.T) {
	t.Parallel()
	var open, most atomic.Int32
	b := newBackend(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		n := open.Add(1)
		defer open.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = io.WriteString(w, `{"verdict":"allow"}`)
	})
	cfg := config(b.URL)
	cfg.Dialect, cfg.Concurrency = newFake("theirs"), 8
	to := make([]string, 2000)
	for k := range to {
		to[k] = fmt.Sprint("u", k)
	}
	body, err := json.Marshal(map[string]any{"text": "hello", "to": to})
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, cfg)
	q := question("ours", string(body))
	q.Deadline = time.Now().Add(time.Minute)
	r := s.Ask(t.Context(), q)
	if r.Cause != gateway.CauseHook || r.Verdict.Action != event.Allow || len(b.requests()) != len(to) || most.Load() > 8 {
		t.Errorf("reply = %+v after %d questions, %d at once", r, len(b.requests()), most.Load())
	}
}

// What is slow to be reached, or to be spoken to, is late and no more.
func TestAsk_EveryStepEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	drip := func(first, piece string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer func() { _ = c.Close() }()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for _, err = io.WriteString(c, first); err == nil; _, err = io.WriteString(c, piece) {
				<-tick.C
			}
		}
	}
	for name, url := range map[string]string{
		"TLS that says nothing":  "https://" + silent.Addr().String(),
		"HTTP that says nothing": "http://" + silent.Addr().String(),
		"a body drop by drop":    newBackend(t, drip("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", "x")).URL,
		"chunk by chunk":         newBackend(t, drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")).URL,
		"an endless head":        newBackend(t, drip("HTTP/1.1 200 OK\r\n", "X-A: b\r\n")).URL,
		"100 for ever":           newBackend(t, drip("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n")).URL,
		"a redirect that drips":  newBackend(t, drip("HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")).URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t, config(url))
			best := time.Hour
			for range 5 { // on a starved machine one of them is late for its own reasons
				q := question("ours", `{"text":"hello"}`)
				q.Deadline = time.Now().Add(150 * time.Millisecond)
				r := s.Ask(t.Context(), q)
				if r.Cause != gateway.CauseTimeout {
					t.Fatalf("reply = %+v, want a time-out", r)
				}
				if best = min(best, time.Since(q.Deadline)); best < 100*time.Millisecond {
					return
				}
			}
			t.Errorf("the answer came %v after the deadline", best)
		})
	}
}

// All connections are taken: who waits for one waits no longer than its time.
func TestAsk_WaitsNotPastTheDeadlineForAConnection(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cfg := config(b.URL)
	cfg.Concurrency = 1
	s := newSender(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		q := question("ours", `{"text":"hello"}`)
		q.Deadline = time.Now().Add(time.Minute)
		s.Ask(ctx, q)
	})
	for len(b.requests()) == 0 {
		runtime.Gosched()
	}
	q := question("ours", `{"text":"hello"}`)
	q.Deadline = time.Now().Add(50 * time.Millisecond)
	if r := s.Ask(t.Context(), q); r.Cause != gateway.CauseTimeout || time.Since(q.Deadline) > 10*time.Second {
		t.Errorf("reply = %+v, %v late", r, time.Since(q.Deadline))
	}
	cancel()
	wg.Wait()
}
