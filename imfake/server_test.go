package imfake_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/imfake"
)

func TestServer_TreatsAnswersAsTheVendorDoes(t *testing.T) {
	t.Parallel()
	type result struct {
		Attempts int
		Taken    bool
		Status   int
	}
	bad := []imfake.Reply{imfake.Status(503), imfake.Status(503), imfake.Status(503), imfake.Status(503)}
	json := imfake.Reply{Body: []byte(`{}`)}
	tests := []struct {
		vendor  string
		replies []imfake.Reply
		want    result
	}{
		{"wildfirechat", bad, result{1, true, 503}},
		{"openim", bad, result{1, true, 503}},
		{"rongcloud", bad, result{3, false, 503}},
		{"rongcloud", []imfake.Reply{imfake.Status(201), {Drop: true}, imfake.Status(200)}, result{3, true, 200}},
		{"easemob", bad, result{2, false, 503}},
		{"tencent", bad, result{1, false, 503}},
		{"tencent", []imfake.Reply{json}, result{1, true, 200}},
		{"tencent", []imfake.Reply{{Body: []byte("ok")}}, result{1, false, 200}},
		{"cloudevents", bad, result{3, false, 503}},
	}
	for _, tt := range tests {
		b := imfake.NewBackend(toy{"toy"})
		b.Queue(tt.replies...)
		s := imfake.NewServer(toy{tt.vendor}, b.URL(), imfake.ServerConfig{
			After: func(time.Duration) <-chan time.Time { return time.After(0) },
		})
		a := post(t, s, "say")
		if d := cmp.Diff(tt.want, result{a.Attempts, a.Taken, a.Response.Status}); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.vendor, d)
		}
		bodies := make(map[string]bool)
		for _, r := range b.Received() {
			bodies[string(r.Request.Body)] = true
		}
		if len(bodies) != 1 || b.Requests() != a.Attempts {
			t.Errorf("%s: %d requests with %d bodies, want %d of one", tt.vendor, b.Requests(), len(bodies), a.Attempts)
		}
		s.Close()
		b.Close()
	}
}

func TestServer_StrictWantsA2xx(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{Strict: true})
	b.Queue(imfake.Status(500), imfake.Reply{Drop: true}, imfake.Status(202))
	for _, want := range []error{imfake.ErrNotAccepted, imfake.ErrNotAccepted, nil} {
		if a, err := s.Post(t.Context(), "say"); !errors.Is(err, want) {
			t.Errorf("Post = %d, %v; want %v", a.Response.Status, err, want)
		}
	}
}

func TestServer_PauseEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var waited time.Duration
	b, s := start(t, imfake.ServerConfig{
		Policy: &imfake.Policy{Retries: 1, Pause: time.Hour, Taken: func(res *dialect.Response) bool { return res.Status == http.StatusOK }},
		After: func(d time.Duration) <-chan time.Time {
			waited = d
			cancel()
			return nil
		},
	})
	b.Queue(imfake.Status(500))
	if _, err := s.Post(ctx, "say"); !errors.Is(err, context.Canceled) || waited != time.Hour {
		t.Errorf("Post = %v after a pause of %v, want canceled in a pause of 1h", err, waited)
	}
}

func TestServer_RefusesUnknownCommand(t *testing.T) {
	t.Parallel()
	_, s := start(t, imfake.ServerConfig{})
	if _, err := s.Post(t.Context(), "sing"); !errors.Is(err, dialect.ErrUnknownCommand) {
		t.Errorf("Post = %v, want ErrUnknownCommand", err)
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	form := "application/x-www-form-urlencoded"
	tests := []struct {
		name string
		req  dialect.Request
		edit imfake.Edit
		want dialect.Request // zero: an error
	}{
		{"replace", dialect.Request{Body: []byte(`{"a":9007199254740993,"b":{"c":1}}`)}, imfake.Set("b.c", "x"), dialect.Request{Body: []byte(`{"a":9007199254740993,"b":{"c":"x"}}`)}},
		{"add", dialect.Request{Body: []byte(`{"a":1}`)}, imfake.Set("b.c", true), dialect.Request{Body: []byte(`{"a":1,"b":{"c":true}}`)}},
		{"element", dialect.Request{Body: []byte(`[{"a":1},{"a":2}]`)}, imfake.Set("1.a", 3), dialect.Request{Body: []byte(`[{"a":1},{"a":3}]`)}},
		{"no element", dialect.Request{Body: []byte(`[]`)}, imfake.Set("1", 3), dialect.Request{}},
		{"through a string", dialect.Request{Body: []byte(`{"a":"b"}`)}, imfake.Set("a.c", 3), dialect.Request{}},
		{"broken", dialect.Request{Body: []byte(`{"a":`)}, imfake.Set("b", 3), dialect.Request{}},
		{"form", dialect.Request{ContentType: form, Body: []byte(`a=1&b=2`)}, imfake.Set("b", "x y"), dialect.Request{ContentType: form, Body: []byte(`a=1&b=x+y`)}},
		{"query", dialect.Request{Query: "a=1"}, imfake.Query("b", "&"), dialect.Request{Query: "a=1&b=%26"}},
		{"header", dialect.Request{}, imfake.Header("x-a", "1"), dialect.Request{Header: http.Header{"X-A": {"1"}}}},
		{"body", dialect.Request{Body: []byte("x")}, imfake.Body([]byte("y")), dialect.Request{Body: []byte("y")}},
	}
	for _, tt := range tests {
		req := tt.req
		err := tt.edit(&req)
		if bad := cmp.Equal(tt.want, dialect.Request{}); bad != (err != nil) {
			t.Errorf("%s: error %v, want one: %t", tt.name, err, bad)
			continue
		}
		if err != nil {
			continue
		}
		if d := cmp.Diff(tt.want, req); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}
