package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Pause is what shall be held.
type Pause struct {
	// Conversation is one alone; empty is the whole endpoint.
	Conversation event.Lane
	Why          string
	// Until is when it ends by itself; zero means never.
	Until time.Time
}

// Resume is what shall go on.
type Resume struct {
	// Conversation is one alone; empty is the whole endpoint.
	Conversation event.Lane
	// Now closes the breaker and tries at once what waits.
	Now bool
}

// steering is the body of a pause or a resume. Times are the gateway's, so that a
// caller's clock may be wrong.
type steering struct {
	Conversation string `json:"conversation,omitzero" doc:"One alone, its kind and id." example:"group:g1"`
	Why          string `json:"why,omitzero" doc:"For pause: a reason for those who wonder."`
	Until        string `json:"until,omitzero" doc:"For pause: when it goes on by itself, a time or for how long." example:"2h"`
	Now          bool   `json:"now,omitzero" doc:"For resume: also close its breaker, and try at once what waits."`
}

// steered is the answer.
type steered struct {
	Paused       string    `json:"paused,omitzero"`
	Resumed      string    `json:"resumed,omitzero"`
	Conversation string    `json:"conversation,omitzero"`
	Until        time.Time `json:"until,omitzero"`
}

// maxSteering bounds a request, in bytes.
const maxSteering = 64 << 10

// pause holds an endpoint, or one of its conversations.
func (a *api) pause(ctx context.Context, name string, want *steering) (steered, error) {
	if err := want.check(); err != nil {
		return steered{}, err
	}
	id := a.endpointID(ctx, name)
	p := Pause{Conversation: event.Lane(want.Conversation), Why: want.Why}
	if p.Why == "" {
		p.Why = "paused by hand"
	}
	if want.Now {
		return steered{}, refuse(http.StatusBadRequest, "now belongs to resume")
	}
	if want.Until != "" {
		var err error
		if p.Until, err = parseEnd("until", want.Until, a.Now()); err != nil {
			return steered{}, invalid(err)
		}
	}
	if err := a.Endpoints.Pause(id, p); err != nil {
		return steered{}, notSteered(id, want, err)
	}
	noteWish(ctx, id, want)
	return steered{Paused: id, Conversation: want.Conversation, Until: p.Until}, nil
}

// resume lets a paused endpoint, or one of its conversations, go on.
func (a *api) resume(ctx context.Context, name string, want *steering) (steered, error) {
	if err := want.check(); err != nil {
		return steered{}, err
	}
	id := a.endpointID(ctx, name)
	if want.Why != "" || want.Until != "" {
		return steered{}, refuse(http.StatusBadRequest, "why and until belong to pause")
	}
	if err := a.Endpoints.Resume(id, Resume{Conversation: event.Lane(want.Conversation), Now: want.Now}); err != nil {
		return steered{}, notSteered(id, want, err)
	}
	noteWish(ctx, id, want)
	a.Log.InfoContext(ctx, "endpoint resumed", "endpoint", id, "conversation", want.Conversation, "now", want.Now)
	return steered{Resumed: id, Conversation: want.Conversation}, nil
}

// check says what is wrong with a request.
func (want *steering) check() error {
	if want.Conversation != "" && !isLane(want.Conversation) {
		return refuse(http.StatusBadRequest, "reading the request: conversation is %q; write its kind and id as imhook events shows them, group:g1", want.Conversation)
	}
	return nil
}

// isLane reports whether s names a conversation.
func isLane(s string) bool {
	kind, id, ok := strings.Cut(s, ":")
	if !ok || id == "" {
		return false
	}
	for _, k := range event.Kinds() {
		if string(k) == kind {
			return true
		}
	}
	return false
}

func notSteered(id string, want *steering, err error) *refusal {
	if errors.Is(err, gateway.ErrNoEndpoint) {
		return refuse(http.StatusNotFound, "there is no endpoint %s; write app/endpoint, as imhook endpoints shows it", id)
	}
	what := "endpoint " + id
	if want.Conversation != "" {
		what += ", conversation " + want.Conversation
	}
	status := http.StatusConflict
	if errors.Is(err, gateway.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	return refuse(status, "%s: %v", what, err)
}

// parseEnd reads a moment to come, or how long it is until then.
func parseEnd(key, s string, now time.Time) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		var d time.Duration
		d, err = parseSpan(s)
		t = now.Add(d)
	}
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%s is %q; write 2026-11-20T08:00:00Z, 2026-11-20 (midnight UTC) or for how long, 30m or 2d", key, s)
	case !t.After(now):
		return time.Time{}, fmt.Errorf("%s is %q, which is over already; write a time to come", key, s)
	}
	return t, nil
}
