package send

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/gateway"
)

// BenchmarkSend compares an attempt with what a bare relay would do: one POST of
// the same bytes through http.Client.
func BenchmarkSend(b *testing.B) {
	body := `{"text":"` + strings.Repeat("a", 1000) + `"}`
	srv := newBackend(b, nil)
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "yes")
	})

	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
		b.Cleanup(client.CloseIdleConnections)
		b.ReportAllocs()
		for b.Loop() {
			res, err := client.Post(srv.URL+"/say", "application/json", bytes.NewReader([]byte(body)))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
	b.Run("send", func(b *testing.B) {
		s := newSender(b, config(srv.URL))
		ev := raw("ours", body)
		b.ReportAllocs()
		for b.Loop() {
			if out := s.Send(b.Context(), ev, 0); out.Kind != gateway.Delivered {
				b.Fatalf("outcome = %+v", out)
			}
		}
	})
}
