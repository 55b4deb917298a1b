package main

import (
	"context"
	"fmt"
	"time"

	"github.com/imhook/imhook/internal/history"
)

// lateHistory is how far behind a history may be before it is worth a word.
const lateHistory = time.Minute

// checkHistory looks at what search looks in. Deliveries do not need it, so nothing of it
// is wrong enough to fail, but that it is not fed.
func (d *doctor) checkHistory(ctx context.Context) error {
	s, err := d.client.Status(ctx)
	if err != nil {
		return explain(err)
	}
	h := s.History
	lag := time.Duration(h.Lag * float64(time.Second))
	switch {
	case h.State == "off":
		d.found(finding{Level: note, Check: "history", What: "there is none", Why: h.Words, Do: "remove history.off to search by message, user and conversation"})
	case h.State == string(history.Broken):
		d.found(finding{Level: wrong, Check: "history", What: "it is not fed; deliveries go on without it", Why: h.Words, Do: "mend what it names; it goes on by itself where it was, as long as the journal has what is missing"})
	case h.State == string(history.CatchingUp) && lag > lateHistory:
		d.found(finding{Level: note, Check: "history", What: fmt.Sprintf("it is %s behind", lag.Round(time.Second)), Why: h.Words, Do: "it catches up when the machine has time to spare; imhook events reads the journal itself"})
	default:
		d.fine("history", "", "%s; %d events in %s", h.Words, h.Events, byteSize(h.Bytes))
	}
	if h.Missed > 0 {
		d.found(finding{Level: note, Check: "history", What: fmt.Sprintf("%d pages left the journal before it read them", h.Missed), Why: "it was behind for longer than the journal keeps", Do: "raise journal.retain, or give the machine more time"})
	}
	return nil
}
