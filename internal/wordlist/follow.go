package wordlist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// lookEvery is how often the file is looked at.
	lookEvery = time.Second
	// againEvery is how often its content is read although nothing seems to have
	// changed: a file may be written with its size and time as they were, and one
	// that could not be read may be readable now.
	againEvery = 30 * time.Second
	// maxFile bounds the file in bytes.
	maxFile = 16 << 20
)

// follower reads a list's file again when it changes.
type follower struct {
	list *List
	// seen is the file at the last look, nil when there was none; moving is true when
	// it differed then: somebody may still be writing.
	seen   fs.FileInfo
	moving bool
	// sum is of the content that was read last, whether it could be used or not.
	sum    [sha256.Size]byte
	readAt time.Time
	// said is what was wrong at the last try, empty when nothing was.
	said string
}

func (f *follower) run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			f.look(ctx)
		}
	}
}

// look reads the file once it has changed and rests, and now and then anyway.
func (f *follower) look(ctx context.Context) {
	now, err := os.Stat(f.list.cfg.File)
	if err != nil {
		now = nil
	}
	switch {
	case !same(now, f.seen):
		f.seen, f.moving = now, true
	case f.moving || time.Since(f.readAt) >= againEvery:
		f.moving = false
		f.reload(ctx)
	}
}

// same reports whether a file is what it was: neither another one nor written to.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// reload puts the file in force as it is now, or says once why not.
func (f *follower) reload(ctx context.Context) {
	log := f.list.cfg.Log
	before := f.list.current.Load()
	switch err := f.load(); {
	case err == nil && f.list.current.Load() != before:
		log.InfoContext(ctx, "word list changed", "file", f.list.cfg.File, "words", f.list.Status().Words)
		f.said = ""
	case err == nil:
		f.said = ""
	case err.Error() != f.said:
		log.WarnContext(ctx, "word list refused, the one before goes on", "err", err)
		f.said = err.Error()
	}
}

// load reads the words and puts them in force, unless they are what was read last.
func (f *follower) load() error {
	cfg := f.list.cfg
	f.readAt = time.Now()
	if cfg.File == "" {
		return f.compile(nil)
	}
	content, info, err := readFile(cfg.File)
	if err != nil {
		f.sum = [sha256.Size]byte{} // whatever comes back is read
		f.list.refuse(err)
		return err
	}
	f.seen = info
	sum := sha256.Sum256(content)
	if sum == f.sum {
		return f.list.Status().Err
	}
	f.sum = sum
	if err := f.compile(content); err != nil {
		f.list.refuse(err)
		return err
	}
	return nil
}

// compile puts the words of a configuration and of its file in force.
func (f *follower) compile(content []byte) error {
	cfg := f.list.cfg
	all, err := inline(cfg.Words, cfg.Action)
	if err != nil {
		return err
	}
	if cfg.File != "" {
		more, err := read(cfg.File, content, cfg.Action)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	s, err := compile(all)
	if err != nil {
		return err
	}
	f.list.use(s)
	return nil
}

// readFile reads a file that ends, which a device does not, and that does not make its
// reader wait, as a pipe does.
func readFile(name string) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%s does not exist: write it, one word a line", name)
	case err != nil:
		return nil, nil, fmt.Errorf("reading words: %w", err)
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is no file: want one with one word a line", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("reading words: %w", err)
	}
	defer func() { _ = file.Close() }()
	// The one that was opened may be another by now.
	if info, err = file.Stat(); err != nil {
		return nil, nil, fmt.Errorf("reading words: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading words: %w", err)
	}
	if len(content) > maxFile {
		return nil, nil, fmt.Errorf("%s is larger than %d MiB: make two hooks of it", name, maxFile>>20)
	}
	return content, info, nil
}
