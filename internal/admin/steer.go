package admin

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

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
	Conversation string `json:"conversation"`
	Why          string `json:"why"`
	Until        string `json:"until"`
	Now          bool   `json:"now"`
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
func (a *api) pause(w http.ResponseWriter, r *http.Request) {
	id, want, ok := a.steering(w, r)
	if !ok {
		return
	}
	p := Pause{Conversation: event.Lane(want.Conversation), Why: want.Why}
	if p.Why == "" {
		p.Why = "paused by hand"
	}
	if want.Now {
		a.fail(w, r, http.StatusBadRequest, "now belongs to resume")
		return
	}
	if want.Until != "" {
		var err error
		if p.Until, err = parseUntil(want.Until, a.Now()); err != nil {
			a.fail(w, r, http.StatusBadRequest, err.Error())
			return
		}
	}
	if err := a.Endpoints.Pause(id, p); err != nil {
		a.notSteered(w, r, id, want, err)
		return
	}
	a.answer(w, r, steered{Paused: id, Conversation: want.Conversation, Until: p.Until})
}

// resume lets a paused endpoint, or one of its conversations, go on.
func (a *api) resume(w http.ResponseWriter, r *http.Request) {
	id, want, ok := a.steering(w, r)
	if !ok {
		return
	}
	if want.Why != "" || want.Until != "" {
		a.fail(w, r, http.StatusBadRequest, "why and until belong to pause")
		return
	}
	if err := a.Endpoints.Resume(id, Resume{Conversation: event.Lane(want.Conversation), Now: want.Now}); err != nil {
		a.notSteered(w, r, id, want, err)
		return
	}
	a.Log.InfoContext(r.Context(), "endpoint resumed", "endpoint", id, "conversation", want.Conversation, "now", want.Now)
	a.answer(w, r, steered{Resumed: id, Conversation: want.Conversation})
}

// steering reads whom a request is about, and what it wants of it. False when it was
// answered already.
func (a *api) steering(w http.ResponseWriter, r *http.Request) (id string, want steering, ok bool) {
	id = r.PathValue("name")
	if app := r.PathValue("app"); app != "" {
		id = app + "/" + id
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSteering))
	if err == nil && len(body) > 0 {
		// A page of another site cannot send this type without asking first.
		if media, _, bad := mime.ParseMediaType(r.Header.Get("Content-Type")); bad != nil || media != "application/json" {
			err = errors.New("send JSON, with Content-Type: application/json")
		} else {
			err = json.Unmarshal(body, &want, json.RejectUnknownMembers(true))
		}
	}
	if err == nil && want.Conversation != "" && !isLane(want.Conversation) {
		err = fmt.Errorf("conversation is %q; write its kind and id as imhook events shows them, group:g1", want.Conversation)
	}
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, "reading the request: "+err.Error())
		return "", want, false
	}
	return a.endpointID(r.Context(), id), want, true
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

func (a *api) notSteered(w http.ResponseWriter, r *http.Request, id string, want steering, err error) {
	if errors.Is(err, gateway.ErrNoEndpoint) {
		a.fail(w, r, http.StatusNotFound, "there is no endpoint "+id+"; write app/endpoint, as imhook endpoints shows it")
		return
	}
	what := "endpoint " + id
	if want.Conversation != "" {
		what += ", conversation " + want.Conversation
	}
	status := http.StatusConflict
	if errors.Is(err, gateway.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	a.fail(w, r, status, what+": "+err.Error())
}

// parseUntil reads a moment to come, or how long it is until then.
func parseUntil(s string, now time.Time) (time.Time, error) {
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
		return time.Time{}, fmt.Errorf("until is %q; write 2026-11-20T08:00:00Z, 2026-11-20 (midnight UTC) or for how long, 30m or 2d", s)
	case !t.After(now):
		return time.Time{}, fmt.Errorf("until is %q, which is over already; write a time to come", s)
	}
	return t, nil
}
