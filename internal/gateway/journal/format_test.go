package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpen_RefusesWhatANewerImhookWrote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write func(t *testing.T, dir string)
		words []string
	}{
		{"data directory", func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, formatFile), fmt.Sprintf(`{"format":%d,"imhook":"v9.8.7","at":"2031-01-01T00:00:00Z"}`, formatVersion+1))
		}, []string{"v9.8.7", "v0.0.1", fmt.Sprint("format ", formatVersion+1), fmt.Sprint("up to ", formatVersion), "data_dir"}},
		{"stream", func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, formatFile), fmt.Sprintf(`{"format":%d}`, formatVersion)) // the store was copied alone
			changeStream(t, dir, deadStream, map[string]string{formatMeta: fmt.Sprint(formatVersion + 1), writerMeta: "v9.8.7"})
		}, []string{deadStream, "v9.8.7", "v0.0.1", "data_dir"}},
		{"high-water record", func(t *testing.T, dir string) {
			t.Helper()
			w, _, err := openWater(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.close() }()
			w.rec.Turn += 10
			b, err := os.ReadFile(filepath.Join(dir, highWaterFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := w.write(); err != nil {
				t.Fatal(err)
			}
			slot, err := os.ReadFile(filepath.Join(dir, highWaterFile))
			if err != nil {
				t.Fatal(err)
			}
			at := int(w.rec.Turn%2) * slotSize
			copy(b[at:at+slotSize], reseal(t, slot[at:at+slotSize], `"version":1`, `"version":2`))
			write(t, filepath.Join(dir, highWaterFile), string(b))
		}, []string{"high-water record", "format 2", "v0.0.1"}},
		{"page", func(t *testing.T, dir string) {
			t.Helper()
			j := open(t, dir)
			b := sealPage(newPage(nil), 0, 0)
			b[0] = pageVersion + 1
			if _, err := j.engine.Load().js.Publish(t.Context(), pageSubject, b); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}, []string{fmt.Sprint("version ", pageVersion+1), fmt.Sprint("up to ", pageVersion)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := open(t, dir).Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			c.write(t, dir)
			j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1, Version: "v0.0.1"})
			if err == nil {
				_ = j.Close(context.Background())
			}
			if !errors.Is(err, ErrNewer) {
				t.Fatalf("Open = %v, want ErrNewer", err)
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reseal changes the text of a slot and gives it the right sum.
func reseal(t *testing.T, slot []byte, from, to string) []byte {
	t.Helper()
	text := strings.TrimRight(string(slot[9:]), " \n")
	changed := strings.Replace(text, from, to, 1)
	if changed == text {
		t.Fatalf("the record has no %s: %s", from, text)
	}
	sealed := fmt.Sprintf("%s %s", sumOf([]byte(changed)), changed)
	return fmt.Appendf(nil, "%-*s", len(slot), sealed)
}

func changeStream(t *testing.T, dir, name string, meta map[string]string) {
	t.Helper()
	e, err := newJournal(Config{Dir: dir}.WithDefaults()).start(t.Context(), Config{Dir: dir}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	s, err := e.js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.Metadata = meta
	if _, err := e.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_UnreadableFormatIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, formatFile), "what?")
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1})
	if err == nil {
		_ = j.Close(context.Background())
		t.Fatal("a directory of an unknown format was opened")
	}
	if !strings.Contains(err.Error(), filepath.Join(dir, formatFile)) || !strings.Contains(err.Error(), `{"format":1}`) {
		t.Errorf("%q names neither the file nor what it should hold", err)
	}
}

// What the imhook before the format record wrote is read.
func TestOpen_TakesAStoreFromBeforeTheFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := newJournal(Config{Dir: dir}.WithDefaults()).start(t.Context(), Config{Dir: dir}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	first := append([]byte{1, 0, 0, 0, 1}, appendRecord(nil, record{ev: sample(0)})...)
	if _, err := e.js.Publish(t.Context(), pageSubject, first); err != nil {
		t.Fatal(err)
	}
	e.close()
	for _, rest := range []int{1, 2} {
		j := open(t, dir)
		fillPages(t, j, 1, 10)
		if got := len(all(t, j)); got != 1+rest || len(j.Losses()) != 0 {
			t.Errorf("%d events, losses %v; want %d and none", got, j.Losses(), 1+rest)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, blocks(t, dir, pageStream)...)
	if l := open(t, dir).Losses(); len(l) != 1 || l[0].Last != 3 {
		t.Errorf("losses %+v, want the pages up to 3", l)
	}
}

func TestOpen_SecondGatewayIsToldWhoHasTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	open(t, dir, func(c *Config) { c.Now = func() time.Time { return began } })
	_, err := Open(t.Context(), Config{Dir: dir})
	if err == nil {
		t.Fatal("a second journal was opened in the same directory")
	}
	for _, w := range []string{dir, fmt.Sprint("process ", os.Getpid()), "2030-01-02T03:04:05Z", "data_dir"} {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}
