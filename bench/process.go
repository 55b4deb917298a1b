package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU time in /proc, on every Linux.
const clockTick = time.Second / 100

// cpuTime is what the process has used so far, user and system together.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	// The name in parentheses may hold anything; utime and stime are the 12th
	// and 13th field after it.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading CPU time: %d fields in stat", len(fields))
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading CPU time: %w", err)
		}
		sum += time.Duration(n) * clockTick
	}
	return sum, nil
}

// peakMemory is the largest resident size that the process had, in bytes, since its
// start or the last [forgetPeak].
func peakMemory(pid int) (int64, error) { return memoryLine(pid, "VmHWM:") }

// memory is the process's resident size now, in bytes.
func memory(pid int) (int64, error) { return memoryLine(pid, "VmRSS:") }

// forgetPeak makes the process's largest resident size the one that it has now.
func forgetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("forgetting peak memory: %w", err)
	}
	return nil
}

func memoryLine(pid int, name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("reading memory: no %s of process %d", name, pid)
}
