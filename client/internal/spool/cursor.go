package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// position is where the oldest item that is not done stands.
type position struct {
	// segment is the segment's number.
	segment uint64
	// off is where the item's frame begins.
	off int64
	// skip is how many items of that frame are done.
	skip int64
}

const (
	cursorName  = "cursor"
	cursorBytes = 28
)

// readCursor returns the position that was saved, or the zero position when there
// is none that can be trusted.
func readCursor(f *os.File) (position, error) {
	var b [cursorBytes]byte
	if n, err := f.ReadAt(b[:], 0); n < cursorBytes {
		if err != nil && n == 0 && !isEOF(err) {
			return position{}, fmt.Errorf("reading the cursor: %w", err)
		}
		return position{}, nil
	}
	if crc32.Checksum(b[:24], castagnoli) != binary.LittleEndian.Uint32(b[24:]) {
		return position{}, nil
	}
	return position{
		segment: binary.LittleEndian.Uint64(b[:]),
		off:     int64(binary.LittleEndian.Uint64(b[8:])),
		skip:    int64(binary.LittleEndian.Uint64(b[16:])),
	}, nil
}

// reserveCursor takes the room of the cursor now. On a disk that is full the note
// of what is done could not be written later, and segments are removed only after
// it: the spool would stay as large as it is.
func (s *Spool) reserveCursor() error {
	info, err := s.cursor.Stat()
	if err != nil {
		return fmt.Errorf("opening the cursor: %w", err)
	}
	if info.Size() >= cursorBytes {
		return nil
	}
	if err := writeCursor(s.cursor, s.head); err != nil && !errors.Is(failure(err), ErrFull) {
		return err
	}
	return nil
}

// writeCursor saves the position. It is one small write: torn, its checksum does
// not fit, and everything comes again.
func writeCursor(f *os.File, p position) error {
	var b [cursorBytes]byte
	binary.LittleEndian.PutUint64(b[:], p.segment)
	binary.LittleEndian.PutUint64(b[8:], uint64(p.off))
	binary.LittleEndian.PutUint64(b[16:], uint64(p.skip))
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
	_, err := f.WriteAt(b[:], 0)
	if err = errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("saving the cursor: %w", err)
	}
	return nil
}
