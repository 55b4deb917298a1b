package deliver

import (
	"fmt"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// OnPoison is what becomes of an event that the endpoint does not take until its
// schedule is over.
type OnPoison string

// What becomes of it.
const (
	// PoisonPark sets it aside as a dead letter, and its lane goes on.
	PoisonPark OnPoison = "park"
	// PoisonBlock keeps it at the head of its lane, which waits until somebody acts:
	// until [Deliverer.Resume] with Now, or until the endpoint is set to PoisonPark.
	// Its backlog's bounds hold all the same.
	PoisonBlock OnPoison = "block"
)

func (o OnPoison) validate() error {
	switch o {
	case PoisonPark, PoisonBlock:
		return nil
	default:
		return fmt.Errorf("on_poison is %q, want %s or %s", string(o), PoisonPark, PoisonBlock)
	}
}

// never is when a blocked lane is due, in records as well. One that is read by an
// imhook that does not know it is tried again within hours.
var never = time.UnixMilli(1 << 52).UTC()

// blocked is why a lane waits for somebody to act.
type blocked struct {
	why    gateway.Reason
	detail string
	at     time.Time
}

// block holds a lane for ever. Call with mu.
func (r *runner) block(l *lane, why gateway.Reason, out gateway.Outcome) {
	l.outage = false
	l.blocked = &blocked{why: why, detail: out.Detail, at: r.now()}
	r.wait(l, never)
	r.log.Warn("conversation blocked until somebody acts: its first event is not taken", "endpoint", r.id,
		"conversation", l.key, "reason", why, "attempts", l.queue[0].attempts, "detail", out.Detail)
}

// unblock lets a lane go on that was blocked before a restart, when that is not
// wanted any more. Call with mu.
func (r *runner) unblock(l *lane) {
	switch it := &l.queue[0]; {
	case !it.dueAt.Equal(never):
	case r.OnPoison == PoisonBlock:
		l.blocked = &blocked{at: it.firstAt}
	default:
		it.dueAt = time.Time{}
	}
}

// isBlocked reports whether a lane waits for somebody to act.
func isBlocked(l *lane) bool { return l.blocked != nil }
