package receive

import (
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Handler takes the callbacks of all sources. Make it with [New]; it is safe for
// concurrent use.
type Handler struct {
	cfg     Config
	metrics *metrics
	// unknown logs what belongs to no source.
	unknown *quietLog
	sources atomic.Pointer[table]
}

// New checks the configuration and registers the metrics.
func New(cfg Config) (*Handler, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, metrics: m, unknown: newQuietLog(cfg.Log)}
	if err := h.Set(cfg.Sources); err != nil {
		return nil, err
	}
	return h, nil
}

// Set replaces all sources, or returns an error and changes nothing. Requests
// under way are finished with the source that they began with.
func (h *Handler) Set(sources []Source) error {
	t, err := h.newTable(sources)
	if err != nil {
		return err
	}
	h.sources.Store(&t)
	return nil
}

// call is one request on its way.
type call struct {
	h   *Handler
	w   http.ResponseWriter
	r   *http.Request
	src *source
	now time.Time
	req dialect.Request
	evs []*event.Event
	// answered is true once the answer was begun: there is only one.
	answered bool
}

// ServeHTTP takes one callback.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	src, rest, ok := h.sources.Load().find(r.URL.EscapedPath())
	if !ok {
		h.notFound(w, r, ReasonUnknownSource, "", h.unknown)
		return
	}
	path, ok := src.checkToken(rest)
	if !ok {
		h.notFound(w, r, ReasonPathToken, src.Name, src.log)
		return
	}
	c := &call{h: h, w: w, r: r, src: src, now: h.cfg.Now()}
	c.req = dialect.Request{Path: path, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), Header: r.Header}
	defer c.recovered()
	res, refused := c.serve()
	if refused != nil {
		c.refuse(refused)
		return
	}
	c.answer(res)
}

// serve takes the request through all steps, in this order.
func (c *call) serve() (dialect.Response, *refusal) {
	if refused := c.admit(); refused != nil {
		return dialect.Response{}, refused
	}
	if refused := c.read(); refused != nil {
		return dialect.Response{}, refused
	}
	proof, refused := c.verify()
	if refused != nil {
		return dialect.Response{}, refused
	}
	if refused := c.decode(); refused != nil {
		return dialect.Response{}, refused
	}
	if c.proposes() {
		return c.decide()
	}
	return c.keep(proof)
}

// recovered turns a defect of ours into an answer and a line in the log that
// share an id.
func (c *call) recovered() {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value, not an error that was wrapped
		panic(p)
	}
	id := event.NewID()
	c.src.metrics.panics.Inc()
	c.src.metrics.rejected.WithLabelValues(string(ReasonPanic)).Inc()
	c.h.cfg.Log.Error("request panicked", "source", c.src.Name, "error_id", id, "panic", p, "stack", string(debug.Stack()))
	if !c.answered {
		c.apologise(id)
	}
}
