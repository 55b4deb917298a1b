package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
)

// magic begins every frame; its last byte is the version of the format.
var magic = []byte{0xf5, 'i', 'm', version}

const version = 0x01

const (
	headerBytes = 12
	momentBytes = 8
	lengthBytes = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is one Append as it was read.
type frame struct {
	at    time.Time
	items [][]byte
	// off and end are where it stands in its segment.
	off, end int64
	// skipped is how many bytes before it could not be read.
	skipped int64
}

// frameBytes is how long the frame of items is in a file.
func frameBytes(items [][]byte) int64 {
	n := int64(headerBytes + momentBytes)
	for _, item := range items {
		n += lengthBytes + int64(len(item))
	}
	return n
}

// appendFrame appends the frame of items to dst.
func appendFrame(dst []byte, at time.Time, items [][]byte) ([]byte, error) {
	size := frameBytes(items) - headerBytes
	if size > math.MaxUint32 {
		return nil, fmt.Errorf("%d bytes at once are more than a frame can hold", size)
	}
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at.UnixMilli()))
	for _, item := range items {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(item)))
		dst = append(dst, item...)
	}
	binary.LittleEndian.PutUint32(dst[start+8:], checksum(dst[start:]))
	return dst, nil
}

func checksum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[4:8], castagnoli), castagnoli, frame[headerBytes:])
}

// readFrame reads the first whole frame at or after off; io.EOF means that there
// is none before end, and then skipped is all that was left.
func readFrame(r io.ReaderAt, off, end int64) (frame, error) {
	f, ok, err := readFrameAt(r, off, end)
	if ok || err != nil || off >= end {
		if err == nil && !ok {
			err = io.EOF
		}
		return f, err
	}
	// Something is damaged: look for the next beginning.
	rest := make([]byte, end-off)
	if _, err := r.ReadAt(rest, off); err != nil {
		return frame{}, fmt.Errorf("reading: %w", err)
	}
	for at := 1; ; at++ {
		next := bytes.Index(rest[at:], magic)
		if next < 0 {
			return frame{skipped: end - off}, io.EOF
		}
		at += next
		if f, ok := parseFrame(rest[at:]); ok {
			f.off, f.end, f.skipped = off+int64(at), f.end+off+int64(at), int64(at)
			return f, nil
		}
	}
}

// readFrameAt reads the frame at off; false when there is no whole one.
func readFrameAt(r io.ReaderAt, off, end int64) (frame, bool, error) {
	var header [headerBytes]byte
	if end-off < headerBytes+momentBytes {
		return frame{}, false, nil
	}
	if _, err := r.ReadAt(header[:], off); err != nil {
		return frame{}, false, fmt.Errorf("reading: %w", err)
	}
	size := int64(binary.LittleEndian.Uint32(header[4:]))
	if !bytes.Equal(header[:4], magic) || off+headerBytes+size > end {
		return frame{}, false, nil
	}
	whole := make([]byte, headerBytes+size)
	if _, err := r.ReadAt(whole, off); err != nil {
		return frame{}, false, fmt.Errorf("reading: %w", err)
	}
	f, ok := parseFrame(whole)
	f.off, f.end = f.off+off, f.end+off
	return f, ok, nil
}

// parseFrame reads the frame at the beginning of b; the items share b's memory.
func parseFrame(b []byte) (frame, bool) {
	if len(b) < headerBytes+momentBytes || !bytes.Equal(b[:4], magic) {
		return frame{}, false
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	if size < momentBytes || size > int64(len(b)-headerBytes) {
		return frame{}, false
	}
	b = b[:headerBytes+size]
	if checksum(b) != binary.LittleEndian.Uint32(b[8:]) {
		return frame{}, false
	}
	f := frame{at: time.UnixMilli(int64(binary.LittleEndian.Uint64(b[headerBytes:]))), end: int64(len(b))}
	for rest := b[headerBytes+momentBytes:]; len(rest) > 0; {
		if len(rest) < lengthBytes {
			return frame{}, false
		}
		n := int64(binary.LittleEndian.Uint32(rest))
		if rest = rest[lengthBytes:]; n > int64(len(rest)) {
			return frame{}, false
		}
		f.items = append(f.items, rest[:n:n])
		rest = rest[n:]
	}
	return f, true
}
