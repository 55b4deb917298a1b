package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// highWater is what the journal had. It is kept beside the store, so that an
// engine that comes back with less is noticed: the engine itself says nothing.
type highWater struct {
	Version int       `json:"version"`
	Turn    uint64    `json:"turn"` // counts the writes
	At      time.Time `json:"at"`
	// First and Last page; Last is First-1 when there was none.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Events of all pages up to Last, and of those before First, since the journal
	// was made.
	Events       uint64 `json:"events"`
	EventsBefore uint64 `json:"eventsBefore"`
	Bytes        uint64 `json:"bytes"`
	// Floor: every endpoint was done with the pages below it.
	Floor uint64 `json:"floor"`
	// Holes are what is known to be missing between First and Last.
	Holes []hole `json:"holes,omitzero"`
	// Positions and DeadLetters are the last sequences of their streams, and
	// PositionKeys is how many keys have a position.
	Positions    uint64 `json:"positions"`
	PositionKeys int    `json:"positionKeys"`
	DeadLetters  uint64 `json:"deadLetters"`
	// Letters is what there was of dead letters.
	Letters letterMark `json:"letters,omitzero"`
	// LostPages and LostEvents count what was found missing ever, Losses says the
	// last of it.
	LostPages   uint64 `json:"lostPages"`
	LostEvents  uint64 `json:"lostEvents"`
	LostLetters uint64 `json:"lostLetters,omitzero"`
	Losses      []Loss `json:"losses,omitzero"`
}

// hole is a range of pages that is missing, with the events that were in it.
type hole struct {
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Events uint64 `json:"events"`
}

func (h hole) pages() uint64 { return h.Last - h.First + 1 }

const (
	highWaterFile    = "highwater"
	highWaterVersion = 1
	// slotSize is the size of one of the two records of the file. They are written
	// in turns, in place: a write that is cut off leaves the other one, and none
	// needs room on a disk that is full.
	slotSize = 32 << 10
	// maxHoles and maxLosses keep a record well below its slot.
	maxHoles  = 128
	maxLosses = 16
)

// water is the open file of the high-water record.
type water struct {
	mu   sync.Mutex
	file *os.File
	rec  highWater // what was written last, or shall be written next
	fail bool      // the last write failed
}

var slotSums = crc32.MakeTable(crc32.Castagnoli)

// openWater opens or makes the file and reads the newer of its records. A file
// without a readable record gives the zero record and damaged.
func openWater(dir, own string) (w *water, damaged bool, err error) {
	path := filepath.Join(dir, highWaterFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("opening the high-water record: %w", err)
	}
	w = &water{file: f}
	b, err := io.ReadAll(io.LimitReader(f, 2*slotSize))
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("reading the high-water record: %w", err), f.Close())
	}
	found := false
	for at := 0; at < len(b); at += slotSize {
		rec, err := parseSlot(b[at:min(at+slotSize, len(b))])
		if err != nil {
			continue
		}
		if rec.Version > highWaterVersion {
			return nil, false, errors.Join(newer("high-water record "+path, rec.Version, "", own), f.Close())
		}
		if !found || rec.Turn > w.rec.Turn {
			w.rec, found = rec, true
		}
	}
	damaged = !found && len(b) > 0
	if len(b) < 2*slotSize {
		// Take the room now: later there may be none.
		err := f.Truncate(0)
		if err == nil {
			_, err = f.WriteAt(bytes.Repeat([]byte{' '}, 2*slotSize), 0)
		}
		if err == nil && found {
			err = w.write()
		}
		if err == nil {
			err = errors.Join(f.Sync(), syncDir(dir))
		}
		if err != nil {
			return nil, false, errors.Join(fmt.Errorf("making the high-water record: %w", err), f.Close())
		}
	}
	return w, damaged, nil
}

func sumOf(b []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(b, slotSums)) }

func parseSlot(b []byte) (highWater, error) {
	sum, rest, ok := bytes.Cut(bytes.TrimRight(b, " \n"), []byte(" "))
	if !ok || string(sum) != sumOf(rest) {
		return highWater{}, errors.New("high-water record is damaged")
	}
	var rec highWater
	err := json.Unmarshal(rest, &rec)
	return rec, err
}

// write writes the record, durably. Call with mu, or alone.
func (w *water) write() error {
	w.rec.Version = highWaterVersion
	w.rec.Turn++
	if n := len(w.rec.Losses); n > maxLosses {
		w.rec.Losses = w.rec.Losses[n-maxLosses:]
	}
	b, err := json.Marshal(w.rec)
	if err != nil {
		return err
	}
	slot := append([]byte(sumOf(b)+" "), b...)
	if len(slot) >= slotSize {
		return fmt.Errorf("high-water record of %d bytes", len(slot))
	}
	slot = append(slot, bytes.Repeat([]byte{' '}, slotSize-len(slot)-1)...)
	slot = append(slot, '\n')
	if w.file == nil {
		return nil // an external engine: the record lasts as long as the process
	}
	_, err = w.file.WriteAt(slot, int64(w.rec.Turn%2)*slotSize)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		// The next write goes to the same slot: the other one holds what is whole.
		w.rec.Turn--
	}
	return err
}

// get returns the record.
func (w *water) get() highWater {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rec
}

// set writes what change makes of the record, if that is anything.
func (w *water) set(now time.Time, change func(*highWater)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rec := w.rec
	change(&rec)
	if !w.fail && reflect.DeepEqual(rec, w.rec) {
		return nil
	}
	rec.At = now.UTC()
	w.rec = rec
	err := w.write()
	w.fail = err != nil
	return err
}

func (w *water) close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}
