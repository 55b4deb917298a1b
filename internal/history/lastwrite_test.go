package history

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What is being written when the history ends has some seconds, however long it might
// have taken otherwise: the journal is closed after it, and must have time for that.
func TestEnding_ASlowDatabaseHoldsUpNoStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		stops time.Duration // zero is never
		want  time.Duration
	}{{"nobody stops", 0, writeWithin}, {"before it began", time.Nanosecond, lastWithin}, {"meanwhile", 10 * time.Second, 10*time.Second + lastWithin}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if tt.stops > 0 {
					time.AfterFunc(tt.stops, stop)
				}
				begin := time.Now()
				lasting, cancel := ending(ctx, writeWithin)
				defer cancel()
				<-lasting.Done()
				if got := time.Since(begin).Round(time.Millisecond); got != tt.want {
					t.Errorf("it ended after %v, want %v", got, tt.want)
				}
			})
		})
	}
}
