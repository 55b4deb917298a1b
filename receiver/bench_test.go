package receiver_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// What the receiver costs beside the dialect: dialect=… is one request through all of
// it, each with a new event where the header names one.
func BenchmarkServeHTTP(b *testing.B) {
	for _, d := range builtin.New().All() {
		for _, phase := range []event.Phase{event.Before, event.After} {
			for _, command := range d.Spec().Commands {
				if command.Phase != phase {
					continue
				}
				b.Run(fmt.Sprintf("dialect=%s/phase=%s", d.Spec().Name, phase), func(b *testing.B) {
					rc, err := receiver.New(receiver.Config{Dialect: d, Credentials: credentials(d), MaxAge: -1})
					if err != nil {
						b.Fatal(err)
					}
					rc.On("**", func(context.Context, *event.Event) error { return nil })
					rc.Before("**", func(context.Context, *event.Event) event.Verdict { return event.Allowed() })
					req, err := d.Sample(command.Name, randSource(1), time.Now())
					if err != nil {
						b.Fatal(err)
					}
					if err := d.Sign(&req, credentials(d), "e", time.Now()); err != nil {
						b.Fatal(err)
					}
					hr := httpRequest(req)
					b.ReportAllocs()
					n := 0
					for b.Loop() {
						n++
						hr.Body = nopCloser{bytes.NewReader(req.Body)}
						hr.Header.Set("Imhook-Event-Id", fmt.Sprint("e-", n))
						w := httptest.NewRecorder()
						if rc.ServeHTTP(w, hr); w.Code != http.StatusOK {
							b.Fatalf("%d %s", w.Code, w.Body)
						}
					}
				})
				break
			}
		}
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// How much a full memory takes.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := receiver.NewMemory(n)
		for i := range 2 * n {
			key := event.DeriveID(fmt.Sprint(i))
			if _, _, err := m.Claim(b.Context(), key, time.Minute); err != nil {
				b.Fatal(err)
			}
			if err := m.Keep(b.Context(), key, []byte(`{"verdict":"allow"}`)); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(m)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/event")
}
