package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

var (
	// ErrFull says that the bound, or the disk, has no room for an Append.
	ErrFull = errors.New("spool is full")
	// ErrLocked says that another process, or another Spool of this one, has the
	// directory.
	ErrLocked = errors.New("spool directory is in use")
	// ErrNewer says that a newer version of this package wrote the spool.
	ErrNewer = errors.New("spool was written by a newer version")
	// ErrClosed says that the spool was closed.
	ErrClosed = errors.New("spool is closed")
)

// Config says where and how much.
type Config struct {
	// Dir is made when it is not there.
	Dir string
	// MaxBytes bounds the segments' size together.
	MaxBytes int64
	// SegmentBytes is when a new segment is begun; zero is an eighth of MaxBytes,
	// at most 16 MiB.
	SegmentBytes int64

	// create makes a segment's file; tests put broken disks in its place.
	create func(path string) (file, error)
}

// file is what is needed of a segment that is written.
type file interface {
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

func create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// Damage is a piece of a segment that could not be read.
type Damage struct {
	Path  string
	Bytes int64
	// Tail is true when nothing readable follows in the segment: what a crash
	// leaves of a write that was not acknowledged, or worse.
	Tail bool
}

// Spool is a queue on disk. Append, Len, Oldest and Close may be called by many at
// a time; Peek and Drop belong to one reader.
type Spool struct {
	cfg    Config
	lock   *flock.Flock
	cursor *os.File
	ready  chan struct{}

	// commitMu is held while a group is written. It is taken before mu.
	commitMu sync.Mutex

	mu sync.Mutex
	// mu guards the following.
	segments []*segment
	head     position
	// items and bytes are those of the segments that are not done.
	items int
	bytes int64
	// disk is the size of all segments and of what waits to be written.
	disk   int64
	oldest time.Time
	// next is the group that waits to be written, number the next segment's.
	next   *group
	number uint64
	closed bool
	// active is the segment that is written, nil when the next group begins one;
	// writer is its file.
	active *segment
	writer file
	// writing is true while a group is between mu and the disk.
	writing bool

	// reader is the open file of the segment readerOf, of the one that peeks.
	reader   *os.File
	readerOf uint64
	// last is the frame that was read last, in the segment lastOf.
	last   frame
	lastOf uint64
	// peeked are the items of the last Peek.
	peeked []place
}

// group is what one fsync makes durable.
type group struct {
	frames []byte
	items  int
	bytes  int64
	at     time.Time
	done   bool
	err    error
}

// Open takes the directory for this process. Damage is what could not be read;
// it is no error. What a newer version wrote is left as it is: [ErrNewer].
func Open(cfg Config) (*Spool, []Damage, error) {
	if cfg.create == nil {
		cfg.create = create
	}
	if cfg.SegmentBytes <= 0 {
		cfg.SegmentBytes = min(cfg.MaxBytes/8, 16<<20)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making the spool directory: %w", err)
	}
	lock := flock.New(filepath.Join(cfg.Dir, "lock"))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, nil, fmt.Errorf("locking the spool directory: %w", err)
	}
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s belongs to another client", ErrLocked, cfg.Dir)
	}
	s := &Spool{cfg: cfg, lock: lock, ready: make(chan struct{}, 1), next: &group{}}
	damage, err := s.load()
	if err != nil {
		if s.cursor != nil {
			err = errors.Join(err, s.cursor.Close())
		}
		return nil, nil, errors.Join(err, lock.Unlock())
	}
	if s.items > 0 {
		s.ready <- struct{}{}
	}
	return s, damage, nil
}

// load reads what an earlier process left.
func (s *Spool) load() (damage []Damage, err error) {
	if s.cursor, err = os.OpenFile(filepath.Join(s.cfg.Dir, cursorName), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("opening the cursor: %w", err)
	}
	if s.head, err = readCursor(s.cursor); err != nil {
		return nil, err
	}
	s.number = s.head.segment + 1
	found, err := listSegments(s.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading the spool directory: %w", err)
	}
	for _, seg := range found {
		if err := seg.known(); err != nil {
			return nil, err
		}
	}
	for _, seg := range found {
		s.number = max(s.number, seg.number+1)
		if seg.number >= s.head.segment {
			lost, oldest, err := seg.count(s.head)
			if err != nil {
				return nil, fmt.Errorf("reading the spool: %w", err)
			}
			if lost.Bytes > 0 {
				damage = append(damage, lost)
			}
			if s.items == 0 {
				s.oldest = oldest
			}
		}
		if seg.items == 0 {
			if err := os.Remove(seg.path); err != nil {
				return nil, fmt.Errorf("removing what is done: %w", err)
			}
			continue
		}
		s.segments = append(s.segments, seg)
		s.items += seg.items
		s.bytes += seg.bytes
		s.disk += seg.size
	}
	if len(s.segments) > 0 && s.segments[0].number != s.head.segment {
		s.head = position{segment: s.segments[0].number}
	}
	if err := s.reserveCursor(); err != nil {
		return nil, err
	}
	return damage, SyncDir(s.cfg.Dir)
}

// Len is how many items wait, and their bytes.
func (s *Spool) Len() (items int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items, s.bytes
}

// Oldest is when the oldest item was taken; zero when none waits.
func (s *Spool) Oldest() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == 0 {
		return time.Time{}
	}
	return s.oldest
}

// Ready yields after an Append, and at first when items were left.
func (s *Spool) Ready() <-chan struct{} { return s.ready }

// Close gives the directory back; what is not done stays in it. Nothing may be
// under way.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(append(errs, s.cursor.Close(), s.lock.Unlock())...)
}
