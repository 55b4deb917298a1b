package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/sample"
)

// resendLink begins the link key of an event that was made of another one.
const resendLink = "resent:"

// resendWish says how a dead letter is sent again.
type resendWish struct {
	// Set holds edits of what came over the wire, in their order.
	Set jsontext.Value `json:"set,omitzero" doc:"Edits of what came over the wire, an object of path to value, in their order."`
	// Body replaces the body; nil leaves it.
	Body *string `json:"body,omitzero" doc:"Replaces the body."`
	// Keep leaves the dead letter where it is.
	Keep bool `json:"keep,omitzero" doc:"Leave the dead letter where it is."`
	// DryRun shows the event and keeps nothing.
	DryRun bool `json:"dryRun,omitzero" doc:"Show the event, and keep nothing."`
}

// resent is the new event.
type resent struct {
	Event   *event.Event `json:"event"`
	Link    string       `json:"link"`
	DryRun  bool         `json:"dryRun,omitzero"`
	Removed bool         `json:"removed"`
}

// resend makes a new event of a dead letter's, as it was or edited: it has an id of
// its own and a link to the old one, is kept in the journal and goes wherever the
// rules say. The dead letter is taken away once the new event is kept.
func (a *api) resend(ctx context.Context, in *byID, want *resendWish) (resent, error) {
	edits, err := readEdits(want.Set)
	if err != nil {
		return resent{}, invalid(err)
	}
	l, err := a.namedLetter(ctx, in.ID)
	if err != nil {
		return resent{}, err
	}
	req := dialect.RawRequest(l.Event)
	if want.Body != nil {
		req.Body = []byte(*want.Body)
	}
	ev, err := a.remake(l.Event, req, edits)
	if err != nil {
		return resent{}, refuse(http.StatusUnprocessableEntity, "dead letter %d cannot be resent so: %v", l.Seq, err)
	}
	answer := resent{Event: a.whole(ctx, ev), Link: resendLink + l.Event.ID, DryRun: want.DryRun}
	// What was edited is the event, which the journal has.
	note(ctx).Target, note(ctx).Detail = in.ID, "as event "+ev.ID
	if want.DryRun {
		skipNote(ctx)
	}
	if !want.DryRun {
		if answer.Removed, err = a.keepInstead(ctx, l, ev, want.Keep); err != nil {
			return resent{}, a.unkept(ctx, err)
		}
	}
	return answer, nil
}

// remake is the event of an edited request, in place of old.
func (a *api) remake(old *event.Event, req dialect.Request, edits []sample.Edit) (*event.Event, error) {
	d, err := a.Registry.Get(old.Raw.Dialect)
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		if err := e.Apply(&req); err != nil {
			return nil, fmt.Errorf("setting %s: %w", e.Path, err)
		}
	}
	ev, err := decodeOne(d, &req)
	if err != nil {
		return nil, err
	}
	id := event.NewID()
	if ev.ID != "" {
		// The wire names the event: who gets it byte for byte must see the new name.
		if err := (sample.Edit{Path: "id", Value: strconv.Quote(id)}).Apply(&req); err != nil {
			return nil, err
		}
		if ev, err = decodeOne(d, &req); err != nil {
			return nil, err
		}
	}
	if ev.Phase == event.Before {
		return nil, errors.New("it would be a question that waits for a verdict, and those are not kept")
	}
	ev.ID, ev.App, ev.Source, ev.Trace, ev.Dedupe, ev.Repeat = id, old.App, old.Source, old.Trace, "", ""
	ev.TraceState = old.TraceState
	if ev.Generation == "" {
		ev.Generation = old.Generation
	}
	if ev.Time.IsZero() {
		ev.Time = a.Now().UTC().Truncate(time.Millisecond)
	}
	if ev.Lane == "" || ev.Lane == event.NewLane(event.KindSystem, "") {
		ev.Lane = event.NewLane(event.KindSystem, ev.Source)
	}
	ev.Links = append(ev.Links, resendLink+old.ID)
	return ev, nil
}

func decodeOne(d dialect.Dialect, req *dialect.Request) (*event.Event, error) {
	evs, err := d.Decode(req)
	if err != nil {
		return nil, err
	}
	if len(evs) != 1 {
		return nil, fmt.Errorf("it holds %d events, want one", len(evs))
	}
	return evs[0], nil
}

// keepInstead keeps the event, and then takes the dead letter away: a crash between
// the two leaves both.
func (a *api) keepInstead(ctx context.Context, l gateway.DeadLetter, ev *event.Event, keep bool) (removed bool, err error) {
	if _, err := a.Keep(ctx, gateway.Arrival{Events: []*event.Event{ev}}); err != nil {
		return false, err
	}
	a.Log.InfoContext(ctx, "dead letter resent", "endpoint", l.Endpoint, "letter", l.Seq, "was", l.Event.ID, "event", ev.ID)
	if keep {
		return false, nil
	}
	removed, err = a.DeadLetters.RemoveDeadLetter(ctx, l.Seq)
	if err != nil {
		a.Log.WarnContext(ctx, "a dead letter that was resent is still there", "letter", l.Seq, "err", err)
	}
	return removed, nil
}

// unkept says that the journal did not take an event.
func (a *api) unkept(ctx context.Context, err error) *refusal {
	switch {
	case errors.Is(err, gateway.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "%v", err)
	case errors.Is(err, gateway.ErrFull), errors.Is(err, gateway.ErrUnavailable):
		return refuse(http.StatusServiceUnavailable, "%v", err)
	}
	return a.broken(ctx, "keeping the event", err)
}
