package admin_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	client "github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/tunnel"
)

// listened is an API with an endpoint and a hook that nobody calls.
func listened(t *testing.T) (*tunnel.Hub, *httptest.Server) {
	t.Helper()
	hub := tunnel.New(tunnel.Config{})
	srv := streamed(t, func(c *admin.Config) {
		c.Listeners = hub
		app := &c.Current().Apps[0]
		app.Endpoints = []config.Endpoint{{Name: "backend", URL: "http://b"}, {Name: "dev", URL: config.Listen}}
		app.Hooks = []config.Hook{{Name: "mod", URL: config.Listen, Enabled: true}, {Name: "called", URL: "http://h", Enabled: true}, {Name: "off", URL: config.Listen}}
		c.Endpoints = endpoints{{App: "shop", Name: "dev", Paused: "the database is being moved"}}
	})
	t.Cleanup(hub.Close) // before the server closes: what streams is over
	return hub, srv
}

func TestListen_RequestsGoDownAndAnswersComeBack(t *testing.T) {
	t.Parallel()
	hub, srv := listened(t)
	c, err := client.New(client.Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun, asked, ended := make(chan client.ListenBegin, 1), make(chan client.ListenRequest, 1), make(chan error, 1)
	go func() {
		ended <- c.Listen(ctx, client.Listening{Endpoint: "dev"}, nil, func(e client.StreamEvent) error {
			switch e.Name {
			case "begin":
				var b client.ListenBegin
				err := json.Unmarshal(e.Data, &b)
				begun <- b
				return err
			case "request":
				var r client.ListenRequest
				err := json.Unmarshal(e.Data, &r)
				asked <- r
				return err
			}
			return nil
		})
	}()
	b := <-begun
	if len(b.Names) != 2 || b.Names[0] != (client.ListenName{Kind: "endpoint", Name: "shop/dev"}) || b.Names[1] != (client.ListenName{Kind: "hook", Name: "shop/mod"}) {
		t.Errorf("it answers for %+v", b.Names)
	}
	if len(b.Notes) != 1 || !strings.Contains(b.Notes[0], "endpoint shop/dev is paused and nothing comes: the database is being moved") {
		t.Errorf("it notes %q", b.Notes)
	}
	dial := hub.Dial(tunnel.Name{Kind: tunnel.Hook, ID: "shop/mod"}, time.Second)
	sender := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }, DisableKeepAlives: true}}
	answered := make(chan string, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://listen/m?a=b", bytes.NewReader([]byte{0, 0xff, 'x'}))
		if err != nil {
			t.Error(err)
			return
		}
		res, err := sender.Do(req)
		if err != nil {
			t.Error(err)
			answered <- ""
			return
		}
		text, _ := bufio.NewReader(res.Body).ReadString(0)
		_ = res.Body.Close()
		answered <- res.Status + " " + text
	}()
	r := <-asked
	if r.Kind != "hook" || r.Name != "shop/mod" || r.Path != "/m" || r.Query != "a=b" || !bytes.Equal(r.Body, []byte{0, 0xff, 'x'}) || r.TimeoutMS != 1000 {
		t.Errorf("asked %+v", r)
	}
	done, err := c.AnswerListen(ctx, b.Session, client.ListenAnswer{ID: r.ID, Status: 418, Body: []byte("said")}, client.ListenAnswer{ID: "long ago", Status: 200})
	if err != nil || len(done.Late) != 1 || done.Late[0] != "long ago" {
		t.Errorf("answering: %+v, %v", done, err)
	}
	if got := <-answered; got != "418 I'm a teapot said" {
		t.Errorf("the sender got %q", got)
	}
	hub.Session(b.Session).End("enough")
	if err := <-ended; err == nil || ctx.Err() != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := c.AnswerListen(ctx, b.Session); err == nil || !strings.Contains(err.Error(), "that session is over") {
		t.Errorf("of a session that is over it says %v", err)
	}
}

func TestListen_RefusesInWords(t *testing.T) {
	t.Parallel()
	_, srv := listened(t)
	for body, want := range map[string]string{
		`{"endpoint":"shop/backend"}`: "endpoint shop/backend is called at its url; write another one with url: listen",
		`{"endpoint":"nosuch"}`:       "there is no endpoint nosuch; write one with url: listen",
		`{"hooks":["called"]}`:        "hook shop/called is not one with url: listen",
		`{"hooks":["shop/nosuch"]}`:   "there is no hook shop/nosuch",
		`{}`:                          "say what to listen to",
		`{"endpoint":"dev","hook":1}`: "unknown object member name",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/api/v1/listen", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := bufio.NewReader(res.Body).ReadString(0)
		_ = res.Body.Close()
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(got, want) {
			t.Errorf("%s answered %s %s, want %s", body, res.Status, got, want)
		}
	}
}
