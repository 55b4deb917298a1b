package receive

import (
	"log/slog"
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

func (q *quietLog) warn(now time.Time, msg string, attrs ...any) {
	if !q.limit.AllowN(now, 1) {
		q.skipped.Add(1)
		return
	}
	if n := q.skipped.Swap(0); n > 0 {
		attrs = append(attrs, "left_out", n)
	}
	q.log.Warn(msg, attrs...)
}
