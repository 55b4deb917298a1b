//go:build unix

package journal

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// A page that waits for its quorum is refused when it is sent again, as one that is
// on its way. That was taken for a failure, of an engine that was all but back.
func TestExternal_QuorumThatIsLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs three processes, two of which rest for seconds; runs without -short, as CI does")
	}
	ns := natstest.Processes(t, 3)
	j := openAt(t, ns.URL(), func(c *Config) { c.Replicas, c.leaseTTL = 3, time.Minute })
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
		t.Fatal(err)
	}
	leader := ns.Leader(j.at.pageStream)
	goOn := sync.OnceFunc(func() {
		for _, n := range ns {
			if n != leader {
				n.Resume()
			}
		}
	})
	defer goOn()
	for _, n := range ns {
		if n != leader {
			n.Pause()
		}
	}
	resume := time.AfterFunc(tryTimeout+600*time.Millisecond, goOn)
	defer resume.Stop()
	begin := time.Now()
	kept, err := j.Append(context.Background(), gateway.Arrival{Events: []*event.Event{sample(1)}})
	took := time.Since(begin)
	if err != nil || kept.Stored != 1 || took < tryTimeout {
		t.Errorf("Append = %+v, %v after %s; want it kept once the others are back", kept, err, took)
	}
	if got := all(t, j); len(got) != 2 {
		t.Errorf("%d events are stored, want 2", len(got))
	}
}
