package easemob

import (
	"time"

	"github.com/imhook/imhook/dialect"
)

// delivery is what the pages on post-send callbacks say: 200 within ten seconds is
// success, anything else is tried once more at once and then dropped. Ninety failures
// in thirty seconds, too long answers among them, ban the rule: five minutes for the
// first time in 24 hours, ten for the second, up to 25. What happens during a ban is
// lost, unless the paid exception storage is on, which is not imitated.
//
// They do not say whether a failure is an event or a request. Taken here: a request.
func delivery() *dialect.Delivery {
	return &dialect.Delivery{
		Vendor: "Easemob", Timeout: 10 * time.Second, Retries: 1, OnlyOK: true, MaxAnswer: 1000,
		Pauses: []dialect.Pause{{
			Word:  "banned",
			After: []dialect.Failure{dialect.FailedTimeout, dialect.FailedNetwork, dialect.FailedAnswer, dialect.FailedLong},
			Count: 90, Within: 30 * time.Second,
			Lasts: []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 25 * time.Minute},
			Over:  24 * time.Hour,
		}},
	}
}
