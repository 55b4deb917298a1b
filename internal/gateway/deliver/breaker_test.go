package deliver

import (
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestBreaker_PauseDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	b := Breaker{}.WithDefaults()
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		if got := b.pause(i + 1); got != want {
			t.Errorf("the %d-th time it is open for %v, want %v", i+1, got, want)
		}
	}
	if got := b.pause(maxTrips); got != time.Minute {
		t.Errorf("after an outage of weeks it is open for %v, want 1m", got)
	}
}

func TestBreaker_WhatOpensIt(t *testing.T) {
	t.Parallel()
	const least = 10
	some := func(reason gateway.Reason, n, lanes int) func(*health) {
		return func(h *health) {
			for i := range n {
				h.fails(blamed(failing(gateway.Retry, reason)), event.Lane(rune('a'+i%lanes)), least)
			}
		}
	}
	mixed := func(fail, of int) func(*health) {
		return func(h *health) {
			for i := range 10 * least {
				if i%of < fail {
					h.fails(blame{1, false}, event.Lane(rune('a'+i%7)), least)
				} else {
					h.passed(least)
				}
			}
			// It is judged when something fails.
			h.fails(blame{1, false}, "x", least)
			h.fails(blame{1, false}, "y", least)
		}
	}
	for name, tt := range map[string]struct {
		happen func(*health)
		want   bool
	}{
		"nine 5xx":                          {some(gateway.ReasonStatus5xx, 9, 5), false},
		"ten 5xx":                           {some(gateway.ReasonStatus5xx, 10, 5), true},
		"ten 5xx of one lane":               {some(gateway.ReasonStatus5xx, 10, 1), false},
		"a hundred time-outs of one lane":   {some(gateway.ReasonTimeout, 100, 1), false},
		"three time-outs":                   {some(gateway.ReasonTimeout, 3, 3), false},
		"four time-outs":                    {some(gateway.ReasonTimeout, 4, 3), true},
		"ten connections refused, one lane": {some(gateway.ReasonConnect, 10, 1), true},
		"every second fails":                {mixed(1, 2), false},
		"six of seven fail":                 {mixed(6, 7), true},
	} {
		h := &health{}
		tt.happen(h)
		if got := h.down(least); got != tt.want {
			t.Errorf("%s: down is %v, want %v (row %d, share %.2f)", name, got, tt.want, h.row, h.share)
		}
	}
}

func TestBreaker_WhatIsSaidOfOneEventSaysNothing(t *testing.T) {
	t.Parallel()
	for _, out := range []gateway.Outcome{
		failing(gateway.Refused, gateway.ReasonStatus4xx), failing(gateway.Refused, gateway.ReasonRefused), failing(gateway.Retry, gateway.ReasonRefused),
		failing(gateway.Refused, gateway.ReasonRedirect), failing(gateway.Retry, gateway.ReasonStatus4xx), failing(gateway.Refused, gateway.ReasonEncode),
		failing(gateway.Retry, gateway.ReasonCancelled), failing(gateway.Refused, gateway.ReasonInternal),
		{Kind: gateway.Delivered},
		{Kind: gateway.Untranslatable},
	} {
		if b := blamed(out); b.weight != 0 {
			t.Errorf("%s %s counts %d against the endpoint", out.Kind, out.Reason, b.weight)
		}
	}
}

func TestBreaker_Validate(t *testing.T) {
	t.Parallel()
	for _, b := range []Breaker{{Least: -1, From: 1, To: 1}, {Least: 1, From: -1, To: 1}, {Least: 1, From: 2, To: 1}} {
		if b.Validate() == nil {
			t.Errorf("%+v was accepted", b)
		}
	}
	if err := (Breaker{From: time.Hour}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
}
