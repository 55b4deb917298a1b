package trail

import (
	"context"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// BenchmarkRecord is what the answer to an IM server pays; most of it finds the queue
// full.
func BenchmarkRecord(b *testing.B) {
	tr, err := New(Config{Store: &memory{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = tr.Stop(context.Background()) })
	d := message("a", asked("words", event.Allowed(), gateway.CauseHook))
	for b.Loop() {
		tr.Record(d)
	}
}

// BenchmarkEntry is what is paid off the answering path, with bytes as stored.
func BenchmarkEntry(b *testing.B) {
	masked := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "hello *"}}}
	for name, v := range map[string]event.Verdict{"allow": event.Allowed(), "rewrite": masked} {
		b.Run(name, func(b *testing.B) {
			d := message("a", asked("words", v, gateway.CauseHook))
			var buf []byte
			var err error
			for b.Loop() {
				if buf, err = appendEntry(buf[:0], d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes/entry")
		})
	}
}
