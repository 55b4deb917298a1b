package journal

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Lost dead letters were told by nobody: the list was shorter.
func TestOpen_SaysHowManyDeadLettersAreMissing(t *testing.T) {
	t.Parallel()
	const all = 60
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, blks []string, index string)
		// whole is true when nothing may be said to be lost.
		whole bool
		// back is how many come back that were taken away.
		back int
	}{
		{name: "nothing", damage: func(*testing.T, []string, string) {}, whole: true},
		{name: "nothing but the index", damage: func(t *testing.T, _ []string, index string) { t.Helper(); remove(t, index) }, whole: true},
		{name: "oldest file", damage: func(t *testing.T, b []string, _ string) { t.Helper(); remove(t, b[0]) }},
		{name: "middle file and index", damage: func(t *testing.T, b []string, index string) { t.Helper(); remove(t, b[1], index) }},
		{name: "last file and index", damage: func(t *testing.T, b []string, index string) { t.Helper(); remove(t, b[len(b)-1], index) }, back: 3},
		{name: "last file cut, index", damage: func(t *testing.T, b []string, index string) {
			t.Helper()
			resize(t, b[len(b)-1], -300)
			remove(t, index)
		}, back: 3},
		{name: "byte flipped in the first file, index", damage: func(t *testing.T, b []string, index string) {
			t.Helper()
			flipMiddle(t, b[0])
			remove(t, index)
		}},
		{name: "the stream", damage: func(t *testing.T, _ []string, index string) { t.Helper(); remove(t, filepath.Dir(filepath.Dir(index))) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir)
			for n := range all {
				d := letter(n)
				d.Event.Raw.Body = make([]byte, 300<<10)
				if err := j.Park(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			for seq := uint64(1); seq <= 3; seq++ {
				// What was taken away is not lost.
				if ok, err := j.RemoveDeadLetter(t.Context(), seq); err != nil || !ok {
					t.Fatal(ok, err)
				}
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			blks := blocks(t, dir, deadStream)
			if len(blks) < 3 {
				t.Fatalf("%d files of dead letters, want 3: this test proves nothing", len(blks))
			}
			tt.damage(t, blks, filepath.Join(filepath.Dir(blks[0]), "index.db"))
			for range 2 { // it is told once, and remembered
				var log bytes.Buffer
				j := open(t, dir, func(c *Config) {
					c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
				})
				left, lost := len(letters(t, j)), j.Stats().LostLetters
				if left+int(lost) != all-3+tt.back || tt.whole != (lost == 0) {
					t.Errorf("%d dead letters are left and %d are said to be lost, of %d", left, lost, all-3)
				}
				losses := j.Losses()
				if tt.whole {
					if len(losses) != 0 || log.Len() != 0 {
						t.Errorf("the start says %v\n%s", losses, &log)
					}
				} else if len(losses) != 1 || losses[0].Where != LostLetters || !strings.Contains(losses[0].String(), "of 57 dead letters are missing") {
					t.Errorf("losses are %v, want the dead letters", losses)
				}
				if j.Stats().LostEvents != 0 {
					t.Error("dead letters are counted as events that are lost")
				}
				if err := j.Park(t.Context(), letter(all)); err != nil {
					t.Fatalf("a dead letter is not taken any more: %v", err)
				}
				if ok, err := j.RemoveDeadLetter(t.Context(), last(t, j)); err != nil || !ok {
					t.Fatal(ok, err)
				}
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func last(t *testing.T, j *Journal) uint64 {
	t.Helper()
	_, seq, _, err := j.DeadLetterBounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestLostLetters_TellsNoFalseLoss(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	had := letterMark{First: 5, Last: 14, Count: 10, Oldest: now.Add(-time.Hour)}
	for _, tt := range []struct {
		name string
		had  letterMark
		st   jetstream.StreamState
		want int64
	}{
		{"all there", had, jetstream.StreamState{FirstSeq: 5, LastSeq: 14, Msgs: 10}, 0},
		{"one more since", had, jetstream.StreamState{FirstSeq: 5, LastSeq: 15, Msgs: 11}, 0},
		{"some gone", had, jetstream.StreamState{FirstSeq: 8, LastSeq: 14, Msgs: 7}, 3},
		{"the end gone", had, jetstream.StreamState{FirstSeq: 5, LastSeq: 10, Msgs: 6}, 4},
		{"all gone", had, jetstream.StreamState{}, 10},
		{"taken away, crashed", letterMark{5, 14, 10, had.Oldest, true}, jetstream.StreamState{FirstSeq: 8, LastSeq: 14, Msgs: 7}, 0},
		{"taken away, crashed, and the end gone", letterMark{5, 14, 10, had.Oldest, true}, jetstream.StreamState{FirstSeq: 5, LastSeq: 10, Msgs: 6}, 4},
		{"past their age", letterMark{5, 14, 10, now.Add(-deadLettersKept), false}, jetstream.StreamState{FirstSeq: 8, LastSeq: 14, Msgs: 7}, 0},
		{"past their bytes", had, jetstream.StreamState{FirstSeq: 8, LastSeq: 14, Msgs: 7, Bytes: deadLetterBytes - 1}, 0},
		{"never any", letterMark{}, jetstream.StreamState{}, 0},
	} {
		l, ok := lostLetters(tt.had, tt.st, now)
		if ok != (tt.want > 0) || l.Events != tt.want {
			t.Errorf("%s: %+v, want %d missing", tt.name, l, tt.want)
		}
	}
}
