package app

import (
	"context"
	"log/slog"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// inbox is the built-in endpoint: it takes everything and says so in the log.
// What it took is read in the journal.
type inbox struct {
	log *slog.Logger
	id  string
}

// Send logs the event and reports it delivered.
func (b inbox) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	b.log.InfoContext(ctx, "event arrived", "endpoint", b.id, "type", ev.Type, "lane", ev.Lane,
		"source", ev.Source, "command", ev.Command, "id", ev.ID)
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}
