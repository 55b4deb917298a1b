package admin

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/sample"
)

const (
	// defaultCheck is how long a check waits for endpoints, maxCheck how long at most.
	defaultCheck = 10 * time.Second
	maxCheck     = 5 * time.Minute
	// lookEvery is how often a check looks at endpoints that do not try.
	lookEvery = 100 * time.Millisecond
)

// Deliveries shows what becomes of events on their way to endpoints.
type Deliveries interface {
	// Picks returns the endpoints (app/name) that get ev, in configuration order.
	Picks(ev *event.Event) []string
	// Watch sees the attempts for the events that pick picks, from now on. It must be
	// stopped; pick must be quick.
	Watch(pick func(*event.Event) bool) Watch
}

// Watch has seen attempts.
type Watch interface {
	// Attempts are those so far, in the order in which they ended.
	Attempts() []gateway.Attempt
	// Changed holds a value after there was another one.
	Changed() <-chan struct{}
	Stop()
}

// Fate is what became of the event of a check at one endpoint. The words are output:
// append only.
type Fate string

// The fates.
const (
	// FateDelivered: the endpoint has it.
	FateDelivered Fate = "delivered"
	// FateFailed: the first attempt failed; others follow, as for every event.
	FateFailed Fate = "failed"
	// FateLeftOut: it was not sent, because the endpoint's dialect cannot say it, or
	// another callback tells the same.
	FateLeftOut Fate = "left out"
	// FateHeld: the endpoint is paused, or left alone because it failed too often; the
	// event waits.
	FateHeld Fate = "held"
	// FateWaiting: it was not tried in the time of the check.
	FateWaiting Fate = "waiting"
)

// checked is what became of a check.
type checked struct {
	App     string `json:"app"`
	Source  string `json:"source"`
	Dialect string `json:"dialect"`
	Command string `json:"command"`
	// Unsigned says why the request could not be signed.
	Unsigned string   `json:"unsigned,omitzero"`
	Response received `json:"response"`
	// Kept is true when the journal has the event.
	Kept      bool         `json:"kept"`
	Event     string       `json:"event,omitzero"`
	Type      event.Type   `json:"type,omitzero"`
	Endpoints []checkedEnd `json:"endpoints"`
	// Unmatched endpoints of the app do not get such events.
	Unmatched []string `json:"unmatched"`
}

// checkedEnd is what became of it at one endpoint.
type checkedEnd struct {
	Endpoint string `json:"endpoint"`
	Fate     Fate   `json:"fate"`
	// Kind and the following are those of the attempt, where there was one.
	Kind    gateway.OutcomeKind `json:"kind,omitzero"`
	Reason  gateway.Reason      `json:"reason,omitzero"`
	Status  int                 `json:"status,omitzero"`
	Detail  string              `json:"detail,omitzero"`
	URL     string              `json:"url,omitzero"`
	Answer  string              `json:"answer,omitzero"`
	Seconds float64             `json:"seconds,omitzero"`
}

// check has a source called with a harmless callback, signed as the vendor's server
// would, and follows the event until each endpoint that gets it has been tried once.
func (a *api) check(ctx context.Context, in *sourceName, want *patience) (checked, error) {
	app, s, ok := a.Current().Source(in.Name)
	if !ok {
		return checked{}, noSource(in.Name)
	}
	within, err := want.duration()
	if err != nil {
		return checked{}, invalid(err)
	}
	c, err := a.follow(ctx, app, s, within)
	if err != nil {
		return checked{}, a.broken(ctx, "checking the source", err)
	}
	return c, nil
}

// patience is how long a check may take.
type patience struct {
	Timeout float64 `json:"timeoutSeconds,omitzero" minimum:"0" maximum:"300" default:"10" doc:"How long to wait for the endpoints."`
}

func (want *patience) duration() (time.Duration, error) {
	switch {
	case want.Timeout == 0:
		return defaultCheck, nil
	case want.Timeout < 0 || want.Timeout > maxCheck.Seconds():
		return 0, errors.New("timeoutSeconds is " + strconv.FormatFloat(want.Timeout, 'g', -1, 64) + "; write up to " + strconv.FormatFloat(maxCheck.Seconds(), 'g', -1, 64))
	}
	return time.Duration(want.Timeout * float64(time.Second)), nil
}

// follow makes the check.
func (a *api) follow(ctx context.Context, app string, s config.Source, patience time.Duration) (checked, error) {
	c := checked{App: app, Source: s.Name, Dialect: s.Dialect, Endpoints: []checkedEnd{}, Unmatched: []string{}}
	d, err := a.Registry.Get(s.Dialect)
	if err != nil {
		return c, err
	}
	req, command, err := sample.Harmless(d, sample.Wish{Seed: rand.Uint64(), Credentials: s.Credentials, Now: a.Now()})
	switch {
	case errors.Is(err, sample.ErrUnsigned):
		c.Unsigned = err.Error()
	case err != nil:
		return c, err
	}
	c.Command = command
	mine := func(ev *event.Event) bool {
		return ev.Source == s.Name && (bytes.Contains(ev.Raw.Body, []byte(sample.TestUser)) || strings.Contains(ev.Raw.Query, sample.TestUser))
	}
	_, last, _, err := a.Journal.Bounds(ctx)
	if err != nil {
		return c, err
	}
	// From before it is sent: what an endpoint takes at once must be seen too.
	watch := a.Deliveries.Watch(mine)
	defer watch.Stop()
	x, err := a.call(ctx, s, req)
	if err != nil {
		return c, err
	}
	c.Response = x.Response
	f, err := a.search(ctx, query{limit: 1, match: mine, after: gateway.NewPos(last+1, 0) - 1})
	if err != nil || len(f.Events) == 0 {
		return c, err
	}
	ev := f.Events[0]
	c.Kept, c.Event, c.Type = true, ev.ID, ev.Type
	picked := a.Deliveries.Picks(ev)
	for _, e := range a.Endpoints.Endpoints(ctx) {
		if id := e.App + "/" + e.Name; e.App == app && e.State != stateRemoved && !slices.Contains(picked, id) {
			c.Unmatched = append(c.Unmatched, id)
		}
	}
	c.Endpoints = a.fates(ctx, watch, ev.ID, picked, patience)
	return c, nil
}

// stateRemoved is the state of an endpoint that is not configured any more.
const stateRemoved = "removed"

// fates waits until something is known of the event at each endpoint.
func (a *api) fates(ctx context.Context, watch Watch, id string, endpoints []string, patience time.Duration) []checkedEnd {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		all, known := a.fatesNow(ctx, watch, id, endpoints)
		if known {
			return all
		}
		select {
		case <-watch.Changed():
		case <-look.C:
		case <-ctx.Done():
			return all
		}
	}
}

// fatesNow is what is known now of the event at each endpoint; known is false when
// waiting may tell more.
func (a *api) fatesNow(ctx context.Context, watch Watch, id string, endpoints []string) (all []checkedEnd, known bool) {
	first := map[string]gateway.Attempt{}
	for _, at := range watch.Attempts() {
		if _, ok := first[at.Endpoint]; !ok && at.Event.ID == id {
			first[at.Endpoint] = at
		}
	}
	doing := map[string]EndpointStatus{}
	if len(first) < len(endpoints) {
		for _, s := range a.Endpoints.Endpoints(ctx) {
			doing[s.App+"/"+s.Name] = s
		}
	}
	all, known = []checkedEnd{}, true
	for _, e := range endpoints {
		at, tried := first[e]
		if tried {
			all = append(all, attempted(at))
			continue
		}
		s := doing[e]
		end := checkedEnd{Endpoint: e, Fate: FateWaiting, Detail: s.LastError}
		if s.Paused != "" {
			end.Fate, end.Detail = FateHeld, "paused: "+s.Paused
		}
		known = known && end.Fate != FateWaiting
		all = append(all, end)
	}
	return all, known
}

// attempted is what an attempt says.
func attempted(at gateway.Attempt) checkedEnd {
	end := checkedEnd{
		Endpoint: at.Endpoint, Fate: FateFailed, Kind: at.Outcome.Kind, Reason: at.Outcome.Reason,
		Status: at.Outcome.Status, Detail: at.Outcome.Detail, Seconds: at.Outcome.Took.Seconds(),
	}
	switch at.Outcome.Kind {
	case gateway.Delivered:
		end.Fate = FateDelivered
	case gateway.Untranslatable, gateway.Echoed:
		end.Fate = FateLeftOut
	default:
	}
	if x := at.Outcome.Exchange; x != nil {
		end.URL, end.Answer = x.URL, x.Response
		if end.Status == 0 {
			end.Status = x.Status
		}
	}
	return end
}

// HookAnswer is what a hook said to a harmless question.
type HookAnswer struct {
	// Asked is false when the hook is not asked such questions; Why says so then.
	Asked bool   `json:"asked"`
	Why   string `json:"why,omitzero"`
	// Cause is hook when there was a verdict, otherwise why there was none; Reason and
	// Detail say more.
	Cause   gateway.Cause  `json:"cause,omitzero"`
	Verdict event.Action   `json:"verdict,omitzero"`
	Reason  gateway.Reason `json:"reason,omitzero"`
	Detail  string         `json:"detail,omitzero"`
	Status  int            `json:"status,omitzero"`
	// Seconds is how long it took, of Timeout.
	Seconds float64 `json:"seconds"`
	Timeout float64 `json:"timeoutSeconds"`
}

// checkHook asks a hook something that changes nothing.
func (a *api) checkHook(ctx context.Context, in *inApp, _ *none) (HookAnswer, error) {
	if a.Current().Hook(in.App, in.Name) == nil {
		return HookAnswer{}, refuse(http.StatusNotFound, "there is no hook %s", in.id())
	}
	return a.AskHook(ctx, in.App, in.Name), nil
}

// Reached is whether an endpoint can be connected to.
type Reached struct {
	// Tried is false where there is no URL to connect to: brokers and the inbox.
	Tried bool `json:"tried"`
	OK    bool `json:"ok"`
	// Reason and Detail say why not.
	Reason  gateway.Reason `json:"reason,omitzero"`
	Detail  string         `json:"detail,omitzero"`
	Seconds float64        `json:"seconds"`
}

// checkEndpoint has a connection made to an endpoint; nothing is sent.
func (a *api) checkEndpoint(ctx context.Context, in *inApp, _ *none) (Reached, error) {
	reached, err := a.Reach(ctx, in.App, in.Name)
	if errors.Is(err, gateway.ErrNoEndpoint) {
		return Reached{}, refuse(http.StatusNotFound, "there is no endpoint %s; imhook endpoints shows those that there are", in.id())
	}
	return reached, err
}
