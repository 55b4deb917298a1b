package openim

import (
	"time"

	"github.com/imhook/imhook/dialect"
)

// delivery is what the server's code does: two workers take from a queue of 100 in
// its memory; who finds that full waits three seconds for a place and is dropped
// then, without a trace. Each event is tried once, for as long as the webhook's own
// timeout says (5 s), and nobody looks at the status or the answer.
func delivery() *dialect.Delivery {
	return &dialect.Delivery{
		Vendor: "OpenIM", Timeout: 5 * time.Second, Adjustable: true, Parallel: 2, Queue: 100, QueueWait: 3 * time.Second,
	}
}
