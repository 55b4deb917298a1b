package receiver_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// Whatever comes, signed or not, is answered once, in bounded form, with its length,
// and a handler gets whole events only.
func FuzzServeHTTP(f *testing.F) {
	all := builtin.New().All()
	for i, d := range all {
		for k, command := range d.Spec().Commands {
			req, err := d.Sample(command.Name, randSource(uint64(k)), time.Now())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), "POST", req.Path, req.Query, req.ContentType, "", req.Body, true)
			if k == 0 {
				f.Add(uint8(i), "GET", "/x"+req.Path, req.Query, req.ContentType, "id", req.Body, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, method, path, query, contentType, id string, body []byte, sign bool) {
		d := all[int(which)%len(all)]
		bad := func(ev *event.Event, phase event.Phase) {
			if ev.ID == "" || ev.Source == "" || ev.Type == "" || ev.Phase != phase || ev.Time.IsZero() || phase == event.After && ev.Lane == "" {
				t.Errorf("the handler of %s-events got %+v", phase, ev)
			}
		}
		rc, err := receiver.New(receiver.Config{
			Dialect: d, Credentials: credentials(d), MaxBody: 64 << 10, Window: 100, Log: slog.New(slog.DiscardHandler),
			OnFailure: event.Verdict{Action: event.Deny},
		})
		if err != nil {
			t.Fatal(err)
		}
		rc.On("**", func(_ context.Context, ev *event.Event) error { bad(ev, event.After); return nil })
		rc.Before("**", func(_ context.Context, ev *event.Event) event.Verdict {
			bad(ev, event.Before)
			return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: id}}}
		})
		req := dialect.Request{Path: path, Query: query, ContentType: contentType, Body: body}
		if sign && d.Sign(&req, credentials(d), id, time.Now()) != nil {
			return
		}
		first := -1
		for range 2 {
			hr := &http.Request{
				Method: method, URL: &url.URL{Path: path, RawQuery: req.Query}, Header: req.Header.Clone(),
				Body: io.NopCloser(strings.NewReader(string(req.Body))), ContentLength: -1,
			}
			if hr.Header == nil {
				hr.Header = http.Header{}
			}
			hr.Header.Set("Content-Type", contentType)
			hr.Header.Set("Imhook-Event-Id", id)
			w := httptest.NewRecorder()
			rc.ServeHTTP(w, hr)
			if w.Code >= 500 || w.Code < 200 || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
				t.Errorf("%s: %d %v %.300s", d.Spec().Name, w.Code, w.Header(), w.Body)
			}
			if first >= 0 && w.Code != first {
				t.Errorf("%s: %d, and the same again %d %.300s", d.Spec().Name, first, w.Code, w.Body)
			}
			first = w.Code
		}
	})
}
