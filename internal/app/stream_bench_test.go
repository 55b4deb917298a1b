package app_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// BenchmarkIn takes 1 KiB events over loopback into a journal that syncs always:
// one a request, in batches of 100, and as a stream of lines. An op is an event.
func BenchmarkIn(b *testing.B) {
	text := strings.Repeat("all work and no play ", 36)
	one := func(run string, i int) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"%s%d","source":"/t","type":"im.message.send","data":{"actor":{"id":"u1"},"conversation":{"kind":"group","id":"g%d"},"message":{"id":"%d","text":"%s"}}}`, run, i, i%100, i, text)
	}
	start := func(b *testing.B) (url string) {
		b.Helper()
		r := builtin.New()
		cfg := config.Sandbox(r, b.TempDir(), "127.0.0.1:0")
		cfg.Apps[0].Endpoints = nil
		a, err := app.New(app.Config{Config: cfg, Registry: r, Version: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = a.Stop(b.Context()) })
		return "http://" + a.Addr() + "/in/cloudevents"
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(client.CloseIdleConnections)
	send := func(b *testing.B, url, contentType string, body io.Reader) {
		b.Helper()
		res, err := client.Post(url, contentType, body)
		if err != nil {
			b.Error(err)
			return
		}
		answer, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || strings.Contains(string(answer), `"refused":1`) {
			b.Errorf("answer = %d %.300s", res.StatusCode, answer)
		}
	}
	b.Run("single", func(b *testing.B) {
		url := start(b)
		b.SetParallelism(32)
		b.ReportAllocs()
		next := make(chan int, 64)
		for i := range 64 {
			next <- i
		}
		b.RunParallel(func(pb *testing.PB) {
			caller := <-next
			for i := 0; pb.Next(); i++ {
				send(b, url, "application/cloudevents+json", strings.NewReader(one(fmt.Sprint("s", caller, "-"), i)))
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("batch100", func(b *testing.B) {
		url := start(b)
		b.ReportAllocs()
		for i := 0; i < b.N; i += 100 {
			var body strings.Builder
			for k := i; k < min(i+100, b.N); k++ {
				body.WriteString("[,"[min(k-i, 1):][:1] + one("b", k)) // [ before the first
			}
			send(b, url, "application/cloudevents-batch+json", strings.NewReader(body.String()+"]"))
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("lines", func(b *testing.B) {
		url := start(b)
		b.ReportAllocs()
		r, w := io.Pipe()
		go func() {
			var piece strings.Builder
			for i := range b.N {
				piece.WriteString(one("l", i) + "\n")
				if piece.Len() > 64<<10 || i == b.N-1 {
					if _, err := io.WriteString(w, piece.String()); err != nil {
						return
					}
					piece.Reset()
				}
			}
			_ = w.Close()
		}()
		send(b, url, ndjson, r)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
