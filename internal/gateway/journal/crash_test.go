package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// A child is this test binary once more: it opens the journal in childDir and
// appends from childCallers goroutines until somebody kills it. What was answered
// goes to standard output, a line for each.
const (
	childDir     = "JOURNAL_TEST_DIR"
	childRound   = "JOURNAL_TEST_ROUND"
	childSync    = "JOURNAL_TEST_SYNC"
	childCallers = 32

	modeAppend = "append"
	modeWatch  = "watch" // tells in the synced file what was fsynced, too
	modeFull   = "full"  // see mend_test.go
)

func runChild(mode string) error {
	dir := os.Getenv(childDir)
	if mode == modeFull {
		return runFull(dir)
	}
	if mode == modeWatch {
		err := watchSyncs(syncedFile(dir))
		if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
			fmt.Println("unwatched:", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	j, err := Open(context.Background(), Config{Dir: dir, Reserve: 1, Sync: Sync(os.Getenv(childSync))})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var wg sync.WaitGroup
	var mu sync.Mutex
	for caller := range childCallers {
		wg.Go(func() {
			for n := 0; ; n++ {
				ev := sample(n)
				ev.ID = fmt.Sprintf("%s/%d/%d", os.Getenv(childRound), caller, n)
				ev.Dedupe = ev.ID
				if _, err := j.Append(context.Background(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil {
					return
				}
				mu.Lock()
				_, err := fmt.Println(ev.ID)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// killed runs a child until it answered least events and a random while longer,
// kills it with SIGKILL, and returns what it had answered.
func killed(t *testing.T, mode, dir string, round, least int, sync Sync) (answered []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+mode, childDir+"="+dir, childRound+"="+strconv.Itoa(round), childSync+"="+string(sync))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	stopAt := least + rand.IntN(least)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // what is cut short was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if why, ok := strings.CutPrefix(line, "unwatched: "); ok {
			_ = cmd.Wait()
			t.Skipf("needs a Linux kernel (5.7 or newer) that lets a process install a seccomp filter with a listener, which CI has: %s", why)
		}
		if line == "ready" {
			continue
		}
		if answered = append(answered, line); len(answered) == stopAt {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(answered) < stopAt {
		t.Fatalf("the child ended by itself after %d answers", len(answered))
	}
	return answered
}

// missing returns which of answered are not in the journal of dir.
func missing(t *testing.T, dir string, answered []string) []string {
	t.Helper()
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]int{}
	evs := all(t, j)
	for _, ev := range evs {
		stored[ev.ID]++
	}
	// What comes again is known: what the snapshots do not hold is read from pages.
	for _, ev := range evs[max(0, len(evs)-100):] {
		if kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil || kept.Duplicates != 1 {
			t.Errorf("%s came again: %+v, %v", ev.ID, kept, err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for id, n := range stored {
		if n > 1 {
			t.Errorf("event %s is stored %d times", id, n)
		}
	}
	return slices.DeleteFunc(slices.Clone(answered), func(id string) bool { return stored[id] > 0 })
}

func TestAppend_KillLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	for _, sync := range []Sync{Always, Interval} {
		t.Run(string(sync), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var answered []string
			for round := range 5 {
				answered = append(answered, killed(t, modeAppend, dir, round, 500, sync)...)
				if lost := missing(t, dir, answered); len(lost) > 0 {
					t.Fatalf("round %d: %d of %d answered events are lost, first %s", round, len(lost), len(answered), lost[0])
				}
			}
		})
	}
}

// Loss of power is a kill after which only what was fsynced is left.
func TestAppend_PowerLossLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var answered []string
	for round := range 3 {
		answered = append(answered, killed(t, modeWatch, dir, round, 500, Always)...)
		cutPower(t, dir)
		if lost := missing(t, dir, answered); len(lost) > 0 {
			t.Fatalf("round %d: %d of %d answered events are lost, first %s", round, len(lost), len(answered), lost[0])
		}
	}
}

// The test above could not fail if cutting did nothing: without an fsync before
// the answer, the same cut must lose something.
func TestAppend_PowerLossWithIntervalLosesSomething(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answered := killed(t, modeWatch, dir, 0, 2000, Interval)
	cutPower(t, dir)
	if lost := missing(t, dir, answered); len(lost) == 0 {
		t.Errorf("none of %d answered events is lost: the cut proves nothing", len(answered))
	}
}
