package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// snapshots keeps the keys and guards of the window beside the pages, so that a
// start need not read all pages of the window again: only those behind the last
// segment. Segments are written behind the commits and may be missing or damaged;
// then pages are read. Guarded by committer.mu but for dir, span and written,
// which keepHouse and Open use alone.
type snapshots struct {
	dir  string
	span time.Duration
	// forming are the pages since the last segment; writing is one that could not
	// be written yet.
	forming segment
	writing segment
	next    uint64 // the page that a new segment begins with
	written []segmentFile
}

// segment is what is remembered of a range of pages.
type segment struct {
	from, to    uint64
	first, last time.Time // of the first and the last page in it
	keys        []event.Key
	guards      []gateway.Guard
}

func (s *segment) size() int { return len(s.keys) + 2*len(s.guards) }

type segmentFile struct {
	path string
	last time.Time
}

const (
	segmentFolder = "window"
	segmentSuffix = ".seg"
	// A segment is written when it is so old or so large; a start reads as much of
	// the pages at most.
	segmentAge  = 10 * time.Second
	segmentSize = 1 << 16
	// maxForming bounds what is held while segments cannot be written.
	maxForming = 1 << 20
)

func (s *snapshots) init(dir string, span time.Duration) {
	*s = snapshots{span: span}
	if dir != "" {
		s.dir = filepath.Join(dir, segmentFolder)
	}
}

// add remembers a committed page. Call with committer.mu.
func (s *snapshots) add(seq uint64, at time.Time, keys []event.Key, guards []gateway.Guard) {
	if s.dir == "" {
		return
	}
	f := &s.forming
	if f.to == 0 {
		f.from, f.first = s.next, at
		if f.from == 0 || f.from > seq {
			f.from = seq
		}
	}
	f.to, f.last, s.next = seq, at, seq+1
	f.keys = append(f.keys, keys...)
	f.guards = append(f.guards, guards...)
	if f.size() > maxForming {
		// The chain of segments breaks here: a start reads pages from here on.
		s.forming = segment{}
		s.next = seq + 1
	}
}

// due returns the segment to write, or nil. Call with committer.mu.
func (s *snapshots) due(now time.Time, all bool) *segment {
	if s.writing.to == 0 && s.forming.to != 0 &&
		(all || s.forming.size() >= segmentSize || now.Sub(s.forming.first) >= segmentAge) {
		s.writing, s.forming = s.forming, segment{}
	}
	if s.writing.to == 0 {
		return nil
	}
	return &s.writing
}

// saveSnapshot writes the forming segment when it is time, and removes those that
// the window has passed.
func (j *Journal) saveSnapshot(all bool) error {
	s := &j.snaps
	if s.dir == "" {
		return nil
	}
	for {
		j.commits.mu.Lock()
		seg := s.due(j.cfg.Now(), all)
		j.commits.mu.Unlock()
		if seg == nil {
			break
		}
		path := filepath.Join(s.dir, fmt.Sprintf("%020d%s", seg.from, segmentSuffix))
		err := os.MkdirAll(s.dir, 0o700)
		if err == nil {
			err = replaceFile(path, appendSegment(nil, seg))
		}
		if err != nil {
			return fmt.Errorf("writing a snapshot of the window: %w", err)
		}
		s.written = append(s.written, segmentFile{path, seg.last})
		j.commits.mu.Lock()
		s.writing = segment{}
		j.commits.mu.Unlock()
	}
	old := j.cfg.Now().Add(-s.span - time.Minute)
	for len(s.written) > 1 && s.written[0].last.Before(old) {
		if err := os.Remove(s.written[0].path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing a snapshot of the window: %w", err)
		}
		s.written = s.written[1:]
	}
	return nil
}

// A segment's file: "IMHW", version, then from, to, first and last (unix
// nanoseconds), number of keys and of guards, keys, guards, and the CRC-32C of all
// before it; integers big-endian.
const (
	segmentMagic   = "IMHW"
	segmentVersion = 1
	segmentHead    = len(segmentMagic) + 1 + 4*8 + 2*4
)

var errSegment = errors.New("snapshot of the window is damaged")

func appendSegment(b []byte, s *segment) []byte {
	b = slices.Grow(b, segmentHead+16*len(s.keys)+32*len(s.guards)+4)
	b = append(b, segmentMagic...)
	b = append(b, segmentVersion)
	for _, n := range []uint64{s.from, s.to, uint64(s.first.UnixNano()), uint64(s.last.UnixNano())} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.keys)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.guards)))
	for i := range s.keys {
		b = append(b, s.keys[i][:]...)
	}
	for i := range s.guards {
		b = append(b, s.guards[i].Key[:]...)
		b = append(b, s.guards[i].Sum[:]...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, slotSums))
}

func parseSegment(b []byte) (segment, error) {
	if len(b) < segmentHead+4 || !bytes.HasPrefix(b, []byte(segmentMagic)) || b[len(segmentMagic)] != segmentVersion {
		return segment{}, errSegment
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, slotSums) != sum {
		return segment{}, errSegment
	}
	p := body[len(segmentMagic)+1:]
	u64 := func() uint64 { v := binary.BigEndian.Uint64(p); p = p[8:]; return v }
	s := segment{from: u64(), to: u64()}
	s.first, s.last = time.Unix(0, int64(u64())), time.Unix(0, int64(u64()))
	keys, guards := uint64(binary.BigEndian.Uint32(p)), uint64(binary.BigEndian.Uint32(p[4:]))
	p = p[8:]
	if s.from > s.to || uint64(len(p)) != 16*keys+32*guards {
		return segment{}, errSegment
	}
	s.keys = make([]event.Key, keys)
	for i := range s.keys {
		p = p[copy(s.keys[i][:], p):]
	}
	s.guards = make([]gateway.Guard, guards)
	for i := range s.guards {
		p = p[copy(s.guards[i].Key[:], p):]
		p = p[copy(s.guards[i].Sum[:], p):]
	}
	return s, nil
}

// load reads segments, newest first, until they hold the pages from seq on or
// enough keys. It returns them oldest first, without a gap between them; nil when
// there is none or they do not reach back far enough. last is the journal's last
// page: segments past it are of pages that are gone, and all are removed.
func (s *snapshots) load(seq, last uint64, enough int, log *slog.Logger) []segment {
	if s.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("snapshots of the window cannot be read, pages are read instead", "err", err)
	}
	s.written = nil
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		if !strings.HasSuffix(path, segmentSuffix) {
			continue
		}
		info, err := e.Info()
		if err == nil {
			s.written = append(s.written, segmentFile{path, info.ModTime()})
		}
	}
	var all []segment
	have := 0
	for _, f := range slices.Backward(s.written) { // names ascend with pages
		b, err := os.ReadFile(f.path)
		var g segment
		if err == nil {
			g, err = parseSegment(b)
		}
		if err != nil {
			log.Warn("snapshot of the window cannot be read, pages are read instead", "file", f.path, "err", err)
			return nil
		}
		if g.to > last {
			// Their numbers are given out again: later it would be taken for a segment of
			// the pages that have them then.
			if err := s.drop(); err != nil {
				log.Warn("snapshots of pages that are gone stay behind", "err", err)
			}
			return nil
		}
		if len(all) > 0 && g.to+1 != all[len(all)-1].from {
			return nil
		}
		all = append(all, g)
		if have += g.size(); g.from <= seq || have >= enough {
			slices.Reverse(all)
			return all
		}
	}
	return nil
}

// drop removes all segments: they are of pages that are gone.
func (s *snapshots) drop() error {
	s.forming, s.writing, s.written = segment{}, segment{}, nil
	if s.dir == "" {
		return nil
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing snapshots of the window: %w", err)
	}
	return nil
}
