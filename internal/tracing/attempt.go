package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Sender makes attempts.
type Sender interface {
	Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome
}

// batchSender is a [Sender] of several events in one request.
type batchSender interface {
	Sender
	SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome
}

// Sender returns s with a span for each attempt of an event that was traced when it was
// received; the endpoint (app/name) is told it. It sends batches when s does. Two of
// the same endpoint and the same comparable sender are equal.
func (t *Tracer) Sender(endpoint string, s Sender) Sender {
	if b, ok := s.(batchSender); ok {
		return batches{sender{t, endpoint, s}, b}
	}
	return sender{t, endpoint, s}
}

type sender struct {
	t        *Tracer
	endpoint string
	s        Sender
}

// of is where the event was received, when that is kept.
func of(ev *event.Event) (trace.SpanContext, bool) {
	if ev.Trace == "" {
		return trace.SpanContext{}, false
	}
	sc := parse(gateway.Trace{Parent: ev.Trace, State: ev.TraceState})
	return sc, sc.IsSampled()
}

func (w sender) Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	received, ok := of(ev)
	if !ok {
		return w.s.Send(ctx, ev, sent)
	}
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(append(about(ev), attribute.String("imhook.endpoint", w.endpoint))...),
	}
	if ev.Repeat != "" {
		options = append(options, trace.WithAttributes(attribute.String("imhook.repeat", string(ev.Repeat))))
	}
	if ev.Repeat != "" || w.t.cfg.Now().Sub(ev.Time) > LinkAfter {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: received}))
	} else {
		ctx = trace.ContextWithRemoteSpanContext(ctx, received)
	}
	ctx, span := w.t.tracer.Start(ctx, "attempt "+w.endpoint, options...)
	defer span.End()
	out := w.s.Send(gateway.WithTrace(ctx, write(span.SpanContext())), ev, sent)
	became(span, &out)
	return out
}

// became says what became of an attempt.
func became(span trace.Span, out *gateway.Outcome) {
	span.SetAttributes(attribute.String("imhook.outcome", string(out.Kind)))
	if out.Reason != "" {
		span.SetAttributes(attribute.String("imhook.reason", string(out.Reason)))
	}
	if out.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", out.Status))
	}
	switch out.Kind {
	case gateway.Retry, gateway.Refused, gateway.Misconfigured:
		span.SetStatus(codes.Error, out.Detail)
	}
}

type batches struct {
	sender
	b batchSender
}

// maxLinks bounds how many events of a batch its span links to.
const maxLinks = 128

// SendBatch makes a trace of its own: a request of many events is part of no single
// one's.
func (w batches) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	var links []trace.Link
	for _, ev := range evs {
		if received, ok := of(ev); ok && len(links) < maxLinks {
			links = append(links, trace.Link{SpanContext: received})
		}
	}
	if links == nil {
		return w.b.SendBatch(ctx, evs)
	}
	ctx, span := w.t.tracer.Start(ctx, "attempt "+w.endpoint, trace.WithSpanKind(trace.SpanKindClient), trace.WithNewRoot(), trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("imhook.endpoint", w.endpoint)))
	defer span.End()
	outs := w.b.SendBatch(gateway.WithTrace(ctx, write(span.SpanContext())), evs)
	span.SetAttributes(attribute.Int("imhook.events", len(outs)))
	if len(outs) > 0 {
		became(span, &outs[0])
	}
	return outs
}
