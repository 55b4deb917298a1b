package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// startGateway runs the gateway itself: the sandbox, whose cloudevents source has a
// secret.
func startGateway(t *testing.T, dir, listen string) *app.App {
	t.Helper()
	r := builtin.New()
	cfg := config.Sandbox(r, dir, listen)
	for i := range cfg.Apps[0].Sources {
		if src := &cfg.Apps[0].Sources[i]; src.Name == "cloudevents" {
			src.Credentials.Secrets = []dialect.DatedSecret{{Value: testSecret}}
		}
	}
	a, err := app.New(app.Config{Config: cfg, Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func stop(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// drained waits until the spool is empty.
func drained(t *testing.T, c *Client) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.Stats().Waiting > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the spool does not empty: %+v", c.Stats())
		}
	}
}

// A gateway that starts late, stops in between and comes back has everything
// once, in order, and every batch of the same second with a signature of its own.
func TestClient_WithTheGatewayItself(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c, err := New(Config{
		URL: "http://" + addr + "/in/cloudevents", Secret: testSecret, Spool: Spool{Dir: t.TempDir()},
		RetryFrom: 5 * time.Millisecond, RetryTo: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, c)

	var want []string
	say := func(n int) {
		for range n {
			id := fmt.Sprintf("ev-%03d", len(want))
			want = append(want, id)
			tell(t, c, id)
		}
	}
	say(40)
	a := startGateway(t, dir, addr)
	drained(t, c)
	say(20)
	stop(t, a)
	say(40)
	a = startGateway(t, dir, addr)
	defer func() { stop(t, a) }()
	drained(t, c)
	say(3)
	if s := c.Stats(); s.Refused != 0 || s.Sent < uint64(len(want)) {
		t.Errorf("stats = %+v", s)
	}
	if err := c.Tell(t.Context(), message(want[0]), message(want[50])); err != nil {
		t.Errorf("telling again what is known: %v", err)
	}

	res, err := c.http.Get("http://" + addr + "/api/v1/events?limit=1000")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Events []struct {
			ID   string     `json:"id"`
			Type string     `json:"type"`
			Lane event.Lane `json:"lane"`
		} `json:"events"`
	}
	if err := json.UnmarshalRead(res.Body, &page); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	var order []string
	for _, ev := range page.Events {
		if !got[ev.ID] {
			order = append(order, ev.ID)
		}
		got[ev.ID] = true
	}
	if len(order) > 1 && order[0] > order[1] { // newest first
		for i, j := 0, len(order)-1; i < j; i, j = i+1, j-1 {
			order[i], order[j] = order[j], order[i]
		}
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("the journal has (-want +got):\n%s", diff)
	}
	if len(page.Events) != len(want) {
		t.Errorf("the journal has %d events, want %d", len(page.Events), len(want))
	}
}

func TestClient_WithTheGatewayItselfMisconfigured(t *testing.T) {
	t.Parallel()
	a := startGateway(t, t.TempDir(), "127.0.0.1:0")
	defer stop(t, a)
	base := "http://" + a.Addr() + "/in/"
	for name, tt := range map[string]struct {
		cfg  Config
		want string
	}{
		"secret":  {Config{URL: base + "cloudevents", Secret: "whsec_b3RoZXI="}, "check Secret"},
		"none":    {Config{URL: base + "cloudevents"}, "check Secret"},
		"source":  {Config{URL: base + "nobody"}, "check the source in URL"},
		"token":   {Config{URL: base + "cloudevents", Secret: testSecret, PathToken: "x"}, ""},
		"dialect": {Config{URL: base + "wildfirechat"}, "source of dialect cloudevents"},
		"right":   {Config{URL: base + "cloudevents", Secret: testSecret}, ""},
	} {
		c, err := New(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Tell(t.Context(), message("a-"+name))
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: Tell = %v", name, err)
			}
		} else if !errors.Is(err, ErrMisconfigured) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Tell = %v, want %q", name, err, tt.want)
		}
		if name == "right" {
			if v, err := c.Decide(t.Context(), message("d")); err != nil || v.Action != event.Allow {
				t.Errorf("Decide = %+v, %v", v, err)
			}
		}
		shut(t, c)
	}
}
