package receive

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// traceBytes is the length of a W3C traceparent.
const traceBytes = 55

// admit looks at who calls and how, before anything is read.
func (c *call) admit() *refusal {
	if len(c.src.AllowFrom) > 0 {
		if a := caller(c.r, c.h.cfg.TrustedProxies); !c.src.allows(a) {
			return refuse(ReasonAddress, http.StatusForbidden, fmt.Errorf("address %s may not call this source", a))
		}
	}
	if climbs(c.req.Path) {
		return refuse(ReasonPath, http.StatusBadRequest, errors.New("a path must not hold . or .. between slashes"))
	}
	// What is streamed is often sent with PUT: curl -T does.
	if c.r.Method != http.MethodPost && (c.r.Method != http.MethodPut || c.streams() == nil) {
		why := "callbacks are sent with POST"
		if c.r.Method == http.MethodPut && c.bulker() != nil {
			why += "; PUT is for lines, Content-Type: application/x-ndjson"
		}
		re := refuse(ReasonMethod, http.StatusMethodNotAllowed, errors.New(why))
		re.header = http.Header{"Allow": {http.MethodPost}}
		return re
	}
	return nil
}

// climbs reports whether an escaped path leaves the place where it is appended: what
// nobody knows is passed on below the endpoint's URL, whose server may follow it out
// of there.
func climbs(path string) bool {
	if !strings.Contains(path, ".") && !strings.Contains(path, "%") {
		return false
	}
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// read reads the body inside its bounds.
func (c *call) read() *refusal {
	body, refused := c.h.readBody(c.r)
	if refused != nil {
		return refused
	}
	if err := dialect.CheckDepth(body, c.h.cfg.MaxDepth); err != nil {
		return refuse(ReasonDepth, http.StatusBadRequest, err)
	}
	c.req.Body = body
	return nil
}

// verify lets the dialect say whether the request comes from the source.
func (c *call) verify() (dialect.Proof, *refusal) {
	proof, err := c.src.Dialect.Verify(&c.req, c.src.Credentials, dialect.Verification{
		Now: c.now, MaxAge: c.src.maxAge, AcceptUnsigned: c.src.AcceptUnsigned,
	})
	if err != nil {
		return dialect.Proof{}, unverified(err)
	}
	c.used(proof)
	return proof, nil
}

// decode reads the events and fills in what only the receiver knows.
func (c *call) decode() *refusal {
	evs, err := c.src.Dialect.Decode(&c.req)
	if err != nil {
		return refuse(ReasonDecode, http.StatusBadRequest, err)
	}
	if len(evs) > 1 {
		for _, ev := range evs {
			if ev.Phase == event.Before {
				return refuse(ReasonMixed, http.StatusBadRequest, errors.New("a before-event must come alone: one request, one verdict"))
			}
		}
	}
	trace := c.trace()
	for _, ev := range evs {
		c.take(ev, trace)
	}
	c.evs = evs
	return nil
}

// maxTraceState bounds a tracestate, in bytes: what is longer need not be passed on.
const maxTraceState = 512

// carries is the place in a trace that the request came with; the zero value where it
// is none.
func (c *call) carries() gateway.Trace {
	t := gateway.Trace{Parent: c.r.Header.Get("Traceparent")}
	if len(t.Parent) != traceBytes {
		return gateway.Trace{}
	}
	if t.State = strings.Join(c.r.Header.Values("Tracestate"), ","); len(t.State) > maxTraceState {
		t.State = ""
	}
	return t
}

// trace is what the request's events carry: where its own span is, or what it came
// with.
func (c *call) trace() gateway.Trace {
	if c.span != nil {
		return c.at
	}
	return c.carries()
}

// follow begins the request's span, once it is known to be its source's.
func (c *call) follow() {
	if t := c.h.cfg.Tracer; t != nil {
		c.ctx, c.at, c.span = t.Receive(c.ctx, c.src.App, c.src.Name, c.begin, c.carries())
	}
}

// take completes and counts an event that the dialect decoded.
func (c *call) take(ev *event.Event, trace gateway.Trace) {
	c.fill(ev, trace)
	c.src.metrics.receivedType(ev.Type)
	c.owes()
	c.notice(ev)
}

// notice tells the operator once of each command that nobody knows: a path may be
// misspelt, and the server that calls it is told that all is well.
func (c *call) notice(ev *event.Event) {
	if ev.Type != event.VendorUnknown || !c.src.strange.first(ev.Command) {
		return
	}
	c.h.cfg.Log.Warn("callback of an unknown kind: it is kept, passed on byte for byte in its own dialect, and to no other",
		"source", c.src.Name, "path", short(c.req.Path), "command", short(ev.Command))
}

// fill completes an event that the dialect decoded.
func (c *call) fill(ev *event.Event, trace gateway.Trace) {
	ev.App, ev.Source = c.src.App, c.src.Name
	ev.Repeat = "" // ours to say, for each delivery
	if c.src.Generation != "" {
		ev.Generation = c.src.Generation
	}
	if ev.Time.IsZero() {
		ev.Time = c.now.UTC().Truncate(time.Millisecond)
	}
	if ev.Trace == "" {
		ev.Trace, ev.TraceState = strings.Clone(trace.Parent), strings.Clone(trace.State)
	}
	if ev.ID == "" {
		ev.ID = newID(ev)
	}
	// What nobody in particular did is in order per source, not over all of them.
	if (ev.Lane == "" && ev.Phase == event.After) || ev.Lane == event.NewLane(event.KindSystem, "") {
		ev.Lane = event.NewLane(event.KindSystem, ev.Source)
	}
}

// newID names an event: the same report of the same source always alike, where
// the wire tells that it is the same.
func newID(ev *event.Event) string {
	if ev.Dedupe == "" {
		return event.NewID()
	}
	return event.DeriveID(ev.App, ev.Source, ev.Command, ev.Dedupe)
}
