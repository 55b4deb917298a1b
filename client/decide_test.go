package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

func TestDecide_EveryVerdict(t *testing.T) {
	t.Parallel()
	for _, want := range []event.Verdict{
		event.Allowed(),
		{Action: event.Deny, Code: 38001, Reason: "not here"},
		{Action: event.Drop},
		{Action: event.Rewrite, Changes: &event.Changes{
			Message: &event.Message{Kind: event.Text, Text: "h***o"},
			Push:    &event.Push{Title: "t"},
			Vendor:  jsontext.Value(`{"colour":"red"}`),
		}},
		{Action: event.Rewrite, Changes: &event.Changes{Group: &event.Group{Name: "g"}, User: &event.User{Name: "u"}, Friend: &event.Friend{Alias: "f"}}},
		{Action: event.Allow, Refused: []event.Refusal{{ID: "u2", Code: 7, Reason: "no"}, {ID: "u3"}}},
	} {
		g := newGateway(t)
		g.answers(func(evs []*event.Event) dialect.Response { return cloudevents.New().Answer(evs[0], want) })
		c, _ := newClient(t, g, func(cfg *Config) { cfg.OnDecideError = event.Deny })
		ev := message("")
		got, err := c.Decide(t.Context(), ev)
		if err != nil {
			t.Errorf("%s: %v", want.Action, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Action, diff)
		}
		if diff := cmp.Diff(message(""), ev); diff != "" {
			t.Errorf("the caller's event changed (-before +after):\n%s", diff)
		}
		if id := g.seen()[0].ids[0]; len(id) != 26 {
			t.Errorf("id of the question = %q", id)
		}
		g.answers(nil)
		if err := c.Tell(t.Context(), ev); err != nil {
			t.Errorf("telling what was asked: %v", err)
		}
	}
}

func TestDecide_NoVerdictIsTheCallersPolicy(t *testing.T) {
	t.Parallel()
	answers := func(status int, body string) func([]*event.Event) dialect.Response {
		return func([]*event.Event) dialect.Response {
			return dialect.Response{Status: status, Body: []byte(body)}
		}
	}
	for name, tt := range map[string]struct {
		ev     *event.Event
		answer func([]*event.Event) dialect.Response
		want   error
		say    string
	}{
		"down":        {message("1"), status(503), ErrUnavailable, "no: 503"},
		"secret":      {message("1"), status(401), ErrMisconfigured, "check Secret"},
		"refused":     {message("1"), status(400), ErrInvalid, "the gateway refused it: no: 400"},
		"not a word":  {message("1"), answers(200, `{"verdict":"perhaps"}`), dialect.ErrBadReply, "perhaps"},
		"empty":       {message("1"), answers(200, ""), ErrMisconfigured, "source's dialect"},
		"as a fact":   {message("1"), answers(200, `{"accepted":1}`), dialect.ErrBadReply, "verdict is missing"},
		"a page":      {message("1"), answers(200, `<html>`), ErrMisconfigured, "source's dialect"},
		"half of it":  {message("1"), answers(200, `{"verdict":"rewrite"}`), dialect.ErrBadReply, "rewrite is missing"},
		"never asked": {&event.Event{Type: event.UserOnline}, nil, ErrInvalid, "user.online is never before"},
		"a fact":      {&event.Event{Type: event.MessageSend, Phase: event.After}, nil, ErrInvalid, "use Tell"},
		"nil":         {nil, nil, ErrInvalid, "event is nil"},
	} {
		for policy, want := range map[event.Action]event.Action{"": event.Allow, event.Allow: event.Allow, event.Deny: event.Deny} {
			g := newGateway(t)
			g.answers(tt.answer)
			c, _ := newClient(t, g, func(cfg *Config) { cfg.OnDecideError = policy })
			v, err := c.Decide(t.Context(), tt.ev)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%s: %v, want %v with %q", name, err, tt.want, tt.say)
			}
			if diff := cmp.Diff(event.Verdict{Action: want}, v); diff != "" {
				t.Errorf("%s, policy %q (-want +got):\n%s", name, policy, diff)
			}
		}
	}
}

func TestDecide_Deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		hang := hanging{g, make(chan struct{})}
		c, _ := newClient(t, g, func(cfg *Config) {
			cfg.HTTPClient = &http.Client{Transport: hang}
			cfg.DecideTimeout = 3 * time.Second
		})
		for given, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: 3 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), given)
			start := time.Now()
			v, err := c.Decide(ctx, message("a"))
			cancel()
			if v.Action != event.Allow || !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Decide = %+v, %v", v, err)
			}
			if d := time.Since(start); d != want {
				t.Errorf("Decide took %s, want %s", d, want)
			}
		}
	})
}
