package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errLocked is what lockFile returns when another process has the file.
var errLocked = errors.New("locked by another process")

// lock makes sure that one gateway only has the directory: the engine itself
// would start a second time on the same files.
func lock(dir string) (func() error, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("data directory %s is used by another gateway", dir)
		}
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	return f.Close, nil
}

func defaultReserve(dir string) int64 {
	_, size, err := free(dir)
	if err != nil {
		return 256 << 20
	}
	return max(256<<20, size/50)
}
