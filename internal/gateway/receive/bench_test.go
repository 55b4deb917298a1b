package receive

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

type noJournal struct{}

func (noJournal) Append(_ context.Context, a gateway.Arrival) (gateway.Kept, error) {
	return gateway.Kept{Stored: len(a.Events)}, nil
}

// plainFake decodes to one event without reading, so that the benchmark shows the
// handler's own cost.
type plainFake struct{ *fake }

func (plainFake) Decode(req *dialect.Request) ([]*event.Event, error) {
	return []*event.Event{{
		Type: event.MessageSend, Phase: event.After, Dialect: "fake", Command: "cmd", Dedupe: "m1", Lane: "group:g1",
		Raw: event.Raw{Dialect: "fake", Body: req.Body},
	}}, nil
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkServeHTTP(b *testing.B) {
	h, err := New(Config{
		Sources: []Source{{Name: "src", App: "shop", Dialect: plainFake{newFake()}}},
		Journal: noJournal{},
		Decider: deciderFunc(nil),
	})
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("a"), 1024)
	req := httptest.NewRequest(http.MethodPost, "/in/src/im_event/message", nil)
	req.ContentLength = int64(len(body))
	in := bytes.NewReader(body)
	req.Body = io.NopCloser(in)
	w := discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(body)
		clear(w.h)
		h.ServeHTTP(w, req)
	}
	if got := w.h.Get("Content-Length"); got != "6" {
		b.Fatalf("answer has Content-Length %q, want that of an acknowledgement", got)
	}
}
