package send

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

const testSecret = "s3cret-of-the-shop"

// seen is one request as the backend got it.
type seen struct {
	Method string
	URI    string
	Header http.Header
	Length int64
	Body   string
}

// backend records requests and answers with handle.
type backend struct {
	*httptest.Server
	mu   sync.Mutex
	got  []seen
	hand func(n int, w http.ResponseWriter, r *http.Request)
}

func newBackend(tb testing.TB, hand func(n int, w http.ResponseWriter, r *http.Request)) *backend {
	tb.Helper()
	b := &backend{hand: hand}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.got = append(b.got, seen{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Length: r.ContentLength, Body: string(body)})
		n := len(b.got)
		b.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if b.hand != nil {
			b.hand(n, w, r)
		}
	}))
	tb.Cleanup(b.Close)
	return b
}

func (b *backend) requests() []seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]seen(nil), b.got...)
}

func status(code int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func answers(text string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// config speaks "ours" to url; "theirs" is the other dialect there is.
func config(url string) Config {
	ours := newFake("ours")
	return Config{
		App: "shop", Name: "backend", URL: url, Dialect: ours,
		Registry:    dialect.NewRegistry(ours, newFake("theirs")),
		Credentials: dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: testSecret}}},
		Egress:      egress.Policy{AllowPrivate: true},
		Version:     "1.2.3",
	}
}

func newSender(tb testing.TB, cfg Config) *Sender {
	tb.Helper()
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

func raw(dialectName, body string) *event.Event {
	return &event.Event{
		ID: "ev1", App: "shop", Source: "src", Type: event.MessageSend, Phase: event.After,
		Dialect: dialectName, Command: "say",
		Raw: event.Raw{Dialect: dialectName, Path: "/say", Query: "k=v", ContentType: "application/json; charset=utf-8", Body: []byte(body)},
	}
}

func TestSend_SameDialectGoesByteForByte(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	s := newSender(t, config(b.URL+"/base/"))
	body := "{ \"text\":\"hi\",\n \"unknown\": 9007199254740993 }"
	ev := raw("ours", body)
	ev.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	out := s.Send(t.Context(), ev, 0)
	if out.Kind != gateway.Delivered || out.Status != 200 || out.Sent != 1 || out.Exchange != nil || out.Took <= 0 {
		t.Fatalf("outcome = %+v, want delivered", out)
	}
	got := b.requests()[0]
	if got.Body != body || got.Method != http.MethodPost || got.Length != int64(len(body)) {
		t.Errorf("request = %+v, want POST of the same bytes with Content-Length", got)
	}
	sig := fmt.Sprintf("%x", event.Hash(testSecret, "ev1"))
	if want := "/base/say?k=v&sign=" + sig; got.URI != want {
		t.Errorf("URI = %s, want %s", got.URI, want)
	}
	want := http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Content-Length": {fmt.Sprint(len(body))},
		"Imhook-Event-Id": {"ev1"}, "Traceparent": {ev.Trace}, "User-Agent": {"imhook/1.2.3"}, "X-Sign": {sig},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestSend_MarksWhatIsDeliveredOnceMore(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	s := newSender(t, config(b.URL))
	ev := raw("ours", `{"text":"hi"}`)
	ev.Repeat = event.Requeued
	translated := raw("theirs", `{"text":"hi"}`)
	translated.Repeat = event.Replayed
	for _, ev := range []*event.Event{ev, translated, raw("ours", `{"text":"hi"}`)} {
		if out := s.Send(t.Context(), ev, 0); out.Kind != gateway.Delivered {
			t.Fatalf("outcome = %+v, want delivered", out)
		}
	}
	var got []string
	for _, r := range b.requests() {
		got = append(got, r.Header.Get("Imhook-Repeat"))
	}
	if diff := cmp.Diff([]string{"requeued", "replayed", ""}, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestSend_ShowsTheHeadOfTheAnswerWithoutWhatOpensDoors(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Why", "because of "+testSecret)
		w.Header().Set("Set-Cookie", "session=opens-doors")
		w.WriteHeader(http.StatusTeapot)
	})
	out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{"text":"hi"}`), 0)
	if out.Exchange == nil {
		t.Fatalf("outcome = %+v, want what was said", out)
	}
	head := out.Exchange.Head
	if !strings.Contains(head, "X-Why: because of <redacted>") || !strings.Contains(head, "Set-Cookie: <redacted>") || strings.Contains(head, "opens-doors") {
		t.Errorf("head = %q", head)
	}
}

func TestSend_SigningInTheBodyLeavesTheEventAlone(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	s := newSender(t, config(b.URL))
	body := `{"text":"hi","sig":"000"}`
	ev := raw("ours", body)
	if out := s.Send(t.Context(), ev, 0); out.Kind != gateway.Delivered {
		t.Fatalf("outcome = %+v", out)
	}
	if got := b.requests()[0].Body; got == body || len(got) != len(body) {
		t.Errorf("sent body = %s, want the signature replaced", got)
	}
	if got := string(ev.Raw.Body); got != body {
		t.Errorf("event's body = %s, want it unchanged", got)
	}
}

func TestSend_Generation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, endpoint, event string
		verbatim              bool
	}{
		{"auto takes any", "auto", "v1", true},
		{"empty takes any", "", "v1", true},
		{"equal", "v1", "v1", true},
		{"untold is taken for the right one", "v1", "", true},
		{"other is encoded", "v2", "v1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, nil)
			cfg := config(b.URL)
			cfg.Generation = tt.endpoint
			ev := raw("ours", `{"text":"hi"}`)
			ev.Generation = tt.event
			if out := newSender(t, cfg).Send(t.Context(), ev, 0); out.Kind != gateway.Delivered {
				t.Fatalf("outcome = %+v", out)
			}
			if got := b.requests()[0].Body; (got == `{"text":"hi"}`) != tt.verbatim {
				t.Errorf("body = %s, want verbatim = %v", got, tt.verbatim)
			}
		})
	}
}

func TestSend_TranslatesOtherDialects(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	s := newSender(t, config(b.URL))
	out := s.Send(t.Context(), raw("theirs", `{"text":"hi"}`), 0)
	if out.Kind != gateway.Delivered || out.Sent != 1 {
		t.Fatalf("outcome = %+v", out)
	}
	got := b.requests()[0]
	if want := `{"text":"hi","one":"","generation":""}`; got.Body != want {
		t.Errorf("body = %s, want %s", got.Body, want)
	}
	if id := got.Header.Get("Imhook-Event-Id"); id != "ev1" {
		t.Errorf("id of the only request = %s, want the event's", id)
	}
}

func TestSend_ResumesAtTheFirstUnsentRequest(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := newSender(t, config(b.URL))
	ev := raw("theirs", `{"text":"hi","to":["a","b","c"]}`)
	out := s.Send(t.Context(), ev, 0)
	if out.Kind != gateway.Retry || out.Sent != 1 {
		t.Fatalf("first attempt = %+v, want retry with one request through", out)
	}
	if out = s.Send(t.Context(), ev, out.Sent); out.Kind != gateway.Delivered || out.Sent != 3 {
		t.Fatalf("second attempt = %+v, want delivered with three", out)
	}
	var ids []string
	for _, r := range b.requests() {
		ids = append(ids, r.Header.Get("Imhook-Event-Id"))
	}
	if diff := cmp.Diff([]string{"ev1.0", "ev1.1", "ev1.1", "ev1.2"}, ids); diff != "" {
		t.Errorf("request ids (-want +got):\n%s", diff)
	}
}

func TestSend_WhatIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	base := config(b.URL)
	noSecret := config(b.URL)
	noSecret.Credentials = dialect.Credentials{}
	for _, tt := range []struct {
		name   string
		cfg    Config
		ev     *event.Event
		change func(*event.Event)
		want   gateway.Outcome
	}{
		{"untranslatable", base, raw("theirs", `{"text":"untranslatable"}`), nil, gateway.Outcome{Kind: gateway.Untranslatable, Detail: "cannot be expressed in this dialect: no such thing as message.send"}},
		{"nothing to say", base, raw("theirs", `{"text":"nothing"}`), nil, gateway.Outcome{Kind: gateway.Untranslatable, Detail: "ours says nothing for theirs say"}},
		{"unknown of another dialect", base, raw("theirs", `{`), func(e *event.Event) { e.Type = event.VendorUnknown }, gateway.Outcome{Kind: gateway.Untranslatable, Detail: "nothing is known of theirs say"}},
		{"echo", base, raw("theirs", `{"text":"hi"}`), func(e *event.Event) { e.Echo = true }, gateway.Outcome{Kind: gateway.Echoed}},
		{"encoder fails", base, raw("theirs", `{"text":"broken"}`), nil, gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonEncode, Detail: "encoding theirs say: cannot be encoded"}},
		{"cannot be read again", base, raw("theirs", `{`), nil, gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonEncode, Detail: "reading event ev1 again: theirs: unexpected end of JSON input"}},
		{"header breaks the head", base, raw("theirs", `{"text":"newline"}`), nil, gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonEncode, Detail: "encoding: header X-Odd holds a control character"}},
		{"query breaks the head", base, raw("theirs", `{"text":"space"}`), nil, gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonEncode, Detail: "encoding: the query holds a space or a control character"}},
		{"no secret", noSecret, raw("ours", `{}`), nil, gateway.Outcome{Kind: gateway.Misconfigured, Reason: gateway.ReasonSign, Detail: "signing: no valid secret to sign with"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.change != nil {
				tt.change(tt.ev)
			}
			out := newSender(t, tt.cfg).Send(t.Context(), tt.ev, 0)
			out.Took = 0
			if diff := cmp.Diff(tt.want, out); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(b.requests()); n != 0 {
			t.Errorf("the backend got %d requests, want none", n)
		}
	})
}

func TestSend_EchoesWhereAsked(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	cfg := config(b.URL)
	ev := raw("ours", `{"text":"hi"}`)
	ev.Echo = true
	if out := newSender(t, cfg).Send(t.Context(), ev, 0); out.Kind != gateway.Delivered {
		t.Errorf("echo in its own dialect = %+v, want delivered", out)
	}
	cfg.Echoes = true
	ev = raw("theirs", `{"text":"hi"}`)
	ev.Echo = true
	if out := newSender(t, cfg).Send(t.Context(), ev, 0); out.Kind != gateway.Delivered {
		t.Errorf("echo with Echoes = %+v, want delivered", out)
	}
}

func TestSend_OnRefusal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 200)
	for _, tt := range []struct {
		name   string
		policy OnRefusal
		answer string
		kind   gateway.OutcomeKind
		reason gateway.Reason
	}{
		{"ignored is counted", RefusalIgnore, "no thanks", gateway.Delivered, gateway.ReasonRefused},
		{"retried", RefusalRetry, "no thanks", gateway.Retry, gateway.ReasonRefused},
		{"parked", RefusalPark, "no thanks", gateway.Refused, gateway.ReasonRefused},
		{"accepted", RefusalPark, "yes", gateway.Delivered, gateway.ReasonNone},
		{"too long to judge, ignored", RefusalIgnore, long, gateway.Delivered, gateway.ReasonTooLarge},
		{"too long to judge, parked", RefusalPark, long, gateway.Refused, gateway.ReasonTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(newBackend(t, answers(tt.answer)).URL)
			cfg.OnRefusal = tt.policy
			cfg.MaxResponse = 100
			out := newSender(t, cfg).Send(t.Context(), raw("ours", `{}`), 0)
			if out.Kind != tt.kind || out.Reason != tt.reason {
				t.Errorf("outcome = %s/%s, want %s/%s (%s)", out.Kind, out.Reason, tt.kind, tt.reason, out.Detail)
			}
			if (out.Exchange == nil) != (tt.kind == gateway.Delivered) {
				t.Errorf("exchange = %+v", out.Exchange)
			}
			if (out.Detail == "") != (tt.reason == gateway.ReasonNone) {
				t.Errorf("detail = %q", out.Detail)
			}
		})
	}
}

func TestSend_Redirects(t *testing.T) {
	t.Parallel()
	elsewhere := newBackend(t, nil)
	to := func(code int, location string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/say" {
				w.Header().Set("Location", location)
				w.WriteHeader(code)
			}
		}
	}
	for _, tt := range []struct {
		name     string
		hand     func(int, http.ResponseWriter, *http.Request)
		kind     gateway.OutcomeKind
		requests int
		detail   string
	}{
		{"307 inside the host", to(307, "/say/?k=v"), gateway.Delivered, 2, ""},
		{"308 inside the host", to(308, "/other"), gateway.Delivered, 2, ""},
		{"302 is not followed", to(302, "/other"), gateway.Refused, 1, "answered 302 Found to /other, which is not followed: set the url to where it really is"},
		{"303 is not followed", to(303, "/other"), gateway.Refused, 1, ""},
		{"307 to another host", to(307, elsewhere.URL+"/other"), gateway.Refused, 1, ""},
		{"307 to another scheme", to(307, "https://127.0.0.1/other"), gateway.Refused, 1, ""},
		{"307 to a query with secrets", to(307, "http://example.invalid/other?token=abc"), gateway.Refused, 1, "answered 307 Temporary Redirect to http://example.invalid/other, which is not followed: set the url to where it really is"},
		{"307 without Location", to(307, ""), gateway.Refused, 1, ""},
		{"endless", to(307, "/say"), gateway.Refused, 1 + maxRedirects, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, tt.hand)
			out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{"text":"hi"}`), 0)
			got := b.requests()
			if out.Kind != tt.kind || len(got) != tt.requests {
				t.Fatalf("outcome = %+v after %d requests, want %s after %d", out, len(got), tt.kind, tt.requests)
			}
			if tt.kind == gateway.Refused && out.Reason != gateway.ReasonRedirect {
				t.Errorf("reason = %s, want %s", out.Reason, gateway.ReasonRedirect)
			}
			if tt.detail != "" && out.Detail != tt.detail {
				t.Errorf("detail = %q, want %q", out.Detail, tt.detail)
			}
			for _, r := range got {
				if r.Method != http.MethodPost || r.Body != `{"text":"hi"}` || r.Header.Get("X-Sign") == "" {
					t.Errorf("request after a redirect = %+v, want the same POST", r)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := len(elsewhere.requests()); n != 0 {
			t.Errorf("another host got %d requests, want none", n)
		}
	})
}

func TestSend_TimeoutCoversTheWholeExchange(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	for _, tt := range []struct {
		name string
		hand func(int, http.ResponseWriter, *http.Request)
	}{
		{"no answer", func(_ int, _ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}},
		{"answer that never ends", func(_ int, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(newBackend(t, tt.hand).URL)
			cfg.Timeout = 50 * time.Millisecond
			out := newSender(t, cfg).Send(t.Context(), raw("ours", `{}`), 0)
			if out.Kind != gateway.Retry || (out.Reason != gateway.ReasonTimeout && out.Status != 503) {
				t.Errorf("outcome = %+v, want retry", out)
			}
			if out.Took < cfg.Timeout {
				t.Errorf("took %v, want the timeout", out.Took)
			}
		})
	}
	t.Cleanup(func() { close(release) })
}

func TestSend_CancelledSaysNothingAboutTheEndpoint(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	b := newBackend(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	out := newSender(t, config(b.URL)).Send(ctx, raw("ours", `{}`), 0)
	if out.Kind != gateway.Retry || out.Reason != gateway.ReasonCancelled || out.Exchange != nil {
		t.Errorf("outcome = %+v, want cancelled", out)
	}
}

func TestSend_AnswersAreBoundedAndConnectionsUsedAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		bytes int
		conns int
	}{
		{"small", 10, 1},
		{"drained", drainBytes / 2, 1},
		{"let go of", drainBytes * 4, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			conns := map[string]bool{}
			chunk := bytes.Repeat([]byte("x"), 4096)
			b := newBackend(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				conns[r.RemoteAddr] = true
				mu.Unlock()
				for n := 0; n < tt.bytes; n += len(chunk) {
					if _, err := w.Write(chunk[:min(len(chunk), tt.bytes-n)]); err != nil {
						return
					}
				}
			})
			s := newSender(t, config(b.URL))
			for range 3 {
				if out := s.Send(t.Context(), raw("ours", `{}`), 0); out.Kind != gateway.Delivered {
					t.Fatalf("outcome = %+v", out)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(conns) != tt.conns {
				t.Errorf("%d connections, want %d", len(conns), tt.conns)
			}
		})
	}
}

func TestSend_ClosedIdleConnectionCostsNoAttempt(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	s := newSender(t, config(b.URL))
	for i := range 20 {
		if out := s.Send(t.Context(), raw("ours", `{}`), 0); out.Kind != gateway.Delivered {
			t.Fatalf("attempt %d: outcome = %+v, want delivered", i, out)
		}
		b.CloseClientConnections()
	}
}

func TestSend_PathsAndBaseURL(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	secret := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: testSecret}}}
	for _, tt := range []struct {
		name  string
		base  string
		paths map[string]string
		ev    *event.Event
		path  string
		want  string
	}{
		{"no base path", "", nil, raw("ours", `{}`), "/say", "/say?k=v&sign="},
		{"base path", "/in", nil, raw("ours", `{}`), "/say", "/in/say?k=v&sign="},
		{"slash not doubled", "/in/", nil, raw("ours", `{}`), "/say", "/in/say?k=v&sign="},
		{"base query first", "/in?key=1", nil, raw("ours", `{}`), "/say", "/in/say?key=1&k=v&sign="},
		{"escaped base path", "/a%2Fb", nil, raw("ours", `{}`), "/r x", "/a%2Fb/r%20x?k=v&sign="},
		{"escaped path", "/in", nil, raw("ours", `{}`), "/robot/a%2Fb%7C", "/in/robot/a%2Fb%7C?k=v&sign="},
		{"path with a stray percent", "/in", nil, raw("ours", `{}`), "/a%b", "/in/a%25b?k=v&sign="},
		{"no path", "/in/", nil, raw("ours", `{}`), "", "/in/?k=v&sign="},
		{"replaced", "", map[string]string{"say": "/mine"}, raw("ours", `{}`), "/say", "/mine?k=v&sign="},
		{"replaced by nothing", "/in", map[string]string{"say": ""}, raw("ours", `{}`), "/say", "/in?k=v&sign="},
		{"replaced in a translation", "", map[string]string{"say": "/mine"}, raw("theirs", `{"text":"x"}`), "/say", "/mine?sign="},
		{"another command's stays", "", map[string]string{"robot": "/mine"}, raw("ours", `{}`), "/say", "/say?k=v&sign="},
	} {
		cfg := config(b.URL + tt.base)
		cfg.Credentials, cfg.Paths = secret, tt.paths
		tt.ev.Raw.Path = tt.path
		if out := newSender(t, cfg).Send(t.Context(), tt.ev, 0); out.Kind != gateway.Delivered {
			t.Fatalf("%s: outcome = %+v", tt.name, out)
		}
		got := b.requests()
		if uri := got[len(got)-1].URI; !strings.HasPrefix(uri, tt.want) {
			t.Errorf("%s: URI = %s, want %s…", tt.name, uri, tt.want)
		}
	}
}

func TestSend_BasicAuthenticationFromTheURL(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	cfg := config(strings.Replace(b.URL, "http://", "http://jo:pass%40word@", 1))
	if out := newSender(t, cfg).Send(t.Context(), raw("ours", `{}`), 0); out.Kind != gateway.Delivered {
		t.Fatalf("outcome = %+v", out)
	}
	r := http.Request{Header: b.requests()[0].Header}
	if user, password, ok := r.BasicAuth(); !ok || user != "jo" || password != "pass@word" {
		t.Errorf("authentication = %q %q %v", user, password, ok)
	}
}

func TestSend_SecretsNeverAppear(t *testing.T) {
	t.Parallel()
	// An echo server in debug mode: everything it got comes back.
	b := newBackend(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %v %s pass-word", r.RequestURI, r.Header, testSecret)
	})
	cfg := config(strings.Replace(b.URL, "http://", "http://jo:pass-word@", 1) + "/in?key=query-secret")
	out := newSender(t, cfg).Send(t.Context(), raw("ours", `{"text":"`+testSecret+`"}`), 0)
	if out.Kind != gateway.Refused || out.Exchange == nil {
		t.Fatalf("outcome = %+v, want refused", out)
	}
	all := fmt.Sprintf("%+v %+v", out, *out.Exchange)
	for _, secret := range []string{testSecret, "pass-word", "query-secret"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q appears in %s", secret, all)
		}
	}
	if want := b.URL + "/in/say?key=<redacted>&k=v&sign=<redacted>"; out.Exchange.URL != want {
		t.Errorf("shown URL = %s, want %s", out.Exchange.URL, want)
	}
}

// TestRedactor_HidesSecretsInEveryForm: a backend echoes what it got in its error
// page, and not as the configuration writes it.
func TestRedactor_HidesSecretsInEveryForm(t *testing.T) {
	t.Parallel()
	base, err := parseBase("https://jo:pass%40word%2F1@backend/in?key=query%2Fsecret%3D1")
	if err != nil {
		t.Fatal(err)
	}
	r := newRedactor(newFake("ours").Spec(), dialect.Credentials{Secrets: []dialect.DatedSecret{
		{Value: "rotated"}, {Value: "rotated-again"}, {Value: `with "quotes" <&>`},
	}}, base)
	for _, text := range []string{
		"Authorization: Basic am86cGFzc0B3b3JkLzE=",
		"pw pass@word/1", "pass%40word%2F1",
		"query/secret=1", "key=query%2Fsecret%3D1", "key=query%2fsecret%3d1",
		"the new one is rotated-again",
		`plain with "quotes" <&>`, `{"secret":"with \"quotes\" <&>"}`, `{"secret":"with \"quotes\" \u003c\u0026\u003e"}`,
		"with+%22quotes%22+%3C%26%3E", "with &#34;quotes&#34; &lt;&amp;&gt;",
	} {
		got := r.text(text, shownBytes)
		for _, left := range []string{"am86", "word", "secret=", "secret%3", "again", "quotes"} {
			if strings.Contains(got, left) {
				t.Errorf("%q is shown as %q", text, got)
			}
		}
		if !strings.Contains(got, dialect.Redacted) {
			t.Errorf("%q is shown as %q, want something hidden", text, got)
		}
	}
}

func TestSend_ExchangeIsBounded(t *testing.T) {
	t.Parallel()
	b := newBackend(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat("ä", 10_000))
	})
	out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{"text":"`+strings.Repeat("é", 10_000)+`"}`), 0)
	x := out.Exchange
	if x == nil || x.Status != 400 || x.Response == "" || x.Request == "" {
		t.Fatalf("exchange = %+v", x)
	}
	for name, s := range map[string]string{"request": x.Request, "response": x.Response} {
		if len(s) > shownBytes || strings.ToValidUTF8(s, "") != s {
			t.Errorf("%s has %d bytes, want valid UTF-8 of at most %d", name, len(s), shownBytes)
		}
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"scheme", func(c *Config) { c.URL = "ftp://host/" }, `reading url: scheme is "ftp", want http or https`},
		{"host", func(c *Config) { c.URL = "http:///x" }, "reading url: host is missing"},
		{"no secret in the error", func(c *Config) { c.URL = "http://jo:secret@[" }, "reading url: not a valid URL"},
		{"fragment", func(c *Config) { c.URL = "http://host/#x" }, "reading url: a fragment (#) is never sent"},
		{"generation", func(c *Config) { c.Generation = "v9" }, `generation is "v9": dialect ours has ["v2" "v1"]`},
		{"policy", func(c *Config) { c.OnRefusal = "maybe" }, `on_refusal is "maybe", want ignore, retry or park`},
		{"command", func(c *Config) { c.Paths = map[string]string{"sey": "/x"} }, `paths: dialect ours has no command "sey"`},
		{"path", func(c *Config) { c.Paths = map[string]string{"say": "x"} }, `paths: say: path is "x", want a leading /`},
		{"placeholder", func(c *Config) { c.Paths = map[string]string{"say": "/{robot}"} }, `paths: say: {robot} is not in the dialect's path "/say"`},
		{"timeout", func(c *Config) { c.Timeout = -1 }, "timeout is -1ns, want more than 0"},
	} {
		cfg := config("http://localhost")
		tt.change(&cfg)
		_, err := New(cfg)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestOverrides_KeepPlaceholders(t *testing.T) {
	t.Parallel()
	os, err := newOverrides(newFake("ours").Spec(), map[string]string{"robot": "/bots/{robot}/in"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ command, path, want string }{
		{"robot", "/robot/r1", "/bots/r1/in"},
		{"", "/robot/r1", "/bots/r1/in"},
		{"", "/robot/r1/more", "/robot/r1/more"},
		{"say", "/say", "/say"},
		{"", "/say", "/say"},
	} {
		if got := os.apply(tt.command, tt.path); got != tt.want {
			t.Errorf("apply(%q, %q) = %q, want %q", tt.command, tt.path, got, tt.want)
		}
	}
}
