package wordlist_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/wordlist"
)

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) count(s string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), s)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pass lets looks go by, in synctest's clock.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func masks(t *testing.T, l *wordlist.List, text string) string {
	t.Helper()
	v := l.Ask(t.Context(), gateway.Question{Event: &event.Event{Type: event.MessageSend, Message: &event.Message{Text: text}}}).Verdict
	if v.Changes == nil {
		return text
	}
	return v.Changes.Message.Text
}

func expect(t *testing.T, l *wordlist.List, when, want string) {
	t.Helper()
	if got := masks(t, l, "one two three"); got != want {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
}

func TestFollow_ChangedFileIsInForceWithoutARestart(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "words.txt")
	write(t, name, "one\n")
	synctest.Test(t, func(t *testing.T) {
		var logged record
		l := newList(t, wordlist.Config{File: name, Words: []string{"three"}, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		expect(t, l, "at the start", "*** two *****")
		pass(10 * time.Second)
		if n := logged.count("\n"); n != 0 {
			t.Errorf("nothing changed and %d lines were logged", n)
		}

		write(t, name, "one\ntwo\n")
		pass(3 * time.Second)
		expect(t, l, "after a word more", "*** *** *****")
		if s := l.Status(); s.Words != 3 || s.Err != nil || s.File != name || !s.LoadedAt.After(time.Time{}) {
			t.Errorf("the status is %+v", s)
		}
		if n := logged.count("word list changed"); n != 1 {
			t.Errorf("it was said %d times that it changed", n)
		}

		// Another file of the same size, put in its place.
		write(t, name+".new", "two\nsix\n")
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		expect(t, l, "after another file", "one *** *****")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		write(t, name, "one\n")
		pass(time.Minute)
		expect(t, l, "closed", "one *** *****")
	})
}

// TestFollow_SeesContentBehindTheSameSizeAndTime: an editor that keeps both is seen,
// if later.
func TestFollow_SeesContentBehindTheSameSizeAndTime(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "words.txt")
	write(t, name, "one\n")
	at := time.Unix(1e9, 0)
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := newList(t, wordlist.Config{File: name})
		write(t, name, "two\n")
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		expect(t, l, "a minute later", "one *** three")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFollow_BadFileLeavesTheListBefore and is said once, until it is right again.
func TestFollow_BadFileLeavesTheListBefore(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "words.txt")
	for what, spoil := range map[string]func(t *testing.T){
		"wrong":      func(t *testing.T) { t.Helper(); write(t, name, "one\nf*ck\n") },
		"cut to nil": func(t *testing.T) { t.Helper(); write(t, name, "") },
		"gone": func(t *testing.T) {
			t.Helper()
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		},
	} {
		write(t, name, "one\n")
		synctest.Test(t, func(t *testing.T) {
			var logged record
			l := newList(t, wordlist.Config{File: name, Log: slog.New(slog.NewTextHandler(&logged, nil))})
			reg := prometheus.NewPedanticRegistry()
			reg.MustRegister(wordlist.NewCollector(func() []wordlist.Named {
				return []wordlist.Named{{App: "shop", Hook: "words", List: l}}
			}))
			spoil(t)
			pass(3 * time.Minute)
			expect(t, l, what, "*** two three")
			if n := logged.count("word list refused"); n != 1 {
				t.Errorf("%s: it was said %d times", what, n)
			}
			if l.Status().Err == nil {
				t.Errorf("%s: the status does not say so", what)
			}
			wantMetrics(t, reg, what, "0", "1")

			write(t, name, "two\n")
			pass(3 * time.Second)
			expect(t, l, what+", then right", "one *** three")
			if err := l.Status().Err; err != nil {
				t.Errorf("%s, then right: the status still says %v", what, err)
			}
			wantMetrics(t, reg, what+", then right", "1", "1")

			spoil(t)
			pass(3 * time.Second)
			if n := logged.count("word list refused"); n != 2 {
				t.Errorf("%s again: it was said %d times in all, want 2", what, n)
			}
			write(t, name, "two\n") // as it is in force
			pass(3 * time.Second)
			if err := l.Status().Err; err != nil {
				t.Errorf("%s, then as before: the status still says %v", what, err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantMetrics(t *testing.T, reg prometheus.Gatherer, when, current, words string) {
	t.Helper()
	want := `
# HELP imhook_wordlist_current 1 while a word list's file is in force as it is, 0 after it was refused or is gone.
# TYPE imhook_wordlist_current gauge
imhook_wordlist_current{app="shop",hook="words"} ` + current + `
# HELP imhook_wordlist_words Words in force of a word list.
# TYPE imhook_wordlist_words gauge
imhook_wordlist_words{app="shop",hook="words"} ` + words + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

// TestFollow_MountedVolume: Kubernetes puts a new directory behind a link, all files of
// it at once.
func TestFollow_MountedVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	volume := func(name, content string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "words.txt"), content)
		at := time.Unix(1e9, 0)
		if err := os.Chtimes(filepath.Join(dir, name, "words.txt"), at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	volume("..2026_1", "one\n")
	name := filepath.Join(dir, "words.txt")
	if err := os.Symlink(filepath.Join("..data", "words.txt"), name); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := newList(t, wordlist.Config{File: name})
		expect(t, l, "at the start", "*** two three")
		volume("..2026_2", "two\n")
		if err := os.RemoveAll(filepath.Join(dir, "..2026_1")); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		expect(t, l, "after the swap", "one *** three")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFollow_FileThatIsBeingWritten is read once it rests.
func TestFollow_FileThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "words.txt")
	write(t, name, "one\n")
	synctest.Test(t, func(t *testing.T) {
		var logged record
		l := newList(t, wordlist.Config{File: name, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		content := "two\n"
		pass(lookEvery / 2)
		for range 10 {
			content += "four\n"
			write(t, name, content)
			pass(lookEvery)
			expect(t, l, "while it is written", "*** two three")
		}
		pass(2 * lookEvery)
		expect(t, l, "once it rests", "one *** three")
		if n := logged.count("word list changed"); n != 1 {
			t.Errorf("it was read %d times, want once", n)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// lookEvery is how often a file is looked at.
const lookEvery = time.Second
