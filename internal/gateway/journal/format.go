package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
)

// formatVersion is the version of all that the journal keeps: pages, positions,
// dead letters and the records beside them. It grows when an older imhook would
// misread what a newer one wrote.
const formatVersion = 1

// The format is written beside the store and in the metadata of each stream, so
// that a store that was copied alone, or that is on another machine, says it too.
const (
	formatFile = "format"
	formatMeta = "imhook.format"
	writerMeta = "imhook.version"
)

// formatRecord is the file format in the data directory.
type formatRecord struct {
	Format int `json:"format"`
	// Imhook is the version that wrote the format first.
	Imhook string    `json:"imhook,omitzero"`
	At     time.Time `json:"at"`
}

// newer is what is said when a newer imhook wrote what is to be read.
func newer(what string, format int, writer, own string) error {
	if writer == "" {
		writer = "of an unknown version"
	}
	if own == "" {
		own = "of an unknown version"
	}
	return fmt.Errorf("%s has format %d, %w (imhook %s); this imhook (%s) knows formats up to %d: start that version or a newer one, or name another data_dir",
		what, format, ErrNewer, writer, own, formatVersion)
}

// checkFormat refuses a data directory of a newer imhook, and marks a new one.
func checkFormat(cfg Config) error {
	path := filepath.Join(cfg.Dir, formatFile)
	b, err := os.ReadFile(path)
	if err == nil {
		var r formatRecord
		if err := json.Unmarshal(b, &r); err != nil || r.Format < 1 {
			return fmt.Errorf("reading %s: it does not say which format the data directory has (%w): put back what it held, {\"format\":1} for this imhook", path, err)
		}
		if r.Format > formatVersion {
			return newer("data directory "+cfg.Dir, r.Format, r.Imhook, cfg.Version)
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the format of the data directory: %w", err)
	}
	b, err = json.Marshal(formatRecord{formatVersion, cfg.Version, cfg.Now().UTC()}, jsontext.Multiline(true))
	if err == nil {
		err = replaceFile(path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing the format of the data directory: %w", err)
	}
	return nil
}

// checkStream refuses a stream of a newer imhook: making it anew with our own
// configuration would overwrite what it says.
func checkStream(ctx context.Context, js jetstream.JetStream, name, own string) error {
	s, err := lookUp(ctx, js, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at stream %s: %w", name, err)
	}
	meta := s.CachedInfo().Config.Metadata
	if v, err := strconv.Atoi(meta[formatMeta]); err == nil && v > formatVersion {
		return newer("stream "+name+" of the journal", v, meta[writerMeta], own)
	}
	return nil
}

func formatMetadata(own string) map[string]string {
	m := map[string]string{formatMeta: strconv.Itoa(formatVersion)}
	if own != "" {
		m[writerMeta] = own
	}
	return m
}

// replaceFile writes a file whole or not at all, durably.
func replaceFile(path string, b []byte) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		if err = os.Rename(temp, path); err == nil {
			return syncDir(filepath.Dir(path))
		}
	}
	return errors.Join(err, os.Remove(temp))
}
