package tunnel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/internal/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var dev = tunnel.Name{Kind: tunnel.Endpoint, ID: "shop/dev"}

// sender posts over connections of a hub.
func sender(t *testing.T, h *tunnel.Hub, n tunnel.Name) *http.Client {
	t.Helper()
	dial := h.Dial(n, time.Second)
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func post(ctx context.Context, c *http.Client, path string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://listen"+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Toy-Signature", "sum")
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", res.Header.Get("X-Said"), " ", string(b)), err
}

func listen(t *testing.T, h *tunnel.Hub, names ...tunnel.Name) *tunnel.Session {
	t.Helper()
	s, err := h.Listen(names)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDial_RequestsAreAnsweredByWhoListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := tunnel.New(tunnel.Config{})
		defer h.Close()
		c := sender(t, h, dev)
		defer c.CloseIdleConnections()
		if _, err := post(t.Context(), c, "/a", nil); !errors.Is(err, tunnel.ErrNobody) {
			t.Fatalf("with nobody there: %v", err)
		}
		var oe *net.OpError
		if _, err := h.Dial(dev, 0)(t.Context()); !errors.As(err, &oe) || oe.Op != "dial" {
			t.Errorf("it is not refused as a connection is: %v", err)
		}
		s := listen(t, h, dev)
		go func() {
			for {
				select {
				case r := <-s.Requests:
					a := tunnel.Answer{ID: r.ID, Status: 201, Header: http.Header{"X-Said": {r.Path + "?" + r.Query}, "content-length": {"7"}, "Connection": {"close"}}}
					a.Body = append([]byte(r.Header.Get("Toy-Signature")+" "), r.Body...)
					if r.Path == "/broken" {
						a = tunnel.Answer{ID: r.ID, Error: "connection refused"}
					}
					if !s.Answer(a) || s.Answer(a) {
						t.Error("an answer is taken once")
					}
				case <-s.Done():
					return
				}
			}
		}()
		large := bytes.Repeat([]byte("x"), 1<<20)
		var all sync.WaitGroup
		for n := range 50 {
			all.Go(func() {
				body := fmt.Append(nil, n)
				if n == 7 {
					body = large
				}
				got, err := post(t.Context(), c, fmt.Sprintf("/a%%20b/%d?q=%d", n, n), body)
				if want := fmt.Sprintf("201 /a%%20b/%d?q=%d sum %s", n, n, body); err != nil || got != want {
					t.Errorf("%d: %.80s, %v; want %.80s", n, got, err, want)
				}
			})
		}
		all.Wait()
		if got, err := post(t.Context(), c, "/broken", nil); err != nil || got != "502  connection refused" {
			t.Errorf("an answer that is none: %s, %v", got, err)
		}
	})
}

func TestSession_EndsAndIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		changes := 0
		var mu sync.Mutex
		h := tunnel.New(tunnel.Config{Changed: func() {
			mu.Lock()
			defer mu.Unlock()
			changes++
		}})
		defer h.Close()
		c := sender(t, h, dev)
		defer c.CloseIdleConnections()
		hook := tunnel.Name{Kind: tunnel.Hook, ID: "shop/mod"}
		first := listen(t, h, dev, hook)
		failed := make(chan error)
		go func() {
			_, err := post(context.Background(), c, "/a", nil)
			failed <- err
		}()
		r := <-first.Requests
		second := listen(t, h, dev)
		if err := <-failed; err == nil {
			t.Error("what was being answered by who is gone is answered")
		}
		if <-first.Done(); first.Why() != tunnel.TakenOver || first.Answer(tunnel.Answer{ID: r.ID, Status: 200}) {
			t.Errorf("the first one ended with %q, and may answer", first.Why())
		}
		if h.Listens(hook) || !h.Listens(dev) || h.Session(first.ID) != nil || h.Session(second.ID) != second {
			t.Error("the first one still has a name, or the second one none")
		}
		first.End("again")
		// Whoever sent it does not wait any more: the answer comes too late.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go func() {
			_, err := post(ctx, c, "/b", nil)
			failed <- err
		}()
		r = <-second.Requests
		if err := <-failed; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("past its time: %v", err)
		}
		synctest.Wait()
		if second.Answer(tunnel.Answer{ID: r.ID, Status: 200}) {
			t.Error("an answer that is too late is taken")
		}
		if second.Silent() < time.Second {
			t.Error("it was silent for a second")
		}
		second.Heard()
		if second.Silent() != 0 {
			t.Error("it was heard just now")
		}
		h.Close()
		if <-second.Done(); second.Why() != "the gateway stops" {
			t.Errorf("the second one ended with %q", second.Why())
		}
		if _, err := h.Listen(nil); err == nil {
			t.Error("somebody listens to a gateway that stops")
		}
		if changes != 4 {
			t.Errorf("%d changes were told, want 4", changes)
		}
	})
}

func TestDial_ElsewhereIsAskedWhereNobodyListensHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := tunnel.New(tunnel.Config{
			ListensElsewhere: func(n tunnel.Name) bool { return n == dev },
			Elsewhere: func(_ context.Context, r tunnel.Request) (tunnel.Answer, error) {
				return tunnel.Answer{ID: r.ID, Status: 200, Body: []byte("there")}, nil
			},
		})
		defer h.Close()
		c := sender(t, h, dev)
		defer c.CloseIdleConnections()
		if got, err := post(t.Context(), c, "/", nil); err != nil || got != "200  there" {
			t.Errorf("%s, %v", got, err)
		}
	})
}
