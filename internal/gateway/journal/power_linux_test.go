package journal

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func syncedFile(dir string) string { return filepath.Join(dir, "synced") }

// notice and answer are struct seccomp_notif and struct seccomp_notif_resp.
type notice struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Data  struct {
		Nr   int32
		Arch uint32
		IP   uint64
		Args [6]uint64
	}
}

type answer struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

// watchSyncs has every fsync and fdatasync of this process, before it is carried
// out, written to path: inode and length of the file. The kernel tells a filter's
// listener, a goroutine of the same process, whose own calls the filter lets pass.
// Files opened with O_SYNC do not show up; the engine opens none of those that
// hold pages so.
func watchSyncs(path string) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FSYNC, Jt: 2},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jt: 1},
		ret(unix.SECCOMP_RET_ALLOW),
		ret(unix.SECCOMP_RET_USER_NOTIF),
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Without new privileges a filter needs no capability; with TSYNC the threads
	// that run already get both from this one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forgoing privileges: %w", err)
	}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return fmt.Errorf("installing the filter: %w", e)
	}
	go func() {
		for {
			var n notice
			if _, _, e := unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
				if e == unix.EINTR || e == unix.ENOENT {
					continue
				}
				panic(e)
			}
			var st unix.Stat_t
			if err := unix.Fstat(int(n.Data.Args[0]), &st); err == nil {
				fmt.Fprintf(out, "%d %d\n", st.Ino, st.Size)
			}
			a := answer{ID: n.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
			if _, _, e := unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a))); e != 0 && e != unix.ENOENT {
				panic(e)
			}
		}
	}()
	return nil
}

// cutPower leaves of every block of messages what was fsynced, and none of the
// caches that the engine would find again otherwise. What earlier rounds left is
// durable: their lines stay in the synced file.
func cutPower(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(syncedFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	synced := map[uint64]int64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var ino uint64
		var size int64
		if _, err := fmt.Sscan(lines.Text(), &ino, &size); err == nil {
			synced[ino] = max(synced[ino], size)
		}
	}
	blocks := 0
	err = filepath.WalkDir(filepath.Join(dir, "journal"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case d.Name() == "index.db":
			return os.Remove(path)
		case !strings.HasSuffix(path, ".blk"):
			return nil
		}
		blocks++
		info, err := d.Info()
		if err != nil {
			return err
		}
		size, ok := synced[info.Sys().(*syscall.Stat_t).Ino]
		if !ok {
			return os.Remove(path)
		}
		return os.Truncate(path, min(size, info.Size()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if blocks == 0 {
		t.Fatal("no block of messages was found: the engine's files have moved, and this test proves nothing")
	}
}
