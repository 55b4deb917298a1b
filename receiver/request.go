package receiver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// headerEventID is where a gateway writes the event's id.
const headerEventID = "Imhook-Event-Id"

const (
	// maxHeaderID is the longest id that is taken from a header, in bytes.
	maxHeaderID = 1024
	// traceBytes is the length of a W3C traceparent.
	traceBytes = 55
)

// call is one request on its way.
type call struct {
	rc    *Receiver
	w     http.ResponseWriter
	r     *http.Request
	begin time.Time
	req   dialect.Request
	evs   []*event.Event
	// id is what a gateway calls the one event; empty when no header says it.
	id string
}

// refusal is a request that is not accepted.
type refusal struct {
	result Result
	status int
	// err says what is wrong, in words fit for the vendor's operator.
	err error
}

func (c *call) serve() (res dialect.Response) {
	defer func() {
		if p := recover(); p != nil {
			res = c.recovered(p)
		}
	}()
	if refused := c.read(); refused != nil {
		return c.refuse(refused)
	}
	if len(c.evs) == 1 && c.evs[0].Phase == event.Before {
		return c.decide(c.evs[0])
	}
	return c.handle()
}

// read takes the request through all checks, in this order.
func (c *call) read() *refusal {
	for _, step := range []func() *refusal{c.admit, c.readBody, c.decode} {
		if refused := step(); refused != nil {
			return refused
		}
	}
	for _, ev := range c.evs {
		c.fill(ev)
	}
	return nil
}

func (c *call) admit() *refusal {
	if c.r.Method != http.MethodPost {
		c.w.Header().Set("Allow", http.MethodPost)
		return &refusal{RefusedMethod, http.StatusMethodNotAllowed, errors.New("callbacks are sent with POST")}
	}
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &refusal{RefusedEncoding, http.StatusUnsupportedMediaType, fmt.Errorf("content encoding %.40q is not supported: send it plain", coding)}
	}
	return nil
}

func (c *call) readBody() *refusal {
	limit := c.rc.cfg.MaxBody
	tooLarge := &refusal{RefusedTooLarge, http.StatusRequestEntityTooLarge, fmt.Errorf("body is larger than %d bytes", limit)}
	if c.r.ContentLength > limit {
		return tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, os.ErrDeadlineExceeded) {
			status = http.StatusRequestTimeout
		}
		return &refusal{RefusedUnread, status, errors.New("the body did not arrive whole")}
	}
	if err := dialect.CheckDepth(body, c.rc.cfg.MaxDepth); err != nil {
		return &refusal{RefusedDepth, http.StatusBadRequest, err}
	}
	c.req.Body = body
	return nil
}

// decode verifies and reads the events.
func (c *call) decode() *refusal {
	cfg := &c.rc.cfg
	proof, err := cfg.Dialect.Verify(&c.req, cfg.Credentials, dialect.Verification{
		Now: c.begin, MaxAge: max(0, cfg.MaxAge), AcceptUnsigned: cfg.AcceptUnsigned,
	})
	switch {
	case errors.Is(err, dialect.ErrStale):
		return &refusal{RefusedStale, http.StatusUnauthorized, err}
	case errors.Is(err, dialect.ErrWrongApp):
		return &refusal{RefusedWrongApp, http.StatusUnauthorized, err}
	case err != nil:
		return &refusal{RefusedSignature, http.StatusUnauthorized, err}
	}
	if c.evs, err = cfg.Dialect.Decode(&c.req); err != nil {
		return &refusal{RefusedDecode, http.StatusBadRequest, err}
	}
	if len(c.evs) > 1 && slices.ContainsFunc(c.evs, func(ev *event.Event) bool { return ev.Phase == event.Before }) {
		return &refusal{RefusedMixed, http.StatusBadRequest, errors.New("a before-event must come alone: one request, one verdict")}
	}
	if command, ok := c.misplaced(); ok {
		return &refusal{RefusedPath, http.StatusNotFound, fmt.Errorf("path %.200q is none of %s's, only its end, %s, is: the receiver must be mounted where that begins",
			c.req.Path, cfg.Dialect.Spec().Name, command.Path)}
	}
	if id := c.r.Header.Get(headerEventID); len(c.evs) == 1 && len(id) <= maxHeaderID {
		c.id = id
	}
	var ok bool
	if c.id, ok = c.rc.replays.check(proof, &c.req, c.evs, c.id); !ok {
		return &refusal{RefusedReplayed, http.StatusUnauthorized, errors.New("this signature came with another body before")}
	}
	return nil
}

// misplaced finds the command whose path stands at the end of one that means
// nothing. Whoever forgot to strip a prefix would have everything acknowledged and
// nothing handled.
func (c *call) misplaced() (dialect.Command, bool) {
	if slices.ContainsFunc(c.evs, func(ev *event.Event) bool { return ev.Type != event.VendorUnknown }) {
		return dialect.Command{}, false
	}
	for _, command := range c.rc.cfg.Dialect.Spec().Commands {
		if command.Path != "" && command.Path != "/" && len(c.req.Path) > len(command.Path) && strings.HasSuffix(c.req.Path, command.Path) {
			return command, true
		}
	}
	return dialect.Command{}, false
}

// fill completes an event with what the wire does not say.
func (c *call) fill(ev *event.Event) {
	cfg := &c.rc.cfg
	ev.Source = cfg.Name
	if cfg.Generation != "" {
		ev.Generation = cfg.Generation
	}
	if ev.Time.IsZero() {
		ev.Time = c.begin.UTC().Truncate(time.Millisecond)
	}
	if trace := c.r.Header.Get("Traceparent"); ev.Trace == "" && len(trace) == traceBytes {
		ev.Trace = trace
	}
	if ev.Lane == "" && ev.Phase == event.After {
		ev.Lane = event.NewLane(event.KindSystem, ev.Source)
	}
}

// question names a proposal as name does; its key is of the same question word for
// word. Its id may be up to the sender's device: what was allowed under one must not
// vouch for another text.
func (c *call) question(ev *event.Event) (key string) {
	key = c.name(ev)
	if key == "" {
		return ""
	}
	sum := sha256.Sum256(ev.Raw.Body)
	return event.DeriveID(key, string(sum[:]))
}

// name gives ev its id, and returns the key by which it is known again: empty when
// nothing tells it from another one like it. An id in the body is preferred to the
// one in a header, because signatures cover bodies. The phase counts: a proposal and
// its fact may have one id.
func (c *call) name(ev *event.Event) (key string) {
	name := c.rc.cfg.Name
	switch {
	case ev.ID != "":
		return event.DeriveID(name, string(ev.Phase), ev.ID, ev.Dedupe)
	case c.id != "":
		ev.ID = c.id
	case ev.Dedupe != "":
		ev.ID = event.DeriveID(name, ev.Command, ev.Dedupe)
	default:
		ev.ID = event.NewID()
		return ""
	}
	return event.DeriveID(name, string(ev.Phase), ev.ID)
}
