package receive

import (
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
)

const jsonType = "application/json"

// note counts and logs what was not accepted.
func (c *call) note(re *refusal) {
	c.src.metrics.rejected.WithLabelValues(string(re.reason)).Inc()
	if log := c.src.log.at(c.now); log != nil {
		if re.reason == ReasonSignature {
			// Here and not before, so that it is done no more often than lines are
			// written.
			if with := c.outdated().outside(c.now); with != "" {
				log = log.With("signed_with", with)
			}
		}
		log.Warn("request refused", "source", c.src.Name, "reason", re.reason, "status", re.status,
			"path", short(c.req.Path), "peer", c.r.Peer, "err", short(re.err.Error()))
	}
}

// refuse answers in the vendor's form what was not accepted, counts it and logs
// it.
func (c *call) refuse(re *refusal) dialect.Response {
	c.note(re)
	res := c.src.Dialect.Refuse(&c.req, re.status, re.err)
	if re.header != nil {
		h := re.header.Clone()
		maps.Copy(h, res.Header)
		res.Header = h
	}
	return res
}

// apologise answers after a panic. The dialect is tried once more, for the form;
// when it is the dialect that panics, the answer is plain.
func (c *call) apologise(id string) dialect.Response {
	err := errors.New("internal error " + id)
	res := plainError(http.StatusInternalServerError, string(ReasonPanic), err.Error())
	func() {
		defer func() { _ = recover() }()
		res = c.src.Dialect.Refuse(&c.req, http.StatusInternalServerError, err)
	}()
	return res
}

// notFound answers the same to an unknown source and to a wrong token: guessing
// must not tell them apart.
// with says which token came that is not valid, or nothing; it is for the log.
func (h *Handler) notFound(r *Request, reason Reason, source string, quiet *quietLog, with string) dialect.Response {
	h.metrics.rejected.WithLabelValues(source, string(reason)).Inc()
	if log := quiet.at(h.cfg.Now()); log != nil {
		if with != "" {
			log = log.With("called_with", with)
		}
		log.Warn("request refused", "source", source, "reason", reason, "status", http.StatusNotFound, "peer", r.Peer)
	}
	return plainError(http.StatusNotFound, string(ReasonUnknownSource),
		"no such source: callbacks go to POST /in/{source}, or to /in/{source}/{token} where the source has a path token, followed by the dialect's own path")
}

// plainError is an answer in nobody's form.
func plainError(status int, reason, text string) dialect.Response {
	type detail struct {
		Status  int    `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	body, err := json.Marshal(map[string]detail{"error": {status, reason, text}})
	if err != nil { // no value of these types fails
		body = []byte("{}")
	}
	return dialect.Response{Status: status, ContentType: jsonType, Body: body}
}

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
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(res.Body))}
	w.WriteHeader(status)
	_, _ = w.Write(res.Body) // a caller that left is seen by its context
}

// short bounds a text for the log.
func short(s string) string {
	const limit = 300
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
