package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// The condition of an endpoint decides what it gets, a failure of it is counted
// under its name, and the API tells about the endpoint's own rule.
func TestApp_ConditionsOfEndpoints(t *testing.T) {
	r := builtin.New()
	c := config.Sandbox(r, t.TempDir(), "127.0.0.1:0")
	inbox := c.Apps[0].Endpoints[0]
	inbox.Name, inbox.When = "picky", `event.message.text == "yes"`
	fails := inbox
	fails.Name, fails.When = "fails", `event.members[0].id == "x"`
	c.Apps[0].Endpoints = append(c.Apps[0].Endpoints, inbox, fails)
	a, err := app.New(app.Config{Config: c, Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	base := "http://" + a.Addr()
	for id, text := range map[string]string{"e1": "yes", "e2": "no"} {
		ev := `{"specversion":"1.0","id":"` + id + `","source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"` + text + `"}}}`
		if status, answer := ask(t, base+"/in/cloudevents", ev); status != http.StatusOK {
			t.Fatalf("event was answered %d %s", status, answer)
		}
	}
	name := c.Apps[0].Name
	want := []string{
		`imhook_matched_total{app="` + name + `",endpoint="picky"} 1`,
		`imhook_matched_total{app="` + name + `",endpoint="` + c.Apps[0].Endpoints[0].Name + `"} 2`,
		`imhook_matched_total{app="` + name + `",endpoint="fails"} 0`,
		`imhook_condition_errors_total{app="` + name + `",endpoint="fails"} 2`,
		`imhook_condition_errors_total{app="` + name + `",endpoint="picky"} 0`,
	}
	deadline, tick := time.NewTimer(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		_, metrics := ask(t, base+"/metrics", "")
		missing := ""
		for _, w := range want {
			if !strings.Contains(metrics, w+"\n") {
				missing = w
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("metrics never had %s", missing)
		}
	}
}
