package imfake

import (
	"net/http"
	"strconv"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Reply scripts what a [Backend] does with one request. The zero value is the
// dialect's own answer: its Ack for after-events, "allow" for a before-event.
// Delay and Hold come first, then Drop, then the answer.
type Reply struct {
	// Status replaces the status of the dialect's answer. A status that is not
	// 2xx comes without the dialect's body.
	Status int
	// Body replaces the body when it is not nil.
	Body []byte
	// ContentType replaces the media type when it is not empty.
	ContentType string
	// Header adds headers.
	Header http.Header
	// RetryAfter adds a Retry-After header, rounded up to seconds; zero adds none.
	RetryAfter time.Duration
	// Verdict answers a before-event; nil allows it.
	Verdict *event.Verdict

	// Delay is waited for before anything is answered.
	Delay time.Duration
	// Hold keeps the request without an answer until the channel is closed or
	// delivers. It ends early when the caller goes away or the backend is closed.
	Hold <-chan struct{}
	// Drop closes the connection without an answer.
	Drop bool
	// DripEvery sends the body one byte at a time with that much time between
	// them; zero sends it at once.
	DripEvery time.Duration
}

// Status returns the reply with that status and nothing else to say.
func Status(status int) Reply { return Reply{Status: status} }

// Verdict returns the reply that answers a before-event.
func Verdict(v event.Verdict) Reply { return Reply{Verdict: &v} }

// response builds the answer to rec.
func (r Reply) response(d dialect.Dialect, rec *Received) dialect.Response {
	res := r.base(d, rec)
	if r.Status != 0 {
		if r.Status < 200 || r.Status > 299 {
			res = dialect.Response{}
		}
		res.Status = r.Status
	}
	if res.Status == 0 {
		res.Status = http.StatusOK
	}
	if r.Body != nil {
		res.Body = r.Body
	}
	if r.ContentType != "" {
		res.ContentType = r.ContentType
	}
	header := make(http.Header)
	for _, h := range []http.Header{res.Header, r.Header} {
		for k, v := range h {
			header[http.CanonicalHeaderKey(k)] = v
		}
	}
	if r.RetryAfter > 0 {
		seconds := (r.RetryAfter + time.Second - 1) / time.Second
		header.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	res.Header = header
	return res
}

// base is what the dialect itself answers.
func (r Reply) base(d dialect.Dialect, rec *Received) dialect.Response {
	switch {
	case rec.VerifyErr != nil:
		return d.Refuse(&rec.Request, http.StatusUnauthorized, rec.VerifyErr)
	case rec.DecodeErr != nil:
		return d.Refuse(&rec.Request, http.StatusBadRequest, rec.DecodeErr)
	case len(rec.Events) == 1 && rec.Events[0].Phase == event.Before:
		v := event.Allowed()
		if r.Verdict != nil {
			v = *r.Verdict
		}
		return d.Answer(rec.Events[0], v)
	}
	return d.Ack(&rec.Request, rec.Events)
}
