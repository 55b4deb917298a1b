package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// maxRetryAfter caps what an endpoint may ask for: more would let it silence
// itself by mistake for days.
const maxRetryAfter = time.Hour

// class is the kind and reason of an outcome.
type class struct {
	kind   gateway.OutcomeKind
	reason gateway.Reason
	pause  bool
}

// classifyStatus says what an HTTP status means. Redirects that are followed do
// not get here.
func classifyStatus(status int) class {
	switch {
	case status >= 200 && status < 300:
		return class{kind: gateway.Delivered}
	// 408 and 425 ask for the same request again; they say nothing about the
	// event.
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return class{kind: gateway.Retry, reason: gateway.ReasonStatus4xx}
	case status == http.StatusTooManyRequests:
		return class{kind: gateway.Retry, reason: gateway.ReasonThrottled}
	// The endpoint is gone for good: it is paused and everything is kept.
	case status == http.StatusGone:
		return class{kind: gateway.Retry, reason: gateway.ReasonGone, pause: true}
	// Somebody moved the backend, or a login page stands before it. The fast
	// retries cover a deployment; after that a person has to look.
	case status >= 300 && status < 400:
		return class{kind: gateway.Refused, reason: gateway.ReasonRedirect}
	case status >= 400 && status < 500:
		return class{kind: gateway.Refused, reason: gateway.ReasonStatus4xx}
	case status >= 500:
		return class{kind: gateway.Retry, reason: gateway.ReasonStatus5xx}
	}
	// 101 and other 1xx as a final answer: whoever answers does not speak HTTP as
	// it should, which is as good as no answer.
	return class{kind: gateway.Retry, reason: gateway.ReasonReset}
}

// classifyError says what a failed exchange means. parent is the caller's
// context, without the exchange's own timeout.
func classifyError(parent context.Context, err error) class {
	retry := func(r gateway.Reason) class { return class{kind: gateway.Retry, reason: r} }

	// Blocked: no retry helps before somebody changes configuration or DNS.
	if errors.Is(err, egress.ErrBlocked) {
		return class{kind: gateway.Misconfigured, reason: gateway.ReasonEgress}
	}
	// We are shutting down: the attempt says nothing about the endpoint.
	if parent.Err() != nil {
		return retry(gateway.ReasonCancelled)
	}
	// Name resolution fails by timeout as well; that is still its own trouble.
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return retry(gateway.ReasonDNS)
	}
	if isTimeout(err) {
		return retry(gateway.ReasonTimeout)
	}
	if isTLS(err) {
		return retry(gateway.ReasonTLS)
	}
	if oe, ok := errors.AsType[*net.OpError](err); ok && oe.Op == "dial" {
		return retry(gateway.ReasonConnect)
	}
	// The connection stood and then broke, or what came was not HTTP.
	return retry(gateway.ReasonReset)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

func isTLS(err error) bool {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return true // plain HTTP on a port that is configured as https
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	// An alert of the other side comes as an OpError of its own operation.
	oe, ok := errors.AsType[*net.OpError](err)
	return ok && (oe.Op == "remote error" || oe.Op == "local error")
}

// retryAfter reads a Retry-After header, seconds or a date, capped at
// maxRetryAfter; 0 when there is none that can be read or it lies in the past.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	var d time.Duration
	// Of a number out of range ParseInt returns the nearest one.
	if n, err := strconv.ParseInt(header, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		d = time.Duration(min(max(n, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(header); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
