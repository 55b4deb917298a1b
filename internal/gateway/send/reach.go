package send

import (
	"context"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// Reach opens a connection to the endpoint, TLS included, and closes it again: nothing
// is sent. The outcome is [gateway.Delivered] when there was one, and otherwise what an
// attempt would have failed with. It takes no longer than an attempt may.
func (s *Sender) Reach(ctx context.Context) gateway.Outcome {
	begin := time.Now()
	c, err := s.transport.open(ctx, begin.Add(s.cfg.Timeout))
	took := time.Since(begin)
	if err != nil {
		why := classifyError(ctx, err)
		return gateway.Outcome{Kind: why.kind, Reason: why.reason, Detail: s.redact.line(string(why.reason) + ": " + err.Error()), Took: took}
	}
	_ = c.Close()
	return gateway.Outcome{Kind: gateway.Delivered, Took: took}
}
