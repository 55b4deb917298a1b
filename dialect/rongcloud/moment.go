package rongcloud

import "time"

// firstMilli is where numbers are taken for milliseconds: as seconds it lies in
// the year 5138, as milliseconds in 1973.
const firstMilli = 100_000_000_000

// lastMilli is the end of the year 9999, the last that a CloudEvents time can
// name.
const lastMilli = 253402300799999

// moment is the time that a number names, in seconds or in milliseconds by
// magnitude. Zero is the zero time; false for what no time can be.
func moment(n int64) (time.Time, bool) {
	switch {
	case n == 0:
		return time.Time{}, true
	case n < 0 || n > lastMilli:
		return time.Time{}, false
	case n < firstMilli:
		return time.Unix(n, 0).UTC(), true
	}
	return time.UnixMilli(n).UTC(), true
}

// time takes a time; a number that cannot be one is not read.
func (o *object) time(name string) time.Time {
	n, _ := o.number(name)
	t, ok := moment(n)
	if !ok {
		o.fail(name)
	}
	return t
}

// milli is t in Unix milliseconds; the zero time is 0, as the wire has no null.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
