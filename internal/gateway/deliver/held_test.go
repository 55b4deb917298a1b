package deliver

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/gateway"
)

func TestDeliver_NothingIsSentWhileHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		var held atomic.Bool
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: j, Held: func() error {
			if held.Load() {
				return gateway.ErrUnavailable
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		j.add(ev("x", 0))
		synctest.Wait()
		held.Store(true)
		j.add(ev("x", 1), ev("y", 2), ev("x", 3))
		<-time.After(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("while held (-want +got):\n%s", diff)
		}
		if len(j.parked) > 0 {
			t.Errorf("%d events were parked, being held is no failure of the endpoint", len(j.parked))
		}
		held.Store(false)
		<-time.After(2 * time.Second)
		synctest.Wait()
		stop(t, d)
		if got := b.ids(); len(got) != 4 || got[0] != "x/0" {
			t.Errorf("after that the endpoint has %v, want all four", got)
		}
	})
}
