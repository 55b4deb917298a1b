package gateway

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Trace is a place in a trace, as W3C Trace Context writes it. Its zero value is none.
type Trace struct {
	// Parent is a traceparent.
	Parent string
	// State is the tracestate that goes with it, or empty.
	State string
}

type traceKey struct{}

// WithTrace returns a context whose requests say t instead of what the event carries.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf returns what [WithTrace] put into ctx, or the zero value.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// The parts of a traceparent: version 2, trace 32, span 16 and flags 2 hexadecimal
// digits, with hyphens between.
const (
	traceparentBytes = 55
	traceBegin       = 3
	traceEnd         = traceBegin + 32
	flagsBegin       = traceparentBytes - 2
)

// IsTraceparent reports whether s is a W3C traceparent: 55 bytes of small hexadecimal
// digits and hyphens at their places, and neither trace nor span all zeros.
func IsTraceparent(s string) bool {
	if len(s) != traceparentBytes {
		return false
	}
	trace, span := false, false
	for i := range len(s) {
		c := s[i]
		switch {
		case i == traceBegin-1 || i == traceEnd || i == flagsBegin-1:
			if c != '-' {
				return false
			}
			continue
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		case c == '0':
		case i >= traceBegin && i < traceEnd:
			trace = true
		case i > traceEnd && i < flagsBegin:
			span = true
		}
	}
	return trace && span
}

// sampledTrace returns the id of the trace when somebody keeps it, or empty.
func sampledTrace(traceparent string) string {
	if !IsTraceparent(traceparent) {
		return ""
	}
	switch traceparent[traceparentBytes-1] { // the lowest bit of the flags
	case '1', '3', '5', '7', '9', 'b', 'd', 'f':
		return traceparent[traceBegin:traceEnd]
	}
	return ""
}

// Observe counts a duration, with the trace as its example where that is kept.
func Observe(o prometheus.Observer, seconds float64, traceparent string) {
	if traceparent != "" {
		if id := sampledTrace(traceparent); id != "" {
			if e, ok := o.(prometheus.ExemplarObserver); ok {
				e.ObserveWithExemplar(seconds, prometheus.Labels{"trace_id": id})
				return
			}
		}
	}
	o.Observe(seconds)
}
