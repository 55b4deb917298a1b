package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// replayWish says what is delivered again.
type replayWish struct {
	SelectionWish
	To     string  `json:"to,omitzero" doc:"Who gets it, an endpoint of the same app; left out, the endpoint itself."`
	All    bool    `json:"all,omitzero" doc:"Also what the endpoint's rule does not pick."`
	Rate   float64 `json:"rate,omitzero" doc:"At most so many events a second."`
	DryRun bool    `json:"dryRun,omitzero" doc:"Count, and do nothing."`
}

// replayed is the run of a replay, or what it would do: Count is set then.
type replayed struct {
	DryRun bool              `json:"dryRun,omitzero"`
	Run    plannedRun        `json:"run"`
	Count  *gateway.RunCount `json:"count,omitzero"`
	Note   string            `json:"note,omitzero"`
}

// plannedRun is a run, with how it is doing once it was begun.
type plannedRun struct {
	gateway.Run
	doing *gateway.RunStatus
}

// MarshalJSONTo writes what there is.
func (p plannedRun) MarshalJSONTo(enc *jsontext.Encoder) error {
	if p.doing != nil {
		return json.MarshalEncode(enc, p.doing)
	}
	return json.MarshalEncode(enc, &p.Run)
}

// replay begins to deliver history again, or counts what that would be.
func (a *api) replay(ctx context.Context, endpoint string, want *replayWish) (replayed, error) {
	run := gateway.Run{Kind: event.Replayed, All: want.All, Rate: want.Rate}
	var err error
	if run.Selection, err = a.selection(want.SelectionWish); err != nil {
		return replayed{}, invalid(err)
	}
	run.Endpoint = a.endpointID(ctx, endpoint)
	if want.To != "" {
		run.To = want.To
		if app, _, ok := strings.Cut(run.Endpoint, "/"); ok && !strings.Contains(run.To, "/") {
			run.To = app + "/" + run.To
		}
	}
	noteWish(ctx, run.Endpoint, want)
	counting, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	count := gateway.RunCount{AtLeast: true}
	if want.DryRun {
		skipNote(ctx)
		if count, err = a.Runs.CountRun(counting, run); err != nil {
			return replayed{}, badRun(err, 0)
		}
		if a.Trimmed != nil {
			count.Trimmed, _ = a.Trimmed(ctx)
		}
		return replayed{DryRun: true, Run: plannedRun{Run: run}, Count: &count, Note: trimmedNote(run, count)}, nil
	}
	s, err := a.Runs.Repeat(ctx, run)
	if err != nil {
		return replayed{}, badRun(err, 0)
	}
	a.Log.InfoContext(ctx, "replay begun", "run", s.ID, "endpoint", run.Endpoint, "to", run.Target())
	count.Begin = a.oldest(ctx)
	if a.Trimmed != nil {
		count.Trimmed, _ = a.Trimmed(ctx)
	}
	return replayed{Run: plannedRun{doing: &s}, Note: trimmedNote(run, count)}, nil
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

// badRun says why a run is not begun, after others of the same request were.
func badRun(err error, begun int) *refusal {
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
	return refuse(status, "%s", message)
}

// runsQuery narrows the runs.
type runsQuery struct {
	Kind string `query:"kind" enum:"requeued,replayed" doc:"Requeues or replays alone."`
}

// runList are requeues and replays.
type runList struct {
	Runs []gateway.RunStatus `json:"runs"`
}

// runs lists requeues and replays, the oldest first.
func (a *api) runs(_ context.Context, in *runsQuery) (runList, error) {
	all := a.Runs.Runs()
	if in.Kind != "" {
		all = slices.DeleteFunc(all, func(s gateway.RunStatus) bool { return string(s.Kind) != in.Kind })
	}
	return runList{append([]gateway.RunStatus{}, all...)}, nil
}

func (a *api) run(_ context.Context, in *byID) (gateway.RunStatus, error) {
	all := a.Runs.Runs()
	i := slices.IndexFunc(all, func(s gateway.RunStatus) bool { return s.ID == in.ID })
	if i < 0 {
		return gateway.RunStatus{}, noRun(in.ID)
	}
	return all[i], nil
}

func (a *api) cancelRun(ctx context.Context, in *byID) (gateway.RunStatus, error) {
	s, err := a.Runs.CancelRun(ctx, in.ID)
	switch {
	case errors.Is(err, gateway.ErrNoRun):
		return s, noRun(in.ID)
	case err != nil:
		return s, a.broken(ctx, "cancelling the run", err)
	}
	a.Log.InfoContext(ctx, "run cancelled", "run", in.ID)
	return s, nil
}

func noRun(id string) *refusal {
	return refuse(http.StatusNotFound, "there is no run %s; imhook replay list shows them", strings.TrimSpace(id))
}
