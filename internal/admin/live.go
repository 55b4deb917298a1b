package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/imhook/imhook/internal/live"
)

// Live says how the gateway is doing now, and did lately.
type Live interface {
	// Watch begins to watch overviews; see [live.Live.Watch].
	Watch() (*live.Watcher, error)
	// Charts returns the lines of a span; see [live.Live.Charts].
	Charts(span live.Span, by live.By) live.Charts
}

// watchOverview streams an overview at once and then every second.
func (a *api) watchOverview(context.Context, *none) (stream, error) {
	w, err := a.Live.Watch()
	if err != nil {
		return nil, refuse(http.StatusTooManyRequests, "%v; close another page or command that does", err)
	}
	return func(to http.ResponseWriter, r *http.Request) {
		defer w.Close()
		s, err := newEventStream(to)
		if err != nil {
			return
		}
		beat := time.NewTicker(heartbeat)
		defer beat.Stop()
		for err == nil {
			select {
			case <-r.Context().Done():
				return
			case <-a.Closing:
				return
			case <-beat.C:
				err = s.beat()
			case o, ok := <-w.C:
				if !ok {
					return
				}
				err = s.send("overview", "", o)
				beat.Reset(heartbeat)
			}
		}
	}, nil
}

// chartsQuery says which charts are wanted.
type chartsQuery struct {
	Span spanParam `query:"span"`
	By   byParam   `query:"by"`
}

type (
	spanParam string
	byParam   string
)

// Schema is that of the parameter.
func (spanParam) Schema(huma.Registry) *huma.Schema {
	s := words("How far to look back: an hour by ten seconds, or a day by five minutes.", live.Spans())
	s.Default = string(live.SpanHour)
	return s
}

// Schema is that of the parameter.
func (byParam) Schema(huma.Registry) *huma.Schema {
	return words("What there is a line for; the gateway as a whole when it is left out.", live.Bys())
}

func (a *api) charts(_ context.Context, q *chartsQuery) (live.Charts, error) {
	span, by := live.Span(q.Span), live.By(q.By)
	if span == "" {
		span = live.SpanHour
	}
	if err := errors.Join(oneOf("span", span, live.Spans()), oneOf("by", by, live.Bys())); err != nil {
		return live.Charts{}, invalid(err)
	}
	return a.Live.Charts(span, by), nil
}

func (a *api) liveOperations() {
	ask(a, missing(a.Live != nil, operation{
		id: "live", method: http.MethodGet, path: "/api/v1/live", tag: tagGateway, role: RoleViewer,
		summary: "How everything is doing now, every second (server-sent events)", answers: mediaEvents,
		about: "Events of the name overview; their data is an Overview as JSON. Problems are in words. " +
			"Whoever reads slowly misses some and gets the newest. A comment comes at least every 15 seconds.",
		errors: []int{http.StatusTooManyRequests},
	}), stream(nil), a.watchOverview)
	ask(a, missing(a.Follow != nil, operation{
		id: "tail", method: http.MethodGet, path: "/api/v1/tail", tag: tagEvents, role: RoleViewer,
		summary: "What comes in and what comes of it, as it comes (server-sent events)", answers: mediaEvents,
		about: "First begin, whose id is where the stream stands; then event (a CloudEvent as in the listing; its id is the cursor), " +
			"attempt and decision (as in their listings) as they come. missed says what could not be shown, end why the stream ends. " +
			"With Last-Event-ID it goes on behind that event and leaves none out; earlier outcomes are shown as far as they are kept. " +
			"Whoever reads too slowly is let go, and can go on. A comment comes at least every 15 seconds.",
		errors: []int{http.StatusBadRequest, http.StatusTooManyRequests},
	}), stream(nil), a.tailEvents)
	ask(a, missing(a.Live != nil, operation{
		id: "charts", method: http.MethodGet, path: "/api/v1/charts", tag: tagGateway, role: RoleViewer,
		summary: "Throughput, times, backlog and failures of the last hour or day",
		about: "What this gateway counted since it began. Received, delivered and failed are in a second; times are in milliseconds, " +
			"the backlog's age in seconds. Things of which there are too many are one line together, named other.",
		errors: []int{http.StatusBadRequest},
	}), exampleCharts(), a.charts)
}

func exampleCharts() live.Charts {
	return live.Charts{
		Span: live.SpanHour, StepS: 10, From: exampleTime(),
		Series: []live.Line{
			{Metric: "delivered", Labels: map[string]string{"app": "shop", "endpoint": "backend"}, Points: live.Points{12, 14.5, 13}},
			{Metric: "delivery_p99_ms", Labels: map[string]string{"app": "shop", "endpoint": "backend"}, Points: live.Points{31, 29.5, 46}},
		},
		Reasons: []live.Reason{{Reason: "5xx", Count: 3}},
	}
}
