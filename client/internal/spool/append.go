package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Append keeps items, all or none; when it returns nil they are on the disk. The
// appends that arrive while one is being written share the next write and fsync.
// [ErrFull] when they do not fit; any other error is the disk's.
func (s *Spool) Append(items [][]byte) error {
	if len(items) == 0 {
		return nil
	}
	size, at := frameBytes(items), time.Now()
	g, err := s.join(size, at, items)
	if err != nil {
		return err
	}
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if !g.done { // nobody wrote it meanwhile, so it is the next one
		s.commit()
	}
	return g.err
}

// join puts a frame into the next group.
func (s *Spool) join(size int64, at time.Time, items [][]byte) (*group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.disk+size > s.cfg.MaxBytes {
		return nil, fmt.Errorf("%w: %d of %d bytes are taken, %d more do not fit", ErrFull, s.disk, s.cfg.MaxBytes, size)
	}
	g := s.next
	frames, err := appendFrame(g.frames, at, items)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFull, err)
	}
	if len(g.frames) == 0 {
		g.at = at
	}
	g.frames = frames
	g.items += len(items)
	for _, item := range items {
		g.bytes += int64(len(item))
	}
	s.disk += size
	return g, nil
}

// commit writes the next group. The caller holds commitMu.
func (s *Spool) commit() {
	s.mu.Lock()
	g := s.next
	s.next = &group{}
	s.writing = true
	var retired file
	if s.active != nil && s.active.size >= s.cfg.SegmentBytes {
		retired = s.retire()
	}
	seg, w := s.active, s.writer
	s.mu.Unlock()

	if retired != nil {
		_ = retired.Close() // all of it was fsynced
	}
	var err error
	if seg == nil {
		seg, w, err = s.begin()
	}
	if err == nil {
		err = writeGroup(w, seg.size, g.frames)
	}

	s.mu.Lock()
	s.writing = false
	g.done = true
	if err != nil {
		g.err = failure(err)
		s.disk -= int64(len(g.frames))
		s.abandon(seg, w)
		s.mu.Unlock()
		return
	}
	if s.active == nil {
		s.active, s.writer = seg, w
		s.segments = append(s.segments, seg)
	}
	seg.size += int64(len(g.frames))
	seg.items += g.items
	seg.bytes += g.bytes
	if s.items == 0 {
		s.oldest = g.at
	}
	s.items += g.items
	s.bytes += g.bytes
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// begin makes the next segment's file.
func (s *Spool) begin() (*segment, file, error) {
	s.mu.Lock()
	number := s.number
	s.number++
	s.mu.Unlock()
	seg := &segment{number: number, path: segmentPath(s.cfg.Dir, number)}
	w, err := s.cfg.create(seg.path)
	if err != nil {
		return nil, nil, err
	}
	return seg, w, SyncDir(s.cfg.Dir)
}

// writeGroup puts the frames at off, durably; what a failure left there is cut
// off again.
func writeGroup(w file, off int64, frames []byte) error {
	_, err := w.WriteAt(frames, off)
	if err == nil {
		err = w.Sync()
	}
	if err == nil {
		return nil
	}
	if cut := w.Truncate(off); cut != nil {
		return errors.Join(err, cut)
	}
	return errors.Join(err, w.Sync())
}

// retire ends the active segment and returns its file, to be closed.
func (s *Spool) retire() file {
	w := s.writer
	s.active, s.writer = nil, nil
	return w
}

// abandon takes a segment out of use after a failed write: what its file holds
// behind its size is not known any more.
func (s *Spool) abandon(seg *segment, w file) {
	if seg == nil || w == nil {
		return
	}
	_ = w.Close() // it failed already
	if seg == s.active {
		s.active, s.writer = nil, nil
	}
	if seg.size == 0 {
		_ = os.Remove(seg.path) // an empty one is removed at the next start
	}
}

// failure says when it is room that lacks.
func failure(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("writing the spool: %w", err)
}
