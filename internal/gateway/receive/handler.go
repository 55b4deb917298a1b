package receive

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Handler takes the callbacks of all sources. Make it with [New]; it is safe for
// concurrent use.
type Handler struct {
	cfg     Config
	metrics *metrics
	// unknown logs what belongs to no source.
	unknown *quietLog
	sources atomic.Pointer[table]
	// setting is held while they are replaced.
	setting sync.Mutex
	// streams and spools bound what bodies of lines hold together.
	streams, spools budget
	// stopping is closed by stop.
	stopping chan struct{}
	stop     func()
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
	h := &Handler{cfg: cfg, metrics: m, unknown: newQuietLog(cfg.Log), stopping: make(chan struct{})}
	h.stop = sync.OnceFunc(func() { close(h.stopping) })
	h.streams.give(maxStreams)
	h.spools.give(allSpoolBodies * cfg.MaxBody)
	if err := h.Set(cfg.Sources); err != nil {
		return nil, err
	}
	return h, nil
}

// Set replaces all sources, or returns an error and changes nothing. Requests
// under way are finished with the source that they began with; streams, which may
// last for ever, are ended where their source changes: who may send no more must
// not go on, and who still may is told where.
func (h *Handler) Set(sources []Source) error {
	h.setting.Lock()
	defer h.setting.Unlock()
	t, err := h.newTable(sources)
	if err != nil {
		return err
	}
	if before := h.sources.Swap(&t); before != nil {
		before.retire(t)
	}
	return nil
}

// Check says what is wrong with sources, as Set would.
func (h *Handler) Check(sources []Source) error {
	_, err := h.newTable(sources)
	return err
}

// call is one request on its way.
type call struct {
	h   *Handler
	r   *Request
	src *source
	now time.Time
	// begin is when its first byte came, by the clock that measures.
	begin time.Time
	// token is the path token that it came with; nil when none is needed.
	token *ownSecret
	req   dialect.Request
	evs   []*event.Event
	// ctx is what its work is done under.
	ctx context.Context //nolint:containedctx // the request's
	// at is where its span is in its trace, span is told its end; nil without one.
	at   gateway.Trace
	span func(status int, evs []*event.Event)
	// owed is how many of its events nothing has become of yet, guarded by the book
	// of the source; told is true when the answer says that some were not kept.
	owed uint64
	told bool
}

// Serve takes one callback. The answer is to be written in one piece, with its
// length: some vendors' servers take a chunked or compressed one for an empty one.
func (h *Handler) Serve(r *Request) (res dialect.Response) {
	src, rest, ok := h.sources.Load().find(r.Path)
	if !ok {
		return h.notFound(r, ReasonUnknownSource, "", h.unknown, "")
	}
	begin, now := r.Began, h.cfg.Now()
	if begin.IsZero() {
		begin = time.Now()
	}
	path, token, ok := src.checkToken(rest, now)
	if !ok {
		return h.notFound(r, ReasonPathToken, src.Name, src.log, token.outside(now))
	}
	c := &call{h: h, r: r, src: src, now: now, begin: begin, token: token, ctx: r.Context}
	c.req = dialect.Request{Path: path, Query: r.Query, ContentType: r.Header.Get("Content-Type"), Header: r.Header}
	defer func() {
		if p := recover(); p != nil {
			c.told = true
			res = c.recovered(p)
		}
		c.close(c.told)
		if c.span != nil {
			c.span(res.Status, c.evs)
		}
		if r.Conn != nil && r.Conn.Gone() {
			src.metrics.unanswered.Inc()
		}
	}()
	res, refused := c.serve()
	if refused != nil {
		c.told = true
		return c.refuse(refused)
	}
	return res
}

// serve takes the request through all steps, in this order.
func (c *call) serve() (dialect.Response, *refusal) {
	if refused := c.admit(); refused != nil {
		return dialect.Response{}, refused
	}
	if b := c.streams(); b != nil {
		return c.stream(b)
	}
	if refused := c.read(); refused != nil {
		return dialect.Response{}, refused
	}
	proof, refused := c.verify()
	if refused != nil {
		return dialect.Response{}, refused
	}
	c.follow()
	if b := c.bulker(); b != nil {
		items, err := b.Items(&c.req)
		if err != nil {
			return dialect.Response{}, refuse(ReasonDecode, http.StatusBadRequest, err)
		}
		if items != nil {
			return c.batch(b, items, proof)
		}
	}
	if refused := c.decode(); refused != nil {
		return dialect.Response{}, refused
	}
	if c.proposes() {
		return c.decide(proof)
	}
	return c.keep(proof)
}

// recovered turns a defect of ours into an answer and a line in the log that
// share an id.
func (c *call) recovered(p any) dialect.Response {
	id := event.NewID()
	c.src.metrics.panics.Inc()
	c.src.metrics.rejected.WithLabelValues(string(ReasonPanic)).Inc()
	c.h.cfg.Log.Error("request panicked", "source", c.src.Name, "error_id", id, "panic", p, "stack", string(debug.Stack()))
	return c.apologise(id)
}
