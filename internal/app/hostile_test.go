package app_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// badServer answers each connection's requests with serve, over plain TCP: what it says
// need not be HTTP. It has read the head of a request before it is asked, and it is over
// when the connection is.
func badServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 64<<10)); err == nil {
					serve(c)
				}
			})
		}
	})
	return "http://" + l.Addr().String()
}

// forever writes piece again and again, with a pause, until the other side is gone.
func forever(c net.Conn, piece string, pause time.Duration) {
	var tick <-chan time.Time
	if pause > 0 {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		if _, err := io.WriteString(c, piece); err != nil {
			return
		}
		if tick != nil {
			<-tick
		}
	}
}

// hang says text and then nothing more until the other side is gone.
func hang(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

const head200 = "HTTP/1.1 200 OK\r\n"

// hostile is an endpoint that does something wrong, and what is said about it.
type hostile struct {
	name    string
	dialect string // empty means wildfirechat
	url     string
	more    string
	// reason is the dead letters', words are in their detail; no words mean that events
	// are delivered all the same.
	reason gateway.Reason
	words  []string
}

func hostiles(t *testing.T) []hostile {
	t.Helper()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	asks := httptest.NewUnstartedServer(http.NotFoundHandler())
	asks.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	asks.Config.ErrorLog = log.New(io.Discard, "", 0)
	asks.StartTLS()
	t.Cleanup(asks.Close)
	piece := strings.Repeat("x", 64<<10)
	const attempts, body = gateway.ReasonAttempts, "on_refusal: park"
	return []hostile{
		{name: "drips-head", url: badServer(t, func(c net.Conn) { forever(c, "H", 20*time.Millisecond) }), reason: attempts, words: []string{"timeout"}},
		{name: "drips-header", url: badServer(t, func(c net.Conn) { _, _ = io.WriteString(c, head200); forever(c, "x", 20*time.Millisecond) }), reason: attempts, words: []string{"timeout"}},
		{name: "drips-body", url: badServer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, head200+"Content-Length: 100000\r\n\r\n")
			forever(c, "x", 20*time.Millisecond)
		}), more: body, reason: attempts, words: []string{"timeout"}},
		{name: "says-nothing", url: badServer(t, hang("")), reason: attempts, words: []string{"timeout"}},
		{name: "hangs-after-headers", url: badServer(t, hang(head200+"Content-Length: 10\r\n\r\n")), more: body, reason: attempts, words: []string{"timeout"}},
		{name: "hangs-after-500", url: badServer(t, hang("HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n")), reason: attempts, words: []string{"answered 500"}},
		{name: "gigabytes", url: badServer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, head200+"Content-Length: 8589934592\r\n\r\n")
			forever(c, piece, 0)
		}), more: body, reason: gateway.ReasonTooLarge, words: []string{"longer than 65536 bytes"}},
		{name: "endless-chunks", url: badServer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, head200+"Transfer-Encoding: chunked\r\n\r\n")
			forever(c, fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece), 0)
		}), more: body, reason: gateway.ReasonTooLarge, words: []string{"longer than 65536 bytes"}},
		{name: "endless-head", url: badServer(t, func(c net.Conn) { _, _ = io.WriteString(c, head200); forever(c, "X-A: "+piece[:1000]+"\r\n", 0) }), reason: attempts, words: []string{"head of the answer is too large"}},
		{name: "endless-continue", url: badServer(t, func(c net.Conn) { forever(c, "HTTP/1.1 100 Continue\r\n\r\n", 0) }), reason: attempts, words: []string{"head of the answer is too large"}},
		{name: "redirects-to-metadata", url: badServer(t, says("HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n")), reason: gateway.ReasonRedirect, words: []string{"307", "http://169.254.169.254/latest, which is not followed"}},
		{name: "redirects-for-ever", url: badServer(t, func(c net.Conn) {
			for buf := make([]byte, 64<<10); ; {
				_, err := io.WriteString(c, "HTTP/1.1 307 Go\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
				if _, readErr := c.Read(buf); err != nil || readErr != nil {
					return
				}
			}
		}), reason: gateway.ReasonRedirect, words: []string{"307", "/again"}},
		{name: "resets", url: badServer(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }), reason: attempts, words: []string{"reset: "}},
		{name: "lies-short", url: badServer(t, says(head200+"Content-Length: 100\r\n\r\nhalf")), more: body, reason: attempts, words: []string{"reading the answer", "unexpected EOF"}},
		{name: "lies-twice", url: badServer(t, says(head200+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!")), reason: attempts, words: []string{"Content-Length"}},
		{name: "says-more", url: badServer(t, func(c net.Conn) {
			for buf := make([]byte, 64<<10); ; {
				_, err := io.WriteString(c, head200+"Content-Length: 2\r\n\r\nokHTTP/1.1 500 Not asked\r\nContent-Length: 0\r\n\r\n")
				if _, readErr := c.Read(buf); err != nil || readErr != nil {
					return
				}
			}
		})},
		{name: "is-no-http", url: badServer(t, says("SSH-2.0-OpenSSH_9.7\r\n")), reason: attempts, words: []string{"reset: ", "malformed HTTP"}},
		{name: "switches", url: badServer(t, says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")), reason: attempts, words: []string{"answered 101"}},
		{name: "unknown-authority", url: secure.URL, reason: attempts, words: []string{"tls: ", "certificate"}},
		{name: "wants-certificate", url: asks.URL, more: "tls: {server_name: other.example}", reason: attempts, words: []string{"tls: ", "certificate"}},
		{name: "tls-is-plain", url: strings.Replace(badServer(t, says("HTTP/1.1 400 Bad\r\n\r\n")), "http:", "https:", 1), reason: attempts, words: []string{"tls: "}},
		{name: "openim-refuses", dialect: "openim", url: badServer(t, says(jsonAnswer(`{"actionCode":0,"errCode":5001,"errMsg":"no room","nextCode":1}`))), more: body, reason: gateway.ReasonRefused, words: []string{"errCode 5001: no room"}},
		{name: "tencent-refuses", dialect: "tencent", url: badServer(t, says(jsonAnswer(`{"ActionStatus":"FAIL","ErrorCode":120001,"ErrorInfo":"not today"}`))), more: `on_refusal: park, credentials: {sdk_app_id: 1400000001, token: abcdefgh}`, reason: gateway.ReasonRefused, words: []string{"ErrorCode 120001: not today"}},
		{name: "openim-ignored", dialect: "openim", url: badServer(t, says(jsonAnswer(`{"actionCode":0,"errCode":5001,"errMsg":"no room","nextCode":1}`)))},
	}
}

func jsonAnswer(body string) string {
	return fmt.Sprintf(head200+"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Endpoints that do everything wrong at once, under one load with a healthy one: each
// event that they do not take is a dead letter that says why in words, the attempts alike,
// the healthy one gets everything, and memory stays flat.
func TestApp_HostileEndpointsAreToldInWordsAndDisturbNobody(t *testing.T) {
	const events = 6
	all := hostiles(t)
	var more strings.Builder
	for _, h := range all {
		if h.dialect == "" {
			h.dialect = "wildfirechat"
		}
		// Who never says enough is waited for shortly; the others' time is for a machine
		// that is busy.
		extra, timeout := "", "20s"
		if slices.Contains(h.words, "timeout") {
			timeout = "300ms"
		} else if h.name == "hangs-after-500" {
			timeout = "10s"
		}
		attempts := 0 // what is refused is parked by itself
		if h.reason == gateway.ReasonAttempts {
			attempts = 1
		}
		if h.more != "" {
			extra = ", " + h.more
		}
		fmt.Fprintf(&more, "      - {name: %s, dialect: %s, url: %q, timeout: %s, concurrency: 6, breaker: {off: true}, retry: {fast: [], slow: {from: 1ms, to: 1ms}, max_attempts: %d}%s}\n", h.name, h.dialect, h.url, timeout, attempts, extra)
	}
	l := startLoaded(t, t.TempDir(), "{sync: interval, attempts: {sample: 1}}", more.String())
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.postSized(t, events, 1000, 0) // and the healthy one gets them all, while the others are still waited for
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, h := range all {
		id := "shop/" + h.name
		if len(h.words) == 0 {
			eventually(ctx, t, func() error {
				if n := l.metric(t, fmt.Sprintf(`imhook_delivered_total{app="shop",endpoint=%q}`, h.name)); n != events {
					return fmt.Errorf("%s: %v events were delivered, want %d", id, n, events)
				}
				return nil
			})
			continue
		}
		var letters []untaken
		eventually(ctx, t, func() error {
			letters = l.untaken(t, "deadletters", id)
			if len(letters) != events {
				return fmt.Errorf("%s: %d dead letters, want %d", id, len(letters), events)
			}
			return nil
		})
		check := func(what string, one untaken, reason gateway.Reason) {
			t.Helper()
			if one.Reason != reason && reason != "" {
				t.Errorf("%s: %s has reason %s, want %s", id, what, one.Reason, reason)
			}
			for _, w := range h.words {
				if !strings.Contains(one.Detail, w) {
					t.Errorf("%s: %s says %q, want %q in it", id, what, one.Detail, w)
				}
			}
		}
		for _, one := range letters {
			check("a dead letter", one, h.reason)
			if one.Exchange == nil || one.Exchange.URL == "" || one.Exchange.Request == "" || len(one.Exchange.Response) > 64<<10 {
				t.Errorf("%s: the exchange is %+v", id, one.Exchange)
			}
		}
		var tried []untaken
		eventually(ctx, t, func() error {
			if tried = l.untaken(t, "attempts", id); len(tried) == 0 {
				return fmt.Errorf("%s: no attempt is shown", id)
			}
			return nil
		})
		check("an attempt", tried[0], "")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("the heap grew by %d KiB, %d MiB were read and written", grown>>10, (after.TotalAlloc-before.TotalAlloc)>>20)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if total := after.TotalAlloc - before.TotalAlloc; total > 1<<30 {
		t.Errorf("%d MiB were allocated: answers are kept whole", total>>20)
	}
}

// untaken is what is said of an event that was not delivered.
type untaken struct {
	Reason   gateway.Reason    `json:"reason"`
	Detail   string            `json:"detail"`
	Exchange *gateway.Exchange `json:"exchange"`
}

// untaken lists dead letters or attempts of an endpoint.
func (l *loaded) untaken(t *testing.T, what, endpoint string) []untaken {
	t.Helper()
	status, text := ask(t, "http://"+l.Addr()+"/api/v1/"+what+"?limit=100&endpoint="+endpoint, "")
	var answer struct {
		Letters  []untaken `json:"deadletters"`
		Attempts []untaken `json:"attempts"`
	}
	if status == http.StatusInternalServerError {
		return nil // the engine is busy: asked again
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %v %.200s", what, status, err, text)
	}
	return append(answer.Letters, answer.Attempts...)
}
