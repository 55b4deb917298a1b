package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const segmentSuffix = ".spool"

// segment is one file of frames.
type segment struct {
	number uint64
	path   string
	// size is up to where it may be read: what was written and fsynced.
	size int64
	// items and bytes are those that are not done.
	items int
	bytes int64
	// reported are the places of damage that somebody was told of.
	reported map[int64]bool
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x", number)+segmentSuffix)
}

// listSegments returns the segments of dir, oldest first, not yet counted.
func listSegments(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		number, err := strconv.ParseUint(name, 16, 64)
		if !ok || err != nil || len(name) != 16 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		all = append(all, &segment{number: number, path: filepath.Join(dir, e.Name()), size: info.Size()})
	}
	slices.SortFunc(all, func(a, b *segment) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

// known says whether the segment is one that this version can read. Taken for
// damage it would be removed.
func (s *segment) known() error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	b := make([]byte, len(magic))
	n, err := f.ReadAt(b, 0)
	if err != nil && !isEOF(err) {
		return errors.Join(fmt.Errorf("%s: %w", s.path, err), f.Close())
	}
	if v := len(magic) - 1; n == len(magic) && bytes.Equal(b[:v], magic[:v]) && b[v] > version {
		err = fmt.Errorf("%w: %s has format %d, known are formats up to %d: update this program, or give the client another directory", ErrNewer, s.path, b[v], version)
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// count reads the segment from a position on: how many items there are, and when
// the oldest was taken.
func (s *segment) count(from position) (damage Damage, oldest time.Time, err error) {
	damage.Path = s.path
	f, err := os.Open(s.path)
	if err != nil {
		return damage, time.Time{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	off, skip := int64(0), int64(0)
	if from.segment == s.number {
		off, skip = from.off, from.skip
	}
	for {
		fr, err := readFrame(f, off, s.size)
		if fr.skipped > 0 {
			damage.Tail = damage.Bytes == 0 && errors.Is(err, io.EOF)
			damage.Bytes += fr.skipped
			s.report(off)
			skip = 0
		}
		if errors.Is(err, io.EOF) {
			return damage, oldest, nil
		}
		if err != nil {
			return damage, time.Time{}, fmt.Errorf("%s: %w", s.path, err)
		}
		for _, item := range fr.items[min(skip, int64(len(fr.items))):] {
			if s.items == 0 {
				oldest = fr.at
			}
			s.items++
			s.bytes += int64(len(item))
		}
		off, skip = fr.end, 0
	}
}

// report remembers damage that begins at off; true when it is news.
func (s *segment) report(off int64) bool {
	if s.reported[off] {
		return false
	}
	if s.reported == nil {
		s.reported = map[int64]bool{}
	}
	s.reported[off] = true
	return true
}

// SyncDir makes the names in dir durable. Windows has no such thing and needs
// none.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
