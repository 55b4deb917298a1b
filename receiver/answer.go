package receiver

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// refuse answers a request that no handler saw.
func (c *call) refuse(re *refusal) dialect.Response {
	rc := c.rc
	if rc.quiet.Allow() {
		rc.cfg.Log.Warn("request refused", "source", rc.cfg.Name, "reason", re.result, "status", re.status,
			"path", short(c.req.Path), "peer", c.r.RemoteAddr, "err", short(re.err.Error()))
	}
	rc.tell(Outcome{Result: re.result, Took: time.Since(c.begin), Err: re.err})
	return rc.cfg.Dialect.Refuse(&c.req, re.status, re.err)
}

// fail answers a request of which an event was not handled. The handler's words are
// for the log alone.
func (c *call) fail(head *event.Event, l landing) dialect.Response {
	rc := c.rc
	id := event.NewID()
	rc.log(l).Error("event was not handled", "source", rc.cfg.Name, "error_id", id, "event", head.ID, "type", head.Type,
		"result", l.result, "err", l.err)
	status, words := http.StatusServiceUnavailable, "the event was not handled: error "
	switch l.result {
	case Rejected:
		status, words = http.StatusUnprocessableEntity, "the event is rejected for good: error "
	case Overloaded:
		c.w.Header().Set("Retry-After", "1")
	}
	return rc.cfg.Dialect.Refuse(&c.req, status, errors.New(words+id))
}

// log returns the log, with the stack of a panic.
func (rc *Receiver) log(l landing) *slog.Logger {
	if p, ok := errors.AsType[*panicError](l.err); ok {
		return rc.cfg.Log.With("stack", string(p.stack))
	}
	return rc.cfg.Log
}

// recovered turns a defect that is no handler's into an answer and a line in the
// log that share an id. The dialect is tried once more, for the form; when it is the
// dialect that panics, the answer is plain.
func (c *call) recovered(p any) dialect.Response {
	rc, id := c.rc, event.NewID()
	rc.cfg.Log.Error("request panicked", "source", rc.cfg.Name, "error_id", id, "panic", p, "stack", string(debug.Stack()))
	rc.count(RefusedPanic)
	err := errors.New("internal error " + id)
	res := dialect.Response{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte(err.Error() + "\n")}
	func() {
		defer func() { _ = recover() }()
		res = rc.cfg.Dialect.Refuse(&c.req, http.StatusInternalServerError, err)
	}()
	return res
}

// write sends an answer with its length and in one piece: some vendors' servers take
// anything else for an empty one.
func write(w http.ResponseWriter, res dialect.Response) {
	h := w.Header()
	maps.Copy(h, res.Header)
	if res.ContentType != "" {
		h["Content-Type"] = []string{res.ContentType}
	} else if h.Get("Content-Type") == "" {
		h["Content-Type"] = nil // the server would guess one
	}
	status := res.Status
	if status == 0 {
		status = http.StatusOK
	}
	if status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.Itoa(len(res.Body))}
	}
	w.WriteHeader(status)
	_, _ = w.Write(res.Body) // a caller that left has nobody to be told
}

// short bounds a text for the log.
func short(s string) string {
	const limit = 300
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
