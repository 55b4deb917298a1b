package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Decider answers before-events.
type Decider interface {
	Decide(ctx context.Context, p gateway.Proposal) (event.Verdict, error)
}

// Decider returns d with a span for each proposal whose request has one.
func (t *Tracer) Decider(d Decider) Decider { return decider{t, d} }

type decider struct {
	t *Tracer
	d Decider
}

func (w decider) Decide(ctx context.Context, p gateway.Proposal) (event.Verdict, error) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return w.d.Decide(ctx, p)
	}
	ctx, span := w.t.tracer.Start(ctx, "decide")
	defer span.End()
	v, err := w.d.Decide(ctx, p)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return v, err
	}
	span.SetAttributes(attribute.String("imhook.verdict", string(v.Action)))
	return v, nil
}

// Asker asks one hook.
type Asker interface {
	Ask(ctx context.Context, q gateway.Question) gateway.Reply
}

// Asker returns a with a span for each question whose request has one; the hook
// (app/name) is told it. Two of the same hook and the same comparable asker are equal.
func (t *Tracer) Asker(hook string, a Asker) Asker { return asker{t, hook, a} }

type asker struct {
	t    *Tracer
	hook string
	a    Asker
}

func (w asker) Ask(ctx context.Context, q gateway.Question) gateway.Reply {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return w.a.Ask(ctx, q)
	}
	ctx, span := w.t.tracer.Start(ctx, "ask "+w.hook, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("imhook.hook", w.hook)))
	defer span.End()
	r := w.a.Ask(gateway.WithTrace(ctx, write(span.SpanContext())), q)
	span.SetAttributes(attribute.String("imhook.cause", string(r.Cause)))
	if r.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", r.Status))
	}
	if r.Cause == gateway.CauseHook {
		span.SetAttributes(attribute.String("imhook.verdict", string(r.Verdict.Action)))
	} else {
		span.SetStatus(codes.Error, r.Detail)
	}
	return r
}
