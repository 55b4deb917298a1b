package history

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// newIdle returns a function that says how many processors were idle since it was last
// asked: of the machine, and of those that this process may use, whichever is less.
func newIdle() func() float64 {
	var machine, own meter
	return func() float64 {
		now := time.Now()
		idle := processors()
		if used, ok := ownTime(); ok {
			idle -= own.rate(now, used.Seconds())
		}
		if free, ok := machineIdle(); ok {
			if rate := machine.rate(now, free); rate < idle {
				idle = rate
			}
		}
		return max(0, idle)
	}
}

// meter is the rate of something that grows.
type meter struct {
	at time.Time
	n  float64
}

// rate is how much it grew a second since it was last asked; 0 at first.
func (m *meter) rate(now time.Time, n float64) float64 {
	took, grew := now.Sub(m.at).Seconds(), n-m.n
	first := m.at.IsZero()
	m.at, m.n = now, n
	if first || took <= 0 {
		return 0
	}
	return max(0, grew/took)
}

// ownTime is how much processor time this process has used.
func ownTime() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

// ticks is how many of /proc/stat's units a second has; Linux shows 100 on all machines.
const ticks = 100

// machineIdle is for how many seconds processors were idle, all together.
func machineIdle() (float64, bool) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	// cpu user nice system idle iowait …
	fields := bytes.Fields(line)
	if len(fields) < 6 || string(fields[0]) != "cpu" {
		return 0, false
	}
	sum := 0.0
	for _, f := range fields[4:6] {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return 0, false
		}
		sum += float64(n)
	}
	return sum / ticks, true
}
