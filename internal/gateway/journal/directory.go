package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// errLocked is what lockFile returns when another process has the file.
var errLocked = errors.New("locked by another process")

// lock makes sure that one gateway only has the directory: the engine itself
// would start a second time on the same files.
func lock(dir string, now time.Time) (func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		if errors.Is(err, errLocked) {
			err = fmt.Errorf("data directory %s is used by another gateway%s: stop that one, or give this one a data_dir of its own", dir, holder(f))
		} else {
			err = fmt.Errorf("locking the data directory: %w", err)
		}
		return nil, errors.Join(err, f.Close())
	}
	// Who has it is a help to whoever comes second, and nothing depends on it.
	host, _ := os.Hostname()
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "process %d on %s since %s\n", os.Getpid(), host, now.UTC().Format(time.RFC3339)), 0)
	}
	return func() error { return errors.Join(unlockFile(f), f.Close()) }, nil
}

// holder says who has a lock file, as far as it can be read.
func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 300))
	if b = bytes.TrimSpace(b); err != nil || len(b) == 0 {
		return ""
	}
	return " (" + string(b) + ")"
}

func defaultReserve(dir string) int64 {
	_, size, err := free(dir)
	if err != nil {
		return 256 << 20
	}
	return max(256<<20, size/50)
}
