package journal

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes f for this process until it is closed; errLocked when another
// one has it.
func lockFile(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, math.MaxUint32, math.MaxUint32, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// unlockFile gives f up.
func unlockFile(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, math.MaxUint32, math.MaxUint32, new(windows.Overlapped))
}

// syncDir does nothing: a directory cannot be synced here, and a name that is lost
// with the power is found out by who reads it.
func syncDir(string) error { return nil }

// free is how many bytes of dir's disk can be written, and its size.
func free(dir string) (avail, size int64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, fmt.Errorf("measuring the disk: %w", err)
	}
	var a, s uint64
	if err := windows.GetDiskFreeSpaceEx(path, &a, &s, nil); err != nil {
		return 0, 0, fmt.Errorf("measuring the disk: %w", err)
	}
	return int64(min(a, math.MaxInt64)), int64(min(s, math.MaxInt64)), nil
}
