package wildfirechat

import (
	"time"

	"github.com/imhook/imhook/dialect"
)

// delivery is what the server's code does: each event is tried once, by OkHttp with
// its own bounds of ten seconds and five requests in flight for a host. Nobody looks
// at the answer, and a failure is a line in the log.
func delivery() *dialect.Delivery {
	return &dialect.Delivery{Vendor: "WildfireChat", Timeout: 10 * time.Second, Parallel: 5}
}
