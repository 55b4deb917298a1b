package client

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	asideName = "refused.ndjson"
	olderName = "refused.1.ndjson"
)

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
	f, err := os.OpenFile(filepath.Join(a.dir, asideName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the file for refused events: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("opening the file for refused events: %w", err), f.Close())
	}
	a.file, a.size = f, info.Size()
	return nil
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
