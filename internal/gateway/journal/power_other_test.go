//go:build !linux

package journal

import (
	"path/filepath"
	"syscall"
	"testing"
)

func syncedFile(dir string) string { return filepath.Join(dir, "synced") }

// watchSyncs needs seccomp, which is Linux's: the tests of a power loss say so
// and are run there by CI.
func watchSyncs(string) error { return syscall.ENOSYS }

func cutPower(*testing.T, string) {}
