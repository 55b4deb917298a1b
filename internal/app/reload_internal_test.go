package app

import (
	"math"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/config"
)

// TestPatience_OutlastsEveryAttempt: a change that waits for attempts in flight and
// gives up before they must end is refused for ever by a backend that is slow.
func TestPatience_OutlastsEveryAttempt(t *testing.T) {
	t.Parallel()
	of := func(timeouts ...time.Duration) *config.Config {
		c := &config.Config{Apps: []config.App{{}, {}}}
		for i, d := range timeouts {
			c.Apps[i%2].Endpoints = append(c.Apps[i%2].Endpoints, config.Endpoint{Timeout: d})
		}
		return c
	}
	for _, tt := range []struct {
		c    *config.Config
		want time.Duration
	}{
		{of(), reloadTimeout},
		{of(5*time.Second, 10*time.Minute, time.Second), 10*time.Minute + reloadTimeout},
		{of(math.MaxInt64), math.MaxInt64},
	} {
		if got := patience(tt.c); got != tt.want {
			t.Errorf("patience = %v, want %v", got, tt.want)
		}
	}
}
