package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// parse reads a place in a trace that came from elsewhere; the zero value where it is
// none.
func parse(t gateway.Trace) trace.SpanContext {
	if !gateway.IsTraceparent(t.Parent) {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": t.Parent, "tracestate": t.State}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// write is the opposite of parse.
func write(sc trace.SpanContext) gateway.Trace {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), carrier)
	return gateway.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
}

// Receive begins the span of a request that its source's dialect has verified, which
// began at began and brought the trace in. It returns what the request's work is done
// under and what its events carry, and a function that is told the answer's status and
// the events at the end.
func (t *Tracer) Receive(ctx context.Context, app, source string, began time.Time, in gateway.Trace) (context.Context, gateway.Trace, func(status int, evs []*event.Event)) {
	ctx, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, parse(in)), "receive "+source,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(began))
	if !span.IsRecording() {
		return ctx, in, func(int, []*event.Event) { span.End() }
	}
	span.SetAttributes(attribute.String("imhook.app", app), attribute.String("imhook.source", source))
	return ctx, write(span.SpanContext()), func(status int, evs []*event.Event) {
		if status == 0 {
			status = http.StatusOK
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.Int("imhook.events", len(evs)))
		if len(evs) == 1 {
			span.SetAttributes(about(evs[0])...)
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End()
	}
}

// about says which event it is. What the event says of people and messages is nobody
// else's.
func about(ev *event.Event) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("imhook.event.id", ev.ID), attribute.String("imhook.event.type", string(ev.Type)),
		attribute.String("imhook.dialect", ev.Dialect), attribute.String("imhook.command", ev.Command),
	}
}
