package client

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/client/internal/spool"
)

const (
	asideName = "refused.ndjson"
	olderName = "refused.1.ndjson"
)

// maxTorn bounds where a line that a crash cut off is looked for: it is longer than
// any line.
const maxTorn = 64 << 20

// aside is the file of events that were refused for good, one a line. When it
// holds half of its bound it becomes the older one, in place of the older one.
type aside struct {
	dir  string
	half int64
	log  *slog.Logger
	file *os.File
	size int64
}

// asideLine is one line of the file.
type asideLine struct {
	At     time.Time      `json:"at"`
	ID     string         `json:"id"`
	Status int            `json:"status"`
	Reason string         `json:"reason"`
	Event  jsontext.Value `json:"event"`
}

func openAside(dir string, bound int64, log *slog.Logger) (*aside, error) {
	a := &aside{dir: dir, half: bound / 2, log: log}
	return a, a.open()
}

func (a *aside) open() error {
	f, err := os.OpenFile(filepath.Join(a.dir, asideName), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the file for refused events: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("opening the file for refused events: %w", err), f.Close())
	}
	size, err := cutTorn(f, info.Size())
	if err == nil {
		// An event leaves the spool when it is in the file: the file's name must last, too.
		err = spool.SyncDir(a.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("opening the file for refused events: %w", err), f.Close())
	}
	a.file, a.size = f, size
	return nil
}

// cutTorn cuts off a line that a crash left half written, and returns the size
// that is left. Its event is still in the spool; the next line would be spoilt.
func cutTorn(f *os.File, size int64) (int64, error) {
	end := size
	b := make([]byte, 64<<10)
	for end > 0 && size-end < maxTorn {
		n := min(end, int64(len(b)))
		if _, err := f.ReadAt(b[:n], end-n); err != nil {
			return 0, err
		}
		if at := bytes.LastIndexByte(b[:n], '\n'); at >= 0 {
			end -= n - int64(at) - 1
			break
		}
		end -= n
	}
	if end == size {
		return size, nil
	}
	return end, f.Truncate(end)
}

// write puts a refusal into the file, durably.
func (a *aside) write(r Refusal) error {
	line, err := json.Marshal(&asideLine{At: r.At.UTC(), ID: r.ID, Status: r.Status, Reason: r.Reason, Event: jsontext.Value(r.JSON)},
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return fmt.Errorf("setting a refused event aside: %w", err)
	}
	line = append(line, '\n')
	if a.size > 0 && a.size+int64(len(line)) > a.half {
		if err := a.turn(); err != nil {
			return err
		}
	}
	_, err = a.file.Write(line)
	if err = errors.Join(err, a.file.Sync()); err != nil {
		// Half a line would spoil the next one.
		return fmt.Errorf("setting a refused event aside: %w", errors.Join(err, a.file.Truncate(a.size)))
	}
	a.size += int64(len(line))
	return nil
}

// turn makes the file the older one.
func (a *aside) turn() error {
	now, older := filepath.Join(a.dir, asideName), filepath.Join(a.dir, olderName)
	if info, err := os.Stat(older); err == nil {
		a.log.Error("the files of refused events are full: the older one is dropped", "file", older, "bytes", info.Size())
	}
	if err := errors.Join(a.file.Close(), os.Rename(now, older)); err != nil {
		return fmt.Errorf("turning the file of refused events: %w", errors.Join(err, a.open()))
	}
	return a.open()
}

func (a *aside) close() error { return a.file.Close() }
