package receive

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

const testSecret = "the-secret-of-src"

var now = time.Date(2026, 11, 20, 8, 0, 0, 123456789, time.UTC)

// rig is a handler with what it stands on.
type rig struct {
	*Handler
	journal *memory
	log     *bytes.Buffer
	reg     *prometheus.Registry
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{journal: newMemory(), log: &bytes.Buffer{}, reg: prometheus.NewRegistry()}
	secret := dialect.Credentials{Public: map[string]string{"app": "shop"}, Secrets: []dialect.DatedSecret{{Value: testSecret}}}
	cfg := Config{
		Sources: []Source{
			{Name: "src", App: "shop", Dialect: newFake(), Credentials: secret},
			{Name: "open", App: "shop", Dialect: newFake()},
			{Name: "hidden", App: "shop", Dialect: newFake(), PathToken: "t0ken/x"},
			{Name: "rotating", App: "shop", Dialect: newFake(), PathTokens: []dialect.DatedSecret{
				{Value: "old", Until: now}, {Value: "present", Until: now.Add(time.Second)}, {Value: "next", From: now}, {Value: "later", From: now.Add(1)},
			}},
			{Name: "closed", App: "shop", Dialect: newFake(), PathTokens: []dialect.DatedSecret{{Value: "old", Until: now}}},
			{Name: "near", App: "shop", Dialect: newFake(), AllowFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
			{Name: "fixed", App: "shop", Dialect: newFake(), Generation: "v2", MaxAge: -1},
		},
		Journal: r.journal,
		Decider: deciderFunc(func(context.Context, *event.Event) event.Verdict { return event.Verdict{Action: event.Deny} }),
		MaxBody: 1000,
		Now:     func() time.Time { return now },
		Log:     slog.New(slog.NewTextHandler(r.log, nil)),
		Metrics: r.reg,
	}
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Handler = h
	// Whatever a test does to it, what came in is somewhere in the end.
	t.Cleanup(func() {
		for _, a := range r.Accounts() {
			if words := unbalanced(a); words != "" {
				t.Error(words)
			}
		}
	})
	return r
}

// post sends body to path; header are pairs.
func (r *rig) post(path, body string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func (r *rig) counter(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	next:
		for _, m := range f.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || (l.GetName() == labels[i] && l.GetValue() == labels[i+1])
				}
				if !found {
					continue next
				}
			}
			return m.GetCounter().GetValue()
		}
	}
	return 0
}

func TestServeHTTP_KeepsAndFillsIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	body := `[{"type":"message.send","dedupe":"m1","lane":"group:g1","at":1700000000001},{"type":"alarm.rate","lane":"system:"},{"type":"user.online","id":"wire-id"}]`
	w := r.post("/in/src/some/path?a=b", body, "X-Sign", testSecret, "X-Nonce", "n1", "Traceparent", trace)
	if w.Code != 200 || w.Body.String() != "took 3" || w.Header().Get("Content-Length") != "6" || w.Header().Get("Content-Type") != "text/x-fake" {
		t.Fatalf("answer = %d %q %v", w.Code, w.Body, w.Header())
	}
	a := r.journal.arrivals()[0]
	raw := event.Raw{Dialect: "fake", Path: "/some/path", Query: "a=b", ContentType: "application/json", Body: []byte(body)}
	base := event.Event{App: "shop", Source: "src", Phase: event.After, Dialect: "fake", Command: "cmd", Trace: trace, Raw: raw}
	arrived := time.Date(2026, 11, 20, 8, 0, 0, 123000000, time.UTC)
	want := []*event.Event{new(event.Event), new(event.Event), new(event.Event)}
	*want[0], *want[1], *want[2] = base, base, base
	want[0].ID, want[0].Dedupe = event.DeriveID("shop", "src", "cmd", "m1"), "m1"
	want[0].Type, want[0].Lane, want[0].Time = event.MessageSend, "group:g1", time.UnixMilli(1700000000001).UTC()
	want[1].ID = a.Events[1].ID // new every time
	want[1].Type, want[1].Lane, want[1].Time = event.AlarmRate, "system:src", arrived
	want[2].ID, want[2].Type, want[2].Lane, want[2].Time = "wire-id", event.UserOnline, "system:src", arrived
	if diff := cmp.Diff(want, a.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if len(a.Events[1].ID) != 26 {
		t.Errorf("id of an event that nothing identifies = %q", a.Events[1].ID)
	}
	if a.Guard.Key != event.Hash("src", "n1") || a.Guard.Sum == (event.Key{}) {
		t.Errorf("guard = %+v", a.Guard)
	}
	if n := r.counter(t, "imhook_received_total", "app", "shop", "source", "src", "type", "alarm.rate"); n != 1 {
		t.Errorf("received alarm.rate = %v, want 1", n)
	}
	if n := r.counter(t, "imhook_journaled_total", "source", "src"); n != 3 {
		t.Errorf("journaled = %v, want 3", n)
	}
}

func TestServeHTTP_UnknownTypesShareOneSeries(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for i := range 20 {
		r.post("/in/open", fmt.Sprintf(`[{"type":"made.up%d"}]`, i))
	}
	if n := r.counter(t, "imhook_received_total", "type", "other"); n != 20 {
		t.Errorf("received others = %v, want 20", n)
	}
	if n := testutil.CollectAndCount(r.metrics.received); n != 1 {
		t.Errorf("%d series, want 1", n)
	}
}

func TestServeHTTP_Refusals(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, tt := range []struct {
		name   string
		path   string
		body   string
		header []string
		status int
		reason Reason
		answer string
	}{
		{"no signature", "/in/src", "[]", nil, 401, ReasonSignature, "sorry: signature does not fit: X-Sign"},
		{"wrong app", "/in/src", "[]", []string{"X-Sign", testSecret, "X-App", "other"}, 401, ReasonWrongApp, "sorry: request belongs to another app: X-App is other"},
		{"stale", "/in/src", "[]", []string{"X-Sign", testSecret, "X-Time", "2026-11-20T07:58:00Z"}, 401, ReasonStale, "sorry: signed timestamp outside the window"},
		{"too large", "/in/open", strings.Repeat("x", 1001), nil, 413, ReasonBodyTooLarge, "sorry: body is larger than 1000 bytes"},
		{"too deep", "/in/open", deep, nil, 400, ReasonDepth, "sorry: nested too deep: more than 64 levels"},
		{"not the vendor's form", "/in/open", "{}", nil, 400, ReasonDecode, "sorry: fake: field 0.type: json: cannot unmarshal object into Go value of type []receive.fakeItem"},
		{"before among others", "/in/open", `[{"type":"message.send","before":true},{"type":"message.send"}]`, nil, 400, ReasonMixed, "sorry: a before-event must come alone: one request, one verdict"},
		{"climbing path", "/in/open/a/../../b", "[]", nil, 400, ReasonPath, "sorry: a path must not hold . or .. between slashes"},
		{"climbing path, escaped", "/in/open/%2e%2E/b", "[]", nil, 400, ReasonPath, "sorry: a path must not hold . or .. between slashes"},
		{"climbing path, slashes too", "/in/open/..%2f..%5Cb", "[]", nil, 400, ReasonPath, "sorry: a path must not hold . or .. between slashes"},
		{"encoding", "/in/open", "[]", []string{"Content-Encoding", "br"}, 415, ReasonEncoding, `sorry: content encoding "br" is not supported: send plain or gzip`},
		{"not gzip", "/in/open", "[]", []string{"Content-Encoding", "gzip"}, 400, ReasonClientGone, "sorry: the body ended early"},
		{"not gzip either", "/in/open", "a body of some more bytes", []string{"Content-Encoding", "gzip"}, 400, ReasonEncoding, "sorry: unpacking gzip: gzip: invalid header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			w := r.post(tt.path, tt.body, tt.header...)
			if w.Code != tt.status || w.Body.String() != tt.answer {
				t.Errorf("answer = %d %q, want %d %q", w.Code, w.Body, tt.status, tt.answer)
			}
			if cl := w.Header().Get("Content-Length"); cl != fmt.Sprint(len(tt.answer)) {
				t.Errorf("Content-Length = %s", cl)
			}
			source, _, _ := strings.Cut(strings.TrimPrefix(tt.path, "/in/"), "/")
			if n := r.counter(t, "imhook_rejected_total", "source", source, "reason", string(tt.reason)); n != 1 {
				t.Errorf("rejected for %s = %v, want 1", tt.reason, n)
			}
			if n := len(r.journal.arrivals()); n != 0 {
				t.Errorf("the journal has %d arrivals, want none", n)
			}
			log := r.log.String()
			if !strings.Contains(log, "reason="+string(tt.reason)) {
				t.Errorf("log does not name the reason: %s", log)
			}
			if strings.Contains(log, testSecret) || (len(tt.body) > 2 && strings.Contains(log, tt.body)) {
				t.Errorf("log holds a secret or the body: %s", log)
			}
		})
	}
}

func TestServeHTTP_JournalRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		reason Reason
		answer string
	}{
		{gateway.ErrFull, 503, ReasonFull, "sorry: journal is full"},
		{gateway.ErrUnavailable, 503, ReasonUnavailable, "sorry: journal is unavailable"},
		{errors.New("disk /dev/sda on fire"), 503, ReasonUnavailable, "sorry: journal is unavailable"},
		{gateway.ErrReplayed, 401, ReasonReplayed, "sorry: signature was used before with another body"},
		{gateway.ErrTooLarge, 413, ReasonEventTooLarge, "sorry: event is larger than the journal takes"},
	} {
		t.Run(string(tt.reason), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.journal.err = tt.err
			w := r.post("/in/open", `[{"type":"message.send"},{"type":"message.send"}]`)
			if w.Code != tt.status || w.Body.String() != tt.answer {
				t.Errorf("answer = %d %q, want %d %q", w.Code, w.Body, tt.status, tt.answer)
			}
			if got := w.Header().Get("Retry-After"); (got != "") != (tt.status == 503) {
				t.Errorf("Retry-After = %q", got)
			}
			// The ledger: received = journaled + duplicates + refused.
			if n := r.counter(t, "imhook_refused_total", "source", "open"); n != 2 {
				t.Errorf("refused = %v, want 2", n)
			}
			if n := r.counter(t, "imhook_received_total", "source", "open"); n != 2 {
				t.Errorf("received = %v, want 2", n)
			}
		})
	}
}

func TestServeHTTP_RetryIsADuplicateAndReplayIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := func(path, dedupe string) int {
		return r.post(path, `[{"type":"message.send","dedupe":"`+dedupe+`"}]`, "X-Sign", testSecret, "X-Nonce", "n1").Code
	}
	if got := send("/in/src/a", "m1"); got != 200 {
		t.Fatalf("first = %d", got)
	}
	if got := send("/in/src/a", "m1"); got != 200 {
		t.Errorf("honest retry = %d, want 200", got)
	}
	if n := r.counter(t, "imhook_duplicates_total", "source", "src"); n != 1 {
		t.Errorf("duplicates = %v, want 1", n)
	}
	if got := send("/in/src/a", "m2"); got != 401 {
		t.Errorf("same signature with another body = %d, want 401", got)
	}
	if got := send("/in/src/b", "m1"); got != 401 {
		t.Errorf("same signature on another path = %d, want 401", got)
	}
}

func TestServeHTTP_BeforeIsDecided(t *testing.T) {
	t.Parallel()
	var asked *event.Event
	r := newRig(t, func(c *Config) {
		c.Decider = deciderFunc(func(_ context.Context, ev *event.Event) event.Verdict {
			asked = ev
			return event.Verdict{Action: event.Drop}
		})
	})
	w := r.post("/in/fixed", `[{"type":"message.send","before":true}]`)
	if w.Code != 200 || w.Body.String() != "drop" {
		t.Fatalf("answer = %d %q, want drop", w.Code, w.Body)
	}
	if asked == nil || asked.Source != "fixed" || asked.Generation != "v2" || asked.ID == "" || asked.Lane != "" {
		t.Errorf("asked about %+v", asked)
	}
	if n := len(r.journal.arrivals()); n != 0 {
		t.Errorf("the journal has %d arrivals, want none", n)
	}
	if n := r.counter(t, "imhook_answered_total", "source", "fixed", "verdict", "drop"); n != 1 {
		t.Errorf("answered = %v, want 1", n)
	}
}

// proposals keeps what it is asked.
type proposals struct{ all []gateway.Proposal }

func (p *proposals) Decide(_ context.Context, one gateway.Proposal) (event.Verdict, error) {
	p.all = append(p.all, one)
	if len(p.all) > 1 {
		return event.Verdict{}, gateway.ErrReplayed
	}
	return event.Allowed(), nil
}

func TestServeHTTP_BeforeHasItsDeadline(t *testing.T) {
	t.Parallel()
	for deadline, want := range map[time.Duration]time.Duration{
		0: 2750 * time.Millisecond, time.Second: 750 * time.Millisecond, time.Minute: time.Minute - 250*time.Millisecond,
	} {
		d := &proposals{}
		r := newRig(t, func(c *Config) {
			c.Decider = d
			for i := range c.Sources {
				c.Sources[i].Deadline = deadline
			}
		})
		begin := time.Now()
		if w := r.post("/in/fixed", `[{"type":"message.send","before":true}]`); w.Code != 200 {
			t.Fatalf("answer = %d %q", w.Code, w.Body)
		}
		p := d.all[0]
		if got := p.Deadline.Sub(p.Begin); got != want || p.Begin.Before(begin) || p.Carries == nil {
			t.Errorf("a server that waits %v: %v from %v on, want %v", deadline, got, p.Begin, want)
		}
		if w := r.post("/in/fixed", `[{"type":"message.send","before":true}]`); w.Code != 401 {
			t.Errorf("a replayed question is answered %d %q", w.Code, w.Body)
		}
		if n := r.counter(t, "imhook_rejected_total", "source", "fixed", "reason", "replayed"); n != 1 {
			t.Errorf("counted %v times, want once", n)
		}
	}
}

func TestServeHTTP_NothingInARequestIsAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if w := r.post("/in/open", "[]"); w.Code != 200 || w.Body.String() != "took 0" {
		t.Errorf("answer = %d %q", w.Code, w.Body)
	}
	if n := len(r.journal.arrivals()); n != 0 {
		t.Errorf("the journal has %d arrivals, want none", n)
	}
}

func TestServeHTTP_SourceAndToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, tt := range []struct {
		path   string
		status int
		rest   string // what the dialect sees as its path
		reason Reason
		source string
	}{
		{"/in/open", 200, "", "", ""},
		{"/in/open/", 200, "", "", ""},
		{"/in/open/a/b%2Fc", 200, "/a/b%2Fc", "", ""},
		{"/in/hidden/t0ken%2Fx", 200, "", "", ""},
		{"/in/hidden/t0ken%2Fx/a/b", 200, "/a/b", "", ""},
		{"/in/hidden", 404, "", ReasonPathToken, "hidden"},
		{"/in/hidden/", 404, "", ReasonPathToken, "hidden"},
		{"/in/hidden/t0ken", 404, "", ReasonPathToken, "hidden"},
		{"/in/hidden/t0ken/x", 404, "", ReasonPathToken, "hidden"},
		{"/in/hidden/wrong/a/b", 404, "", ReasonPathToken, "hidden"},
		{"/in/rotating/present/a", 200, "/a", "", ""},
		{"/in/rotating/next", 200, "", "", ""},
		{"/in/rotating/old", 404, "", ReasonPathToken, "rotating"},
		{"/in/rotating/later", 404, "", ReasonPathToken, "rotating"},
		{"/in/rotating", 404, "", ReasonPathToken, "rotating"},
		{"/in/closed/old", 404, "", ReasonPathToken, "closed"},
		{"/in/closed", 404, "", ReasonPathToken, "closed"},
		{"/in/nobody", 404, "", ReasonUnknownSource, ""},
		{"/in/", 404, "", ReasonUnknownSource, ""},
		{"/other", 404, "", ReasonUnknownSource, ""},
	} {
		had := r.counter(t, "imhook_rejected_total", "source", tt.source, "reason", string(tt.reason))
		w := r.post(tt.path, `[{"type":"message.send"}]`)
		if w.Code != tt.status {
			t.Errorf("%s: status = %d, want %d", tt.path, w.Code, tt.status)
			continue
		}
		if tt.status == 200 {
			as := r.journal.arrivals()
			if got := as[len(as)-1].Events[0].Raw.Path; got != tt.rest {
				t.Errorf("%s: path = %q, want %q", tt.path, got, tt.rest)
			}
			continue
		}
		if !strings.Contains(w.Body.String(), "/in/{source}") || !strings.Contains(w.Body.String(), `"reason":"unknown_source"`) {
			t.Errorf("%s: answer = %s", tt.path, w.Body)
		}
		if n := r.counter(t, "imhook_rejected_total", "source", tt.source, "reason", string(tt.reason)); n != had+1 {
			t.Errorf("%s: rejected for %s = %v, want %v", tt.path, tt.reason, n, had+1)
		}
	}
	if strings.Contains(r.log.String(), "t0ken") {
		t.Errorf("log holds the token: %s", r.log)
	}
}

func TestServeHTTP_Address(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, tt := range []struct {
		name      string
		peer      string
		forwarded []string
		want      int
	}{
		{"allowed peer", "192.0.2.7:1", nil, 200},
		{"allowed peer in IPv6 clothes", "[::ffff:192.0.2.7]:1", nil, 200},
		{"other peer", "198.51.100.1:1", nil, 403},
		{"other peer cannot forward", "198.51.100.1:1", []string{"192.0.2.7"}, 403},
		{"allowed peer is not a proxy", "192.0.2.7:1", []string{"198.51.100.1"}, 200},
		{"proxy for an allowed one", "10.0.0.1:1", []string{"192.0.2.7"}, 200},
		{"proxy with port", "10.0.0.1:1", []string{"192.0.2.7:4711"}, 200},
		{"two proxies", "10.0.0.1:1", []string{"192.0.2.7, 10.0.0.2"}, 200},
		{"two lines", "10.0.0.1:1", []string{"198.51.100.1", "192.0.2.7"}, 200},
		{"what the caller wrote itself", "10.0.0.1:1", []string{"192.0.2.7, 198.51.100.1"}, 403},
		{"in a line of its own", "10.0.0.1:1", []string{"192.0.2.7", "198.51.100.1"}, 403},
		{"rubbish at the right", "10.0.0.1:1", []string{"192.0.2.7, unknown"}, 403},
		{"proxy itself", "10.0.0.1:1", nil, 403},
		{"proxies only", "10.0.0.1:1", []string{"10.0.0.9"}, 403},
		{"no address at all", "@", nil, 403},
	} {
		req := httptest.NewRequest(http.MethodPost, "/in/near", strings.NewReader("[]"))
		req.RemoteAddr = tt.peer
		req.Header["X-Forwarded-For"] = tt.forwarded
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != tt.want {
			t.Errorf("%s: status = %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

func TestServeHTTP_Method(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodOptions} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, "/in/open", nil))
		if w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: answer = %d %v, want 405 with Allow", method, w.Code, w.Header())
		}
	}
}

func TestServeHTTP_Gzip(t *testing.T) {
	t.Parallel()
	pack := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.String()
	}
	r := newRig(t, nil)
	if w := r.post("/in/open", pack(`[{"type":"message.send"}]`), "Content-Encoding", "gzip"); w.Code != 200 {
		t.Errorf("gzip = %d %s, want 200", w.Code, w.Body)
	}
	bomb := pack(strings.Repeat(" ", 100_000))
	if len(bomb) > 1000 {
		t.Fatalf("bomb has %d bytes", len(bomb))
	}
	if w := r.post("/in/open", bomb, "Content-Encoding", "gzip"); w.Code != 413 {
		t.Errorf("bomb = %d, want 413", w.Code)
	}
	cut := pack(strings.Repeat("[]", 400))
	if w := r.post("/in/open", cut[:len(cut)-6], "Content-Encoding", "gzip"); w.Code != 400 {
		t.Errorf("cut short = %d, want 400", w.Code)
	}
}

func TestServeHTTP_MaxAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{0, 401}, {-1, 200}, {time.Hour, 200}, {time.Minute, 401}} {
		r := newRig(t, func(c *Config) { c.Sources[0].MaxAge = tt.age })
		w := r.post("/in/src", "[]", "X-Sign", testSecret, "X-Time", "2026-11-20T07:50:00Z")
		if w.Code != tt.want {
			t.Errorf("max age %v: status = %d, want %d", tt.age, w.Code, tt.want)
		}
	}
}

func TestServeHTTP_PanicIsAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, tt := range []struct {
		name, refuse, form string
	}{
		{"in the vendor's form", "", "text/x-fake"},
		{"plainly when that panics too", "panic", "application/json"},
	} {
		w := r.post("/in/open", `"panic"`, "X-Refuse", tt.refuse)
		if w.Code != 500 || w.Header().Get("Content-Type") != tt.form {
			t.Fatalf("%s: answer = %d %v %s", tt.name, w.Code, w.Header(), w.Body)
		}
		_, id, ok := strings.Cut(w.Body.String(), "internal error ")
		if id, _, _ = strings.Cut(id, `"`); !ok || len(id) != 26 || !strings.Contains(r.log.String(), "error_id="+id) {
			t.Errorf("%s: answer %q has no id that the log has too", tt.name, w.Body)
		}
	}
	if n := r.counter(t, "imhook_rejected_total", "source", "open", "reason", "panic"); n != 2 {
		t.Errorf("rejected for panic = %v, want 2", n)
	}
	if w := r.post("/in/open", "[]"); w.Code != 200 {
		t.Errorf("after a panic = %d, want 200", w.Code)
	}
}

func TestServeHTTP_CallerThatLeavesDoesNotStopTheJournal(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	r := newRig(t, nil)
	r.journal.hold = func(kept context.Context) {
		leave()
		if kept.Err() != nil {
			t.Error("the journal's context ended with the caller's")
		}
	}
	req := httptest.NewRequest(http.MethodPost, "/in/open", strings.NewReader(`[{"type":"message.send"}]`)).WithContext(ctx)
	r.ServeHTTP(httptest.NewRecorder(), req)
	if n := len(r.journal.arrivals()); n != 1 {
		t.Errorf("the journal has %d arrivals, want 1", n)
	}
	if n := r.counter(t, "imhook_unanswered_total", "source", "open"); n != 1 {
		t.Errorf("unanswered = %v, want 1", n)
	}
}

func TestServeHTTP_RefusalsAreLoggedSparingly(t *testing.T) {
	t.Parallel()
	clock := now
	r := newRig(t, func(c *Config) { c.Now = func() time.Time { return clock } })
	for range 100 {
		r.post("/in/src", "[]")
	}
	if n := strings.Count(r.log.String(), "request refused"); n != 10 {
		t.Errorf("%d lines for 100 refusals, want 10", n)
	}
	clock = clock.Add(2 * time.Second)
	r.post("/in/src", "[]")
	if !strings.Contains(r.log.String(), "left_out=90") {
		t.Errorf("log does not say how many were left out: %s", r.log)
	}
}

func TestServeHTTP_UnknownKindIsSaidOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		if w := r.post("/in/open", `[{"type":"vendor.unknown"}]`); w.Code != 200 {
			t.Fatalf("unknown kind = %d, want 200: it is kept", w.Code)
		}
	}
	if n := strings.Count(r.log.String(), "callback of an unknown kind"); n != 1 {
		t.Errorf("%d lines for one unknown kind, want 1: %s", n, r.log)
	}
}

func TestSet_ReplacesSources(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if err := r.Set([]Source{{Name: "new", App: "shop", Dialect: newFake()}}); err != nil {
		t.Fatal(err)
	}
	if w := r.post("/in/new", "[]"); w.Code != 200 {
		t.Errorf("new source = %d, want 200", w.Code)
	}
	if w := r.post("/in/open", "[]"); w.Code != 404 {
		t.Errorf("old source = %d, want 404", w.Code)
	}
	for name, sources := range map[string][]Source{
		"two of one name": {{Name: "a", App: "x", Dialect: newFake()}, {Name: "a", App: "y", Dialect: newFake()}},
		"slash":           {{Name: "a/b", App: "x", Dialect: newFake()}},
		"no name":         {{App: "x", Dialect: newFake()}},
		"no app":          {{Name: "a", Dialect: newFake()}},
		"no dialect":      {{Name: "a", App: "x"}},
	} {
		if err := r.Set(sources); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if w := r.post("/in/new", "[]"); w.Code != 200 {
		t.Errorf("after refused changes = %d, want 200", w.Code)
	}
}

func TestSet_WhileServing(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Log = nil })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if w := r.post("/in/open", `[{"type":"message.send"}]`); w.Code != 200 {
					t.Errorf("status = %d", w.Code)
				}
			}
		})
	}
	for range 200 {
		if err := r.Set([]Source{{Name: "open", App: "shop", Dialect: newFake()}}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if n := r.counter(t, "imhook_journaled_total", "source", "open"); n != 800 {
		t.Errorf("journaled = %v, want 800: counters survive a change", n)
	}
}

// The rest goes over a real connection.

func (r *rig) serve(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return srv
}

func TestServeHTTP_OverTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MaxBody = 1 << 20 })
	srv := r.serve(t)
	pad := strings.Repeat(" ", 100_000)
	for _, tt := range []struct {
		name string
		body io.Reader
	}{
		{"with length", strings.NewReader(`[{"type":"message.send"}]` + pad)},
		{"chunked", io.MultiReader(strings.NewReader(`[{"type":"message.send"}]` + pad))},
	} {
		res, err := srv.Client().Post(srv.URL+"/in/open", "application/json", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(got) != "took 1" || res.ContentLength != 6 || res.TransferEncoding != nil || res.Uncompressed {
			t.Errorf("%s: answer = %q, length %d, %v", tt.name, got, res.ContentLength, res.TransferEncoding)
		}
	}
	res, err := srv.Client().Post(srv.URL+"/in/open", "application/json", io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20+1))))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked and too large = %d, want 413", res.StatusCode)
	}
}

func TestServeHTTP_BodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.ReadTimeout = 30 * time.Millisecond })
	srv := r.serve(t)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /in/open HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[]")
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("answer = %q, want 408", answer)
	}
	if n := r.counter(t, "imhook_rejected_total", "source", "open", "reason", "timeout"); n != 1 {
		t.Errorf("rejected for timeout = %v, want 1", n)
	}
}

func TestServeHTTP_ReadTimeoutEndsWithTheBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.ReadTimeout = 300 * time.Millisecond
		c.Decider = deciderFunc(func(ctx context.Context, _ *event.Event) event.Verdict {
			select {
			case <-ctx.Done():
				t.Error("the deadline of the body ended the decision")
			case <-time.After(600 * time.Millisecond): // twice the timeout
			}
			return event.Allowed()
		})
	})
	srv := r.serve(t)
	for range 2 { // the connection can be used again
		res, err := srv.Client().Post(srv.URL+"/in/open", "application/json", strings.NewReader(`[{"type":"message.send","before":true}]`))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("status = %d", res.StatusCode)
		}
	}
}

func TestServeHTTP_CallerThatLeavesInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer close(done)
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /in/open HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[]")
	_ = conn.Close()
	<-done
	if n := r.counter(t, "imhook_rejected_total", "source", "open", "reason", "client_gone"); n != 1 {
		t.Errorf("rejected for client_gone = %v, want 1", n)
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	ok := Config{Journal: newMemory(), Decider: deciderFunc(nil)}
	for name, change := range map[string]func(*Config){
		"no journal":   func(c *Config) { c.Journal = nil },
		"no decider":   func(c *Config) { c.Decider = nil },
		"max body":     func(c *Config) { c.MaxBody = -1 },
		"max depth":    func(c *Config) { c.MaxDepth = -1 },
		"read timeout": func(c *Config) { c.ReadTimeout = -1 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	reg := prometheus.NewRegistry()
	ok.Metrics = reg
	if _, err := New(ok); err != nil {
		t.Fatal(err)
	}
	if _, err := New(ok); err == nil {
		t.Error("a second handler on the same registry: no error")
	}
}
