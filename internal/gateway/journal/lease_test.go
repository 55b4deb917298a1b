package journal

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// resume makes a journal that was abandoned renew its lease again.
func resume(j *Journal) {
	j.lease.mu.Lock()
	j.lease.stop = nil
	j.lease.mu.Unlock()
	j.lease.begin(j.cfg.Log, j.lapsed)
}

// What a gateway knows of endpoints is out of date once its lease lapsed. It went
// on to purge pages and positions, which another gateway may count on by then.
func TestLease_LapsedGatewayRemovesNothing(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	j := openAt(t, n.URL(), shortLease)
	for i := range 10 {
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	e := j.engine.Load()
	abandon(t, j)
	next := openAt(t, n.URL(), shortLease)
	j.SetFloor(9, true)
	if err := j.purge(t.Context(), 9); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("purge = %v, want ErrUnavailable", err)
	}
	j.engine.Store(e)
	if err := j.Drop(t.Context(), "k"); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Drop = %v, want ErrUnavailable", err)
	}
	if got := all(t, next); len(got) != 10 {
		t.Errorf("the gateway that has the journal finds %d events of 10", len(got))
	}
	if err := next.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	next = openAt(t, n.URL(), shortLease)
	if got, err := next.Load(t.Context()); err != nil || string(got["k"]) != "v" {
		t.Errorf("the position is %q, %v", got["k"], err)
	}
}

// An arrival that passed the first look while the engine broke joined the next
// page, and that was committed once the engine was mended: a second time, when
// the page that broke was stored after all.
func TestJoin_NothingWhileTheEngineIsMended(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	j.commits.mu.Lock() // the commit loop cannot take anything away
	j.counts.broken.Store(true)
	j.commits.mu.Unlock()
	ev := sample(0)
	key := event.Hash(ev.App, ev.Source, ev.Command, ev.Dedupe)
	buf := appendRecord(nil, record{ev: ev, key: key})
	kept, waits, err := j.join(gateway.Arrival{Events: []*event.Event{ev}}, []event.Key{key}, buf, []int{len(buf)})
	if !errors.Is(err, gateway.ErrUnavailable) || len(waits) > 0 || kept != (gateway.Kept{}) {
		t.Errorf("join while the engine is mended = %+v, %d groups, %v; want ErrUnavailable", kept, len(waits), err)
	}
	j.wakeHouse()
	waitFor(t, "mending", func() bool { return j.Healthy() == nil })
	if kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil || kept.Stored != 1 {
		t.Errorf("Append after mending = %+v, %v", kept, err)
	}
}

// NATS being gone for a while is told now and then and not each second.
func TestExternal_OutageDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	var log lines
	j := openAt(t, n.URL(), shortLease, func(c *Config) { c.Log = log.logger() })
	n.Stop()
	waitFor(t, "the outage to show", func() bool { return j.Healthy() != nil })
	begin := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for time.Since(begin) < 4*time.Second {
		j.wakeHouse()
		<-tick.C
	}
	if got := log.count("dropping finished history"); got > 1 {
		t.Errorf("%d lines about housework in 4 s:\n%s", got, log.String())
	}
	n.Start()
	waitFor(t, "the journal to be back", func() bool { return j.Healthy() == nil })
}
