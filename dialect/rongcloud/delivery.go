package rongcloud

import (
	"time"

	"github.com/imhook/imhook/dialect"
)

// delivery is what the pages on status, attribute and message callbacks say alike:
// 200 is success; five seconds, then two more attempts, then never again; after many
// time-outs in a short time nothing for a minute; after a break of the network
// everything five minutes later.
//
// They do not say how many time-outs, in which time, what becomes of that minute's
// events, nor when the further attempts come. Taken here: ten in thirty seconds, they
// are lost, and at once.
func delivery() *dialect.Delivery {
	return &dialect.Delivery{
		Vendor: "RongCloud", Timeout: 5 * time.Second, Retries: 2, OnlyOK: true,
		Pauses: []dialect.Pause{
			{
				Word: "stopped", After: []dialect.Failure{dialect.FailedTimeout}, Count: 10, Within: 30 * time.Second,
				Lasts: []time.Duration{time.Minute},
			},
			{
				Word: "delayed", After: []dialect.Failure{dialect.FailedNetwork}, Count: 1,
				Lasts: []time.Duration{5 * time.Minute}, Keeps: true,
			},
		},
	}
}
