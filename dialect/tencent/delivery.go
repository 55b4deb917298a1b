package tencent

import (
	"time"

	"github.com/imhook/imhook/dialect"
)

// delivery is what the overview of webhooks says: two seconds; a status other than
// 200 and an answer that is not JSON are failures; what is in the JSON does not
// matter, and nothing is tried again by default. That time-outs can be tried again,
// by a switch of the console, is not imitated.
func delivery() *dialect.Delivery {
	return &dialect.Delivery{Vendor: "Tencent", Timeout: 2 * time.Second, OnlyOK: true, JSON: true}
}
