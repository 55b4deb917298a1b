package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/imhook/imhook/internal/gateway"
)

// Journal keeps what was received.
type Journal interface {
	Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error)
}

// Journal returns j with a span for each arrival whose request has one.
func (t *Tracer) Journal(j Journal) Journal { return journal{t, j} }

type journal struct {
	t *Tracer
	j Journal
}

func (w journal) Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return w.j.Append(ctx, a)
	}
	ctx, span := w.t.tracer.Start(ctx, "keep")
	defer span.End()
	kept, err := w.j.Append(ctx, a)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return kept, err
	}
	span.SetAttributes(attribute.Int("imhook.stored", kept.Stored), attribute.Int("imhook.duplicates", kept.Duplicates))
	return kept, nil
}
