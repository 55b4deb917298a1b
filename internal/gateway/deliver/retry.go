package deliver

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// Schedule says when a failing event is tried again: first the fast delays, for
// blips, then slow ones that double from SlowFrom to SlowTo, for outages. Every
// delay is drawn with full jitter, between nothing and its nominal length, so
// that many lanes that failed together do not come back together.
type Schedule struct {
	// Fast are nominal delays after the first, second … failure. Nil means
	// 1s, 5s, 30s; empty means none.
	Fast []time.Duration
	// SlowFrom and SlowTo bound the delays after that; zero means 2m and 1h.
	SlowFrom time.Duration
	SlowTo   time.Duration
	// MaxAge is how long after its first attempt an event is parked; zero means
	// 72h, negative means never.
	MaxAge time.Duration
	// MaxAttempts is after how many attempts an event is parked; zero means no
	// bound.
	MaxAttempts int
}

// WithDefaults returns a copy with zero fields filled in.
func (s Schedule) WithDefaults() Schedule {
	if s.Fast == nil {
		s.Fast = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}
	}
	if s.SlowFrom == 0 {
		s.SlowFrom = 2 * time.Minute
	}
	if s.SlowTo == 0 {
		s.SlowTo = max(time.Hour, s.SlowFrom)
	}
	if s.MaxAge == 0 {
		s.MaxAge = 72 * time.Hour
	}
	return s
}

// Validate says what is wrong with the schedule.
func (s Schedule) Validate() error {
	if s.SlowFrom <= 0 || s.SlowTo < s.SlowFrom {
		return fmt.Errorf("retry: slow goes from %v to %v, want 0 < from <= to", s.SlowFrom, s.SlowTo)
	}
	for _, d := range s.Fast {
		if d < 0 {
			return fmt.Errorf("retry: fast has %v, want no negative delay", d)
		}
	}
	return nil
}

// next decides what follows the attempts-th failure (from 1) of an event that
// was first tried age ago: a delay, or the reason to park it.
func (s Schedule) next(o gateway.Outcome, attempts int, age time.Duration) (delay time.Duration, park gateway.Reason) {
	if s.MaxAttempts > 0 && attempts >= s.MaxAttempts {
		return 0, gateway.ReasonAttempts
	}
	if s.MaxAge > 0 && age >= s.MaxAge {
		return 0, gateway.ReasonMaxAge
	}
	// An endpoint that refuses an event gets the fast delays as a second chance
	// (it may be in the middle of a deployment), an outage's patience not.
	if o.Kind == gateway.Refused && attempts > len(s.Fast) {
		return 0, o.Reason
	}
	delay = jitter(s.nominal(attempts))
	if o.RetryAfter > delay {
		// Not before the endpoint asked for it, and not all at once then.
		delay = o.RetryAfter + jitter(min(o.RetryAfter/10, time.Minute))
	}
	return delay, gateway.ReasonNone
}

func (s Schedule) nominal(attempts int) time.Duration {
	if attempts <= len(s.Fast) {
		return s.Fast[attempts-1]
	}
	d := s.SlowFrom
	for range attempts - len(s.Fast) - 1 {
		if d *= 2; d >= s.SlowTo {
			return s.SlowTo
		}
	}
	return min(d, s.SlowTo)
}

// longest is the longest delay that next returns, or more.
func (s Schedule) longest() time.Duration {
	// What an endpoint asks for is capped by the sender.
	d := max(s.SlowTo, 2*time.Hour)
	for _, f := range s.Fast {
		d = max(d, f)
	}
	return d
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
