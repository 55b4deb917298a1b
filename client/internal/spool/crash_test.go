package spool

import (
	"bufio"
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
	"testing"
)

const (
	childDir   = "SPOOL_TEST_DIR"
	childRound = "SPOOL_TEST_ROUND"
	callers    = 8
)

// runChild appends groups of two from several goroutines and drops what is oldest
// at the same time; what Append took and what was dropped is printed before the
// next step.
func runChild(string) error {
	s, _, err := Open(Config{Dir: os.Getenv(childDir), MaxBytes: 64 << 20, SegmentBytes: 16 << 10})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := fmt.Printf(format, args...); err != nil {
			os.Exit(0)
		}
	}
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for n := 0; ; n += 2 {
				a := fmt.Sprintf("%s/%d/%d", os.Getenv(childRound), caller, n)
				b := fmt.Sprintf("%s/%d/%d", os.Getenv(childRound), caller, n+1)
				if err := s.Append([][]byte{[]byte(a), []byte(b)}); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				say("+%s\n+%s\n", a, b)
			}
		})
	}
	for range s.Ready() {
		items, damaged, err := s.Peek(7, 1<<20)
		if err != nil || damaged > 0 {
			return errors.Join(err, fmt.Errorf("%d bytes are damaged", damaged))
		}
		half := items[:len(items)/2]
		for _, item := range half {
			say("-%s\n", item)
		}
		if err := s.Drop(len(half)); err != nil {
			return err
		}
	}
	wg.Wait()
	return nil
}

// killed runs a child, kills it after some hundred lines and returns what it said.
func killed(t *testing.T, dir string, round int) (kept, dropped []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"=append", childDir+"="+dir, childRound+"="+strconv.Itoa(round))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopAt := 200 + rand.IntN(400)
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what is cut short was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "+"); ok {
			kept = append(kept, rest)
		} else {
			dropped = append(dropped, line[1:])
		}
		if n == stopAt {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Fatal("the child ended by itself")
	}
	return kept, dropped
}

// Killed in the middle of a burst, again and again: nothing that Append took is
// missing, and what each caller wrote comes in the order in which it wrote it.
func TestSpool_KillLosesAndReordersNothing(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	var kept []string
	out := map[string]bool{}
	var order []string
	see := func(item string) {
		if !out[item] { // again, after a crash, is allowed
			out[item] = true
			order = append(order, item)
		}
	}
	for round := range rounds {
		k, d := killed(t, dir, round)
		kept = append(kept, k...)
		for _, item := range d {
			see(item)
		}
	}
	s, damage, err := Open(Config{Dir: dir, MaxBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range damage {
		if !d.Tail {
			t.Errorf("damage in the middle: %+v", d)
		}
	}
	for {
		items, _, err := s.Peek(100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) == 0 {
			break
		}
		for _, item := range items {
			see(string(item))
		}
		if err := s.Drop(len(items)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, item := range kept {
		if !out[item] {
			t.Fatalf("%s was kept and is gone", item)
		}
	}
	t.Logf("%d kept, %d came out", len(kept), len(order))
	lanes := map[string][2]int{}
	for _, item := range order {
		parts := strings.Split(item, "/")
		round, _ := strconv.Atoi(parts[0])
		n, _ := strconv.Atoi(parts[2])
		at, now := lanes[parts[1]], [2]int{round, n}
		if slices.Compare(now[:], at[:]) < 0 {
			t.Fatalf("lane %s: %v came after %v", parts[1], now, at)
		}
		lanes[parts[1]] = now
	}
}
