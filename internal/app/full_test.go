package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// loaded is an app with one WildfireChat source, a backend, and what posts to it.
type loaded struct {
	*app.App
	backend *imfake.Backend
	server  *imfake.Server
}

// startLoaded starts an app whose endpoint healthy is the backend; more goes below
// endpoints.
func startLoaded(t *testing.T, dir, journal, more string) *loaded {
	t.Helper()
	l := &loaded{backend: imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))}
	t.Cleanup(l.backend.Close)
	r := builtin.New()
	cfg, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `listen: 127.0.0.1:0
data_dir: %s
journal: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: healthy, dialect: wildfirechat, url: %q}
%s`, filepath.Join(dir, "data"), journal, l.backend.URL(), more), config.Options{Registry: r})
	if err != nil {
		t.Fatal(err)
	}
	if l.App, err = app.New(app.Config{Config: cfg, Registry: r, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, l.App) })
	l.server = imfake.NewServer(wildfirechat.New(), "http://"+l.Addr()+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(l.server.Close)
	return l
}

// post posts count messages of 16 KiB; none may be refused, and the backend must
// get them all, in order.
func (l *loaded) post(t *testing.T, count int) {
	t.Helper()
	// Each round fits into the backlog of an endpoint, half of what is retained: on a
	// machine that starves deliveries the healthy one would rightly expire its own.
	const round = 100
	for first := range count / round {
		l.postSized(t, round, 16<<10, first*round)
	}
}

// postSized posts messages of that many bytes at once, in lanes from first on.
func (l *loaded) postSized(t *testing.T, count, size, first int) *imfake.Run {
	t.Helper()
	run := l.server.Start(t.Context(), imfake.Load{Lanes: 64, FirstLane: uint32(first), Workers: 16, Count: count, TextBytes: size})
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if accepted, refused, err := run.Counts(); accepted != count || refused != 0 {
		t.Errorf("%d of %d were taken and %d refused: %v", accepted, count, refused, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eventually(ctx, t, func() error { return l.backend.Tally().Check(run.Accepted()) })
	return run
}

// metric is the value of a line of /metrics.
func (l *loaded) metric(t *testing.T, line string) float64 {
	t.Helper()
	_, text := ask(t, "http://"+l.Addr()+"/metrics", "")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no metric %s", line)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func eventually(ctx context.Context, t *testing.T, ask func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

const retained = 4 << 20

func (l *loaded) checkTrimmed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eventually(ctx, t, func() error {
		if b := l.metric(t, "imhook_journal_bytes"); b > retained {
			return fmt.Errorf("the journal has %.0f bytes, retain.bytes is %d", b, retained)
		}
		return nil
	})
	for _, zero := range []string{"imhook_journal_refused_total", "imhook_journal_dropped_pages_total", "imhook_journal_lost_pages_total", "imhook_journal_full"} {
		if v := l.metric(t, zero); v != 0 {
			t.Errorf("%s is %v", zero, v)
		}
	}
}

func TestApp_HealthyLoadFarPastRetainIsNeverRefused(t *testing.T) {
	l := startLoaded(t, t.TempDir(), "{sync: interval, retain: {bytes: 4MiB}}", "")
	l.post(t, 2000) // eight times what is retained
	l.checkTrimmed(t)
}

func TestApp_DeadEndpointExpiresItsOwnAndDisturbsNobody(t *testing.T) {
	l := startLoaded(t, t.TempDir(), "{sync: interval, retain: {bytes: 4MiB}}",
		`      - {name: dead, dialect: wildfirechat, url: "http://127.0.0.1:1/", backlog: {bytes: 1MiB}, retry: {fast: [1h]}}`+"\n")
	l.post(t, 2000)
	l.checkTrimmed(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eventually(ctx, t, func() error {
		matched, expired := l.metric(t, `imhook_matched_total{app="shop",endpoint="dead"}`), l.metric(t, `imhook_expired_total{app="shop",endpoint="dead"}`)
		if matched != 2000 || matched-expired > 128 || matched-expired < 16 {
			return fmt.Errorf("%v matched and %v expired: the backlog takes about 64 of 16 KiB", matched, expired)
		}
		return nil
	})
	if v := l.metric(t, `imhook_expired_total{app="shop",endpoint="healthy"}`); v != 0 {
		t.Errorf("%v events of the healthy endpoint expired", v)
	}
}
