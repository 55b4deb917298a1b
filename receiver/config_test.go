package receiver_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	ok := func() receiver.Config {
		return receiver.Config{Dialect: tencent.New(), Secret: "secret-token", Credentials: dialect.Credentials{Public: map[string]string{"sdk_app_id": "1400000001"}}}
	}
	if _, err := receiver.New(ok()); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*receiver.Config){
		"Dialect is missing": func(c *receiver.Config) { *c = receiver.Config{} },
		"signs nothing":      func(c *receiver.Config) { c.Dialect = openim.New() },
		"Secret is missing":  func(c *receiver.Config) { c.Secret = "" },
		`["sdk_app_id"] is`:  func(c *receiver.Config) { c.Credentials.Public = nil },
		"at most one of":     func(c *receiver.Config) { c.Credentials.Secrets = []dialect.DatedSecret{{Value: "secret-token"}} },
		"Generation is":      func(c *receiver.Config) { c.Generation = "v9" },
		"OnFailure is to re": func(c *receiver.Config) { c.OnFailure.Action = event.Rewrite },
		"OnFailure is to all": func(c *receiver.Config) {
			c.OnFailure = event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "u"}}}
		},
		"is negative":        func(c *receiver.Config) { c.Deadline = -1 },
		"MaxRunning or Wind": func(c *receiver.Config) { c.Window = -1 },
	} {
		cfg := ok()
		change(&cfg)
		if _, err := receiver.New(cfg); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}

func TestConfig_WithDefaults(t *testing.T) {
	t.Parallel()
	c := receiver.Config{Dialect: tencent.New(), Generation: "auto"}.WithDefaults()
	if c.Name != "tencent" || c.Deadline != 1600*time.Millisecond || c.MaxAge != 5*time.Minute || c.Timeout != 4*time.Second ||
		c.OnFailure.Action != event.Allow || c.Generation != "" || c.MaxBody != 1<<20 || c.Seen == nil || c.Log != slog.Default() {
		t.Errorf("%+v", c)
	}
	if again := c.WithDefaults(); again.Seen != c.Seen || again.Handlers != c.Handlers {
		t.Error("the defaults of defaults differ")
	}
}

// The generation decides about the form of an answer, where one is fixed.
func TestConfig_Generation(t *testing.T) {
	t.Parallel()
	d := openim.New()
	answers := map[answer]string{}
	for _, g := range d.Spec().Generations {
		r := newRig(t, d, func(c *receiver.Config) { c.Generation = g })
		v := event.Verdict{Action: event.Deny, Reason: "no"}
		r.Before("**", func(_ context.Context, ev *event.Event) event.Verdict {
			if ev.Generation != g {
				t.Errorf("generation %s, want %s", ev.Generation, g)
			}
			return v
		})
		answers[r.answer(r.sample("callbackBeforeSendSingleMsgCommand", 1))] = g
	}
	if len(answers) < 2 {
		t.Errorf("all generations are answered alike: %v", answers)
	}
}
