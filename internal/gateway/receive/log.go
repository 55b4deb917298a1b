package receive

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// quietLog writes a few lines a second and says how many it left out: whoever
// knocks at a closed door must not fill the disk.
type quietLog struct {
	log     *slog.Logger
	limit   *rate.Limiter
	skipped atomic.Int64
}

func newQuietLog(l *slog.Logger) *quietLog {
	return &quietLog{log: l, limit: rate.NewLimiter(rate.Every(time.Second), 10)}
}

// at returns the logger for a line at now, or nil when there were too many.
func (q *quietLog) at(now time.Time) *slog.Logger {
	if !q.limit.AllowN(now, 1) {
		q.skipped.Add(1)
		return nil
	}
	if n := q.skipped.Swap(0); n > 0 {
		return q.log.With("left_out", n)
	}
	return q.log
}

// once remembers what was said, up to a bound: past it nothing more is said.
type once struct {
	mu   sync.Mutex
	said map[string]struct{}
}

const maxSaid = 100

// first reports whether what was not said before.
func (o *once) first(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.said[what]; ok || len(o.said) >= maxSaid {
		return false
	}
	if o.said == nil {
		o.said = map[string]struct{}{}
	}
	o.said[what] = struct{}{}
	return true
}
