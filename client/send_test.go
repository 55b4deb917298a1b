package client

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func TestSend_PausesGrowAndAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		c, _ := newClient(t, g, func(cfg *Config) {
			cfg.Spool.Dir = t.TempDir()
			cfg.RetryFrom, cfg.RetryTo = time.Second, 8*time.Second
		})
		g.answers(status(500))
		tell(t, c, "a")
		wait(5 * time.Minute)
		posts := g.seen()[1:] // the first one was Tell's own
		base := time.Second
		spread := map[time.Duration]bool{}
		for i := 1; i < len(posts); i++ {
			d := posts[i].at.Sub(posts[i-1].at)
			if d < base/2 || d > min(base*3/2, 8*time.Second) {
				t.Errorf("pause %d is %s, want within half of %s", i, d, base)
			}
			base = min(2*base, 8*time.Second)
			spread[d] = true
		}
		if len(posts) < 30 || len(spread) < 10 {
			t.Errorf("%d attempts, %d different pauses", len(posts), len(spread))
		}
		g.answers(nil)
		wait(8 * time.Second)
		g.answers(status(500))
		before := len(g.seen())
		tell(t, c, "b")
		wait(1500 * time.Millisecond)
		if n := len(g.seen()) - before; n < 3 {
			t.Errorf("%d attempts soon after a success, want Tell's, one at once and one after the first pause", n)
		}
	})
}

func TestSend_RetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			header string
			want   time.Duration
		}{
			{"90", 90 * time.Second},
			{"86400", maxRetryAfter},
			{"99999999999", maxRetryAfter},
			{time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), time.Minute},
			{"-1", 0},
			{"soon", 0},
			{"", 0},
		} {
			if got := retryAfter(tt.header, time.Now()); got != tt.want {
				t.Errorf("Retry-After %q = %s, want %s", tt.header, got, tt.want)
			}
		}
		g := newGateway(t)
		c, _ := newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = t.TempDir() })
		g.answers(func([]*event.Event) dialect.Response {
			return dialect.Response{Status: 503, Header: http.Header{"Retry-After": {"90"}}}
		})
		tell(t, c, "a")
		wait(time.Hour)
		posts := g.seen()
		if len(posts) < 39 {
			t.Errorf("%d attempts in an hour", len(posts))
		}
		for i := 1; i < len(posts); i++ {
			if d := posts[i].at.Sub(posts[i-1].at); d != 90*time.Second {
				t.Errorf("pause %d is %s, want 90s", i, d)
			}
		}
	})
}

// A gateway that comes back gets the oldest event alone, then twice as many each
// time, up to the bound of a batch.
func TestSend_StartsSlowlyAndBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		c, _ := newClient(t, g, func(cfg *Config) {
			cfg.Spool.Dir = t.TempDir()
			cfg.BatchEvents = 20
		})
		g.answers(status(502))
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprintf("%03d", i))
		}
		tell(t, c, want...)
		synctest.Wait()
		before := len(g.seen())
		g.answers(nil)
		wait(time.Minute)
		if diff := cmp.Diff(want, g.kept()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		var sizes []int
		for _, p := range g.seen()[before:] {
			sizes = append(sizes, len(p.ids))
		}
		if diff := cmp.Diff([]int{1, 2, 4, 8, 16, 20, 20, 20, 9}, sizes); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestTell_BoundsBatches(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, _ := newClient(t, g, func(cfg *Config) { cfg.BatchEvents, cfg.BatchBytes = 3, 1000 })
	var evs []*event.Event
	for i := range 8 {
		evs = append(evs, message(fmt.Sprint(i)))
	}
	for range 200 {
		evs[4].Message.Text += " large" // more than a batch holds
	}
	if err := c.Tell(t.Context(), evs...); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, p := range g.seen() {
		sizes = append(sizes, len(p.ids))
	}
	if diff := cmp.Diff([]int{3, 1, 1, 3}, sizes); diff != "" && !cmp.Equal([]int{2, 2, 1, 2, 1}, sizes) {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestClose_SendsWhatItCan(t *testing.T) {
	t.Parallel()
	for _, up := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			c, _ := newClient(t, g, func(cfg *Config) {
				cfg.Spool.Dir = t.TempDir()
				cfg.RetryFrom = 10 * time.Second
				cfg.BatchEvents = 2
			})
			g.answers(status(500))
			tell(t, c, "a", "b", "c", "d", "e")
			synctest.Wait()
			if up {
				g.answers(nil)
			}
			before := len(g.seen())
			start := time.Now()
			if err := c.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d != 0 {
				t.Errorf("Close took %s: it does not wait for the pause", d)
			}
			if up && len(g.kept()) != 5 {
				t.Errorf("kept %v, want all", g.kept())
			}
			if n := len(g.seen()) - before; !up && n != 1 {
				t.Errorf("%d attempts while closing, want one", n)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Errorf("second Close = %v", err)
			}
		})
	}
}

// A gateway that does not answer holds Close no longer than its context.
func TestClose_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		dir := t.TempDir()
		hang := hanging{g, make(chan struct{})}
		c, _ := newClient(t, g, func(cfg *Config) {
			cfg.Spool.Dir = dir
			cfg.HTTPClient = &http.Client{Transport: hang}
		})
		told := make(chan error)
		go func() { told <- c.Tell(context.Background(), message("a")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- c.Close(ctx) }()
		if err := <-told; err != nil {
			t.Errorf("Tell = %v, want that it is in the spool", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Close took %s", d)
		}
		c, _ = newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = dir })
		synctest.Wait()
		if diff := cmp.Diff([]string{"a"}, g.kept()); diff != "" {
			t.Errorf("kept by the next client (-want +got):\n%s", diff)
		}
	})
}
