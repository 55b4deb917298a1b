package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// place is where a peeked item stands.
type place struct {
	segment uint64
	// after is where the next item stands.
	after position
	size  int64
	at    time.Time
}

// Peek returns the oldest items, at most maxItems of them and maxBytes together,
// but at least one where there is one. Damaged is how many bytes had to be passed
// over that nobody was told of yet; when that was all there is, no item is left.
// The items are not to be changed.
func (s *Spool) Peek(maxItems int, maxBytes int64) (items [][]byte, damaged int64, err error) {
	s.mu.Lock()
	pos := s.head
	segments := make([]segment, len(s.segments))
	for i, seg := range s.segments {
		segments[i] = *seg
	}
	s.mu.Unlock()

	s.peeked = s.peeked[:0]
	total := int64(0)
	for i := range segments {
		seg := &segments[i]
		if pos.segment != seg.number {
			pos = position{segment: seg.number}
		}
		for {
			fr, err := s.frame(seg, pos.off)
			if fr.skipped > 0 {
				pos.skip = 0
				damaged += s.discover(seg.number, pos.off, fr.skipped)
			}
			if errors.Is(err, io.EOF) {
				pos = position{segment: seg.number, off: seg.size}
				break
			}
			if err != nil {
				return nil, damaged, fmt.Errorf("reading the spool: %w", err)
			}
			for k := pos.skip; k < int64(len(fr.items)); k++ {
				item := fr.items[k]
				if len(items) == maxItems || len(items) > 0 && total+int64(len(item)) > maxBytes {
					s.notice()
					return items, damaged, nil
				}
				after := position{segment: seg.number, off: fr.off, skip: k + 1}
				if after.skip == int64(len(fr.items)) {
					after = position{segment: seg.number, off: fr.end}
				}
				items = append(items, item)
				total += int64(len(item))
				s.peeked = append(s.peeked, place{segment: seg.number, after: after, size: int64(len(item)), at: fr.at})
			}
			pos = position{segment: seg.number, off: fr.end}
		}
	}
	if len(items) == 0 && len(segments) > 0 {
		return nil, damaged, s.advance(pos, nil)
	}
	s.notice()
	return items, damaged, nil
}

// Drop says that the n oldest items of the last Peek are done.
func (s *Spool) Drop(n int) error {
	if n == 0 {
		return nil
	}
	done := s.peeked[:n]
	if err := s.advance(done[n-1].after, done); err != nil {
		return err
	}
	s.peeked = s.peeked[n:]
	s.notice()
	return nil
}

// frame reads the frame at off. The last one is kept: many items may be in it.
func (s *Spool) frame(seg *segment, off int64) (frame, error) {
	if s.lastOf == seg.number && s.last.end > 0 && s.last.off == off {
		fr := s.last
		fr.skipped = 0
		return fr, nil
	}
	if s.reader == nil || s.readerOf != seg.number {
		if s.reader != nil {
			_ = s.reader.Close() // it was only read
			s.reader = nil
		}
		f, err := os.Open(seg.path)
		if err != nil {
			return frame{}, err
		}
		s.reader, s.readerOf = f, seg.number
	}
	fr, err := readFrame(s.reader, off, seg.size)
	if err == nil {
		s.last, s.lastOf = fr, seg.number
	}
	return fr, err
}

// discover returns how much of the bytes skipped at off is news.
func (s *Spool) discover(number uint64, off, skipped int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if seg.number == number && seg.report(off) {
			return skipped
		}
	}
	return 0
}

// notice remembers when the oldest item was taken.
func (s *Spool) notice() {
	if len(s.peeked) == 0 {
		return
	}
	s.mu.Lock()
	s.oldest = s.peeked[0].at
	s.mu.Unlock()
}

// advance saves the position and removes the segments before it.
func (s *Spool) advance(to position, done []place) error {
	if err := writeCursor(s.cursor, to); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = to
	i := 0
	for _, seg := range s.segments {
		for len(done) > 0 && done[0].segment == seg.number {
			s.take(seg, 1, done[0].size)
			done = done[1:]
		}
		busy := seg == s.active && s.writing
		if seg.number > to.segment || seg.number == to.segment && (to.off < seg.size || busy) {
			break
		}
		// What is left of its count is what turned out to be damaged.
		s.take(seg, seg.items, seg.bytes)
		s.remove(seg)
		i++
	}
	s.segments = append(s.segments[:0:0], s.segments[i:]...)
	return nil
}

func (s *Spool) take(seg *segment, items int, bytes int64) {
	seg.items -= items
	seg.bytes -= bytes
	s.items -= items
	s.bytes -= bytes
}

// remove deletes a segment that is done. What cannot be deleted now is at the
// next start.
func (s *Spool) remove(seg *segment) {
	s.disk -= seg.size
	if seg == s.active {
		_ = s.retire().Close()
	}
	if s.reader != nil && s.readerOf == seg.number {
		_ = s.reader.Close()
		s.reader = nil
	}
	if s.lastOf == seg.number {
		s.last, s.lastOf = frame{}, 0
	}
	_ = os.Remove(seg.path)
}
