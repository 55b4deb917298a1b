package tlsfile

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// content is a file whose content stands in the configuration's server name.
type content struct {
	t    *testing.T
	path string
	err  error
}

func newContent(t *testing.T, text string) *content {
	t.Helper()
	c := &content{t: t, path: filepath.Join(t.TempDir(), "file")}
	c.replace(text, time.Unix(1e9, 0))
	return c
}

// replace puts another file in the place of the one that is there.
func (c *content) replace(text string, at time.Time) {
	c.t.Helper()
	if err := os.WriteFile(c.path+".new", []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chtimes(c.path+".new", at, at); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(c.path+".new", c.path); err != nil {
		c.t.Fatal(err)
	}
}

func (c *content) load() (*tls.Config, error) {
	if c.err != nil {
		return nil, c.err
	}
	b, err := os.ReadFile(c.path)
	return &tls.Config{ServerName: string(b), MinVersion: tls.VersionTLS12}, err
}

// now is what is in use a look later.
func (c *content) now(f *follower) string {
	c.t.Helper()
	<-time.After(2 * lookEvery) // of synctest's clock
	conf, err := f.get()
	if err != nil {
		c.t.Fatal(err)
	}
	return conf.ServerName
}

// TestFollower_TriesAgainWhatCouldNotBeRead: a renewal that is not readable yet is
// taken when it is, although its file does not change any more: the right to read
// it came later, or the process had no file descriptor left.
func TestFollower_TriesAgainWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	c := newContent(t, "old")
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		f := &follower{log: slog.New(slog.NewTextHandler(&said, nil)), files: []string{c.path}, load: c.load}
		if got := c.now(f); got != "old" {
			t.Fatalf("at first %q is in use", got)
		}
		c.err = errors.New("permission denied")
		c.replace("renewed", time.Unix(2e9, 0))
		for range 3 {
			if got := c.now(f); got != "old" {
				t.Errorf("while the renewal cannot be read %q is in use", got)
			}
		}
		c.err = nil
		if got := c.now(f); got != "renewed" {
			t.Errorf("once the renewal can be read %q is in use", got)
		}
		if n := strings.Count(said.String(), "permission denied"); n != 1 {
			t.Errorf("it was said %d times, want once: %s", n, said.String())
		}
	})
}

func TestFollower_SeesAnotherFileOfTheSameSizeAndTime(t *testing.T) {
	t.Parallel()
	c := newContent(t, "one")
	synctest.Test(t, func(t *testing.T) {
		f := &follower{files: []string{c.path}, load: c.load}
		if got := c.now(f); got != "one" {
			t.Fatalf("at first %q is in use", got)
		}
		c.replace("two", time.Unix(1e9, 0))
		if got := c.now(f); got != "two" {
			t.Errorf("after the renewal %q is in use", got)
		}
	})
}
