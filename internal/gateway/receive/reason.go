package receive

import (
	"errors"
	"net/http"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway"
)

// Reason is why a request was not accepted. It is a metric label and stands in
// the log. Append only.
type Reason string

// The reasons.
const (
	ReasonUnknownSource Reason = "unknown_source"
	ReasonPathToken     Reason = "path_token"
	ReasonAddress       Reason = "address"
	ReasonMethod        Reason = "method"
	ReasonEncoding      Reason = "content_encoding"
	ReasonBodyTooLarge  Reason = "body_too_large"
	ReasonTimeout       Reason = "timeout"
	ReasonClientGone    Reason = "client_gone"
	ReasonDepth         Reason = "depth"
	ReasonSignature     Reason = "signature"
	ReasonStale         Reason = "stale"
	ReasonWrongApp      Reason = "wrong_app"
	ReasonReplayed      Reason = "replayed"
	ReasonDecode        Reason = "decode"
	ReasonMixed         Reason = "mixed_phases"
	ReasonFull          Reason = "full"
	ReasonUnavailable   Reason = "unavailable"
	ReasonEventTooLarge Reason = "event_too_large"
	ReasonPanic         Reason = "panic"
	ReasonBusy          Reason = "busy"
	ReasonStopping      Reason = "stopping"
	ReasonPath          Reason = "path"
)

// refusal is a request that is not accepted.
type refusal struct {
	reason Reason
	status int
	// err says what is wrong, in words fit for the vendor's operator.
	err error
	// header is sent besides the dialect's; nil when there is none.
	header http.Header
}

func refuse(reason Reason, status int, err error) *refusal {
	return &refusal{reason: reason, status: status, err: err}
}

// unverified says why a signature was not accepted.
func unverified(err error) *refusal {
	switch {
	case errors.Is(err, dialect.ErrStale):
		return refuse(ReasonStale, http.StatusUnauthorized, err)
	case errors.Is(err, dialect.ErrWrongApp):
		return refuse(ReasonWrongApp, http.StatusUnauthorized, err)
	}
	return refuse(ReasonSignature, http.StatusUnauthorized, err)
}

// unkept says why the journal did not take an arrival. The causes inside the
// journal are the operator's, not the caller's, to read.
func unkept(err error) *refusal {
	switch {
	case errors.Is(err, gateway.ErrReplayed):
		return refuse(ReasonReplayed, http.StatusUnauthorized, gateway.ErrReplayed)
	case errors.Is(err, gateway.ErrTooLarge):
		return refuse(ReasonEventTooLarge, http.StatusRequestEntityTooLarge, gateway.ErrTooLarge)
	case errors.Is(err, gateway.ErrFull):
		return later(ReasonFull, gateway.ErrFull)
	}
	return later(ReasonUnavailable, gateway.ErrUnavailable)
}

// later asks the caller to come again.
func later(reason Reason, err error) *refusal {
	r := refuse(reason, http.StatusServiceUnavailable, err)
	r.header = http.Header{"Retry-After": {retryAfter}}
	return r
}
