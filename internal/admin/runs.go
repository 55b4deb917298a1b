package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Runs begins requeues and replays, and tells how they are doing.
type Runs interface {
	// Repeat begins one. Its errors wrap gateway.ErrNoEndpoint, gateway.ErrManyRuns or
	// gateway.ErrUnavailable, or say in words what is wrong.
	Repeat(ctx context.Context, run gateway.Run) (gateway.RunStatus, error)
	// CountRun says what one would do.
	CountRun(ctx context.Context, run gateway.Run) (gateway.RunCount, error)
	// Runs returns all that are under way, and those that ended lately.
	Runs() []gateway.RunStatus
	// CancelRun ends one, or gateway.ErrNoRun.
	CancelRun(ctx context.Context, id string) (gateway.RunStatus, error)
}

// countWithin is how long a dry run counts.
const countWithin = 45 * time.Second

// replay begins to deliver history again, or counts what that would be.
func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	var want struct {
		wishedSelection
		To     string  `json:"to"`
		All    bool    `json:"all"`
		Rate   float64 `json:"rate"`
		DryRun bool    `json:"dryRun"`
	}
	err := readJSON(w, r, &want)
	run := gateway.Run{Kind: event.Replayed, All: want.All, Rate: want.Rate}
	if err == nil {
		run.Selection, err = a.selection(want.wishedSelection)
	}
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	ctx := r.Context()
	run.Endpoint = r.PathValue("name")
	if app := r.PathValue("app"); app != "" {
		run.Endpoint = app + "/" + run.Endpoint
	}
	run.Endpoint = a.endpointID(ctx, run.Endpoint)
	if want.To != "" {
		run.To = want.To
		if app, _, ok := strings.Cut(run.Endpoint, "/"); ok && !strings.Contains(run.To, "/") {
			run.To = app + "/" + run.To
		}
	}
	counting, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	count := gateway.RunCount{AtLeast: true}
	if want.DryRun {
		if count, err = a.Runs.CountRun(counting, run); err != nil {
			a.badRun(w, r, err, 0)
			return
		}
		if a.Trimmed != nil {
			count.Trimmed, _ = a.Trimmed(ctx)
		}
		a.answer(w, r, struct {
			DryRun bool             `json:"dryRun"`
			Run    gateway.Run      `json:"run"`
			Count  gateway.RunCount `json:"count"`
			Note   string           `json:"note,omitzero"`
		}{true, run, count, trimmedNote(run, count)})
		return
	}
	s, err := a.Runs.Repeat(ctx, run)
	if err != nil {
		a.badRun(w, r, err, 0)
		return
	}
	a.Log.InfoContext(ctx, "replay begun", "run", s.ID, "endpoint", run.Endpoint, "to", run.Target())
	count.Begin = a.oldest(ctx)
	if a.Trimmed != nil {
		count.Trimmed, _ = a.Trimmed(ctx)
	}
	a.answer(w, r, struct {
		Run  gateway.RunStatus `json:"run"`
		Note string            `json:"note,omitzero"`
	}{s, trimmedNote(run, count)})
}

// oldest is when the oldest event that is kept was; zero when there is none.
func (a *api) oldest(ctx context.Context) time.Time {
	page, err := a.Journal.Page(ctx, 0)
	if err != nil {
		return time.Time{}
	}
	return page.Time.UTC()
}

// trimmedNote says that the journal does not reach as far back as is asked for;
// empty when it does.
func trimmedNote(run gateway.Run, n gateway.RunCount) string {
	if n.Trimmed == 0 || n.Begin.IsZero() || !run.Since.IsZero() && !run.Since.Before(n.Begin) {
		return ""
	}
	return fmt.Sprintf("the journal begins at %s: the %d events before it were trimmed (journal.retain) and cannot be replayed",
		n.Begin.Format(time.RFC3339), n.Trimmed)
}

// badRun answers why a run is not begun, after others of the same request were.
func (a *api) badRun(w http.ResponseWriter, r *http.Request, err error, begun int) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, gateway.ErrNoEndpoint):
		status = http.StatusNotFound
	case errors.Is(err, gateway.ErrManyRuns):
		status = http.StatusTooManyRequests
	case errors.Is(err, gateway.ErrUnavailable), errors.Is(err, gateway.ErrFull):
		status = http.StatusServiceUnavailable
	}
	message := err.Error()
	if errors.Is(err, gateway.ErrNoEndpoint) {
		message += "; imhook endpoints shows those that there are"
	}
	if begun > 0 {
		message += fmt.Sprintf("; %d others were begun", begun)
	}
	a.fail(w, r, status, message)
}

// runs lists requeues and replays, the oldest first.
func (a *api) runs(w http.ResponseWriter, r *http.Request) {
	all := a.Runs.Runs()
	if kind := r.URL.Query().Get("kind"); kind != "" {
		all = slices.DeleteFunc(all, func(s gateway.RunStatus) bool { return string(s.Kind) != kind })
	}
	a.answer(w, r, map[string]any{"runs": append([]gateway.RunStatus{}, all...)})
}

func (a *api) run(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	all := a.Runs.Runs()
	i := slices.IndexFunc(all, func(s gateway.RunStatus) bool { return s.ID == id })
	if i < 0 {
		a.noRun(w, r, id)
		return
	}
	a.answer(w, r, all[i])
}

func (a *api) cancelRun(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s, err := a.Runs.CancelRun(r.Context(), id)
	switch {
	case errors.Is(err, gateway.ErrNoRun):
		a.noRun(w, r, id)
	case err != nil:
		a.broken(w, r, "cancelling the run", err)
	default:
		a.Log.InfoContext(r.Context(), "run cancelled", "run", id)
		a.answer(w, r, s)
	}
}

func (a *api) noRun(w http.ResponseWriter, r *http.Request, id string) {
	a.fail(w, r, http.StatusNotFound, "there is no run "+strings.TrimSpace(id)+"; imhook replay list shows them")
}
