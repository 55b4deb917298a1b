package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
)

// Attempts is where the log of attempts is read.
type Attempts interface {
	// Find returns the newest that q wants; see [attempts.Log.Find].
	Find(ctx context.Context, q attempts.Query) (attempts.Found, error)
}

// attemptKeys are the parameters of a question about attempts.
const attemptKeys = "limit, endpoint, event, conversation, reason, outcome, type, since, until, before, after"

func (a *api) parseAttempts(ctx context.Context, v url.Values) (attempts.Query, error) {
	q := attempts.Query{
		Limit: defaultLimit, Endpoint: a.endpointID(ctx, v.Get("endpoint")), Event: v.Get("event"), Lane: event.Lane(v.Get("conversation")),
		Reason: gateway.Reason(v.Get("reason")), Outcome: gateway.OutcomeKind(v.Get("outcome")),
	}
	for key := range v {
		if !slices.Contains(strings.Split(attemptKeys, ", "), key) {
			return q, fmt.Errorf("unknown parameter %q; there are %s", key, attemptKeys)
		}
	}
	if err := oneOf("reason", q.Reason, gateway.Reasons()); err != nil {
		return q, err
	}
	outcomes := []gateway.OutcomeKind{gateway.Delivered, gateway.Retry, gateway.Refused, gateway.Misconfigured}
	if err := oneOf("outcome", q.Outcome, outcomes); err != nil {
		return q, err
	}
	var err error
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return q, fmt.Errorf("limit is %q; write 1 to %d", s, maxLimit)
		}
	}
	if s := v.Get("type"); s != "" {
		if q.Match, err = a.Pattern(s, event.After); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	for key, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if s := v.Get(key); s != "" {
			if *to, err = parseMoment(key, s, a.Now()); err != nil {
				return q, err
			}
		}
	}
	for key, to := range map[string]*gateway.Pos{"before": &q.Before, "after": &q.After} {
		if s := v.Get(key); s != "" {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil {
				return q, fmt.Errorf("%s is %q; it is a cursor from an earlier answer", key, s)
			}
			*to = gateway.Pos(n)
		}
	}
	return q, nil
}

// attempts lists them, newest first.
func (a *api) attempts(w http.ResponseWriter, r *http.Request) {
	q, err := a.parseAttempts(r.Context(), r.URL.Query())
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	f, err := a.Attempts.Find(r.Context(), q)
	if err != nil {
		a.broken(w, r, "reading attempts", err)
		return
	}
	answer := struct {
		Attempts []*attempts.Entry `json:"attempts"`
		Next     string            `json:"next,omitzero"`
		Newest   string            `json:"newest"`
	}{Attempts: append([]*attempts.Entry{}, f.Entries...), Newest: cursor(f.Newest)}
	if f.Next > 0 {
		answer.Next = cursor(f.Next)
	}
	a.answer(w, r, answer)
}

// maxTried is how many attempts are shown with their event.
const maxTried = 50

// attemptsOf are the attempts of an event that are kept, newest first. That they
// cannot be read is no reason not to show the event.
func (a *api) attemptsOf(ctx context.Context, ev *event.Event, stored time.Time) []*attempts.Entry {
	if a.Attempts == nil {
		return nil
	}
	f, err := a.Attempts.Find(ctx, attempts.Query{Event: ev.ID, Since: stored.Add(-time.Minute), Limit: maxTried})
	if err != nil {
		a.Log.WarnContext(ctx, "showing an event without its attempts", "id", ev.ID, "err", err)
	}
	return f.Entries
}
