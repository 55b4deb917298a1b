package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// What is left of a damaged journal is delivered, what is new as well, and
// /readyz and the metrics say how much is missing.
func TestApp_DamagedJournalGoesOnAndSaysWhatIsMissing(t *testing.T) {
	const before, after = 400, 50
	endpoint := func(late *imfake.Backend) string {
		return fmt.Sprintf("      - {name: late, dialect: wildfirechat, url: %q, retry: {fast: [], slow: {from: 1s, to: 1s}}}\n", late.URL())
	}
	// One journal with a backlog, of which each case damages a copy.
	whole := t.TempDir()
	down := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	defer down.Close()
	down.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Status: 503} })
	l := startLoaded(t, whole, "{sync: interval}", endpoint(down))
	l.postSized(t, before, 64<<10, before)
	stop(t, l.App)
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, blocks []string)
	}{
		{"oldest file removed", func(t *testing.T, b []string) { t.Helper(); removeAll(t, b[0]) }},
		{"middle file removed", func(t *testing.T, b []string) { t.Helper(); removeAll(t, b[1]) }},
		{"last file and index removed", func(t *testing.T, b []string) {
			t.Helper()
			removeAll(t, b[len(b)-1], filepath.Join(filepath.Dir(b[0]), "index.db"))
		}},
		{"all files and index removed", func(t *testing.T, b []string) {
			t.Helper()
			removeAll(t, append(b, filepath.Join(filepath.Dir(b[0]), "index.db"))...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			blocks, err := filepath.Glob(filepath.Join(dir, "data/journal/jetstream/$G/streams/IMHOOK_PAGES/msgs/*.blk"))
			if err != nil || len(blocks) < 3 || len(blocks) > 9 {
				t.Fatalf("%d files of blocks (%v), want some", len(blocks), err)
			}
			slices.Sort(blocks)
			c.damage(t, blocks)

			late := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
			defer late.Close()
			l := startLoaded(t, dir, "{sync: interval}", endpoint(late))
			lost := l.metric(t, "imhook_journal_lost_events_total")
			if lost <= 0 || lost > before {
				t.Fatalf("%v events are said to be lost, of %d", lost, before)
			}
			run := l.postSized(t, after, 100, after)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			eventually(ctx, t, func() error { return late.Tally().Check(run.Accepted()) })
			eventually(ctx, t, func() error {
				got := l.metric(t, `imhook_delivered_total{app="shop",endpoint="late"}`)
				if want := before - lost + after; got != want {
					return fmt.Errorf("%v events were delivered late (%d requests), want %v: all that is not lost and all that is new", got, late.Requests(), want)
				}
				return nil
			})
			if status, text := ask(t, "http://"+l.Addr()+"/readyz", ""); status != 200 || !strings.Contains(text, "journal came back with less than it had") {
				t.Errorf("/readyz = %d %q", status, text)
			}
			stop(t, l.App)
		})
	}
}

func removeAll(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}
