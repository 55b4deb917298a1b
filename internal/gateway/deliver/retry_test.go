package deliver

import (
	"testing"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

func TestSchedule_NominalDelaysAreFastThenSlow(t *testing.T) {
	t.Parallel()
	s := Schedule{}.WithDefaults()
	want := []time.Duration{
		time.Second, 5 * time.Second, 30 * time.Second,
		2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour,
	}
	for i, w := range want {
		if got := s.nominal(i + 1); got != w {
			t.Errorf("delay after failure %d is %v, want %v", i+1, got, w)
		}
	}
	if got := s.nominal(100_000); got != time.Hour {
		t.Errorf("delay after failure 100000 is %v, want 1h", got)
	}
}

func TestSchedule_DelayIsSpreadOverTheWholeNominalLength(t *testing.T) {
	t.Parallel()
	s := Schedule{}.WithDefaults()
	var low, high bool
	for range 2000 {
		d, why := s.next(failing(gateway.Retry, gateway.ReasonConnect), 3, 0)
		if why != gateway.ReasonNone || d < 0 || d > 30*time.Second {
			t.Fatalf("delay %v, parked %q; want 0..30s", d, why)
		}
		low = low || d < 3*time.Second
		high = high || d > 27*time.Second
	}
	if !low || !high {
		t.Errorf("2000 delays near 0: %v, near 30s: %v; want both", low, high)
	}
}

func TestSchedule_Ends(t *testing.T) {
	t.Parallel()
	s := Schedule{MaxAge: time.Hour, MaxAttempts: 9}.WithDefaults()
	for _, c := range []struct {
		name     string
		out      gateway.Outcome
		attempts int
		age      time.Duration
		want     gateway.Reason
	}{
		{"young", failing(gateway.Retry, gateway.ReasonConnect), 8, 59 * time.Minute, gateway.ReasonNone},
		{"old", failing(gateway.Retry, gateway.ReasonConnect), 2, time.Hour, gateway.ReasonMaxAge},
		{"often", failing(gateway.Retry, gateway.ReasonConnect), 9, 0, gateway.ReasonAttempts},
		{"refused within fast", failing(gateway.Refused, gateway.ReasonStatus4xx), 3, 0, gateway.ReasonNone},
		{"refused after fast", failing(gateway.Refused, gateway.ReasonStatus4xx), 4, 0, gateway.ReasonStatus4xx},
		{"misconfigured stays", failing(gateway.Misconfigured, gateway.ReasonEgress), 8, 0, gateway.ReasonNone},
	} {
		if _, got := s.next(c.out, c.attempts, c.age); got != c.want {
			t.Errorf("%s: parked for %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSchedule_RetryAfterIsTheEarliest(t *testing.T) {
	t.Parallel()
	s := Schedule{}.WithDefaults()
	out := failing(gateway.Retry, gateway.ReasonThrottled)
	out.RetryAfter = 10 * time.Minute
	for range 100 {
		if d, _ := s.next(out, 1, 0); d < 10*time.Minute || d > 11*time.Minute {
			t.Fatalf("delay %v, want 10m to 11m", d)
		}
	}
}

func TestSchedule_Validate(t *testing.T) {
	t.Parallel()
	for _, s := range []Schedule{
		{SlowFrom: time.Hour, SlowTo: time.Minute},
		{SlowFrom: -1, SlowTo: 1},
		{SlowFrom: 1, SlowTo: 1, Fast: []time.Duration{-1}},
	} {
		if err := s.Validate(); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
}
