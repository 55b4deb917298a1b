package live

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram has eight buckets for each power of two of microseconds, so that a
// quantile is right to about 6 %.
const (
	subBits = 3
	perTwo  = 1 << subBits
	// maxTwo is the power of two past which everything is in the last bucket: 35
	// minutes.
	maxTwo  = 31
	buckets = (maxTwo - subBits + 1) * perTwo
)

// histogram counts durations. It is safe for concurrent use; its zero value is empty.
type histogram struct{ counts [buckets]atomic.Uint32 }

func (h *histogram) observe(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

func bucketOf(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < perTwo {
		return int(us)
	}
	two := bits.Len64(us) - 1 // us is at least 1<<two
	if two >= maxTwo {
		return buckets - 1
	}
	return (two-subBits+1)*perTwo + int(us>>(two-subBits))&(perTwo-1)
}

// middle is the middle of a bucket, in milliseconds.
func middle(bucket int) float64 {
	if bucket < perTwo {
		return (float64(bucket) + 0.5) / 1000
	}
	shift := bucket/perTwo - 1
	low := float64(uint64(perTwo+bucket%perTwo) << shift)
	return (low + float64(uint64(1)<<shift)/2) / 1000
}

// spread is what a histogram held at one moment, or between two. Counts wrap around,
// so that a difference is right even when the histogram is full.
type spread [buckets]uint32

func (h *histogram) read(to *spread) {
	for i := range h.counts {
		to[i] = h.counts[i].Load()
	}
}

// since is what came since before.
func (s *spread) since(before *spread) spread {
	var d spread
	for i := range s {
		d[i] = s[i] - before[i]
	}
	return d
}

func (s *spread) add(more *spread) {
	for i := range s {
		s[i] += more[i]
	}
}

// quantile is the q-th of it in milliseconds; NaN of nothing.
func (s *spread) quantile(q float64) float64 {
	var n uint64
	for _, c := range s {
		n += uint64(c)
	}
	if n == 0 {
		return math.NaN()
	}
	rank, seen := uint64(math.Ceil(q*float64(n))), uint64(0)
	for i, c := range s {
		if seen += uint64(c); seen >= max(rank, 1) {
			return middle(i)
		}
	}
	return middle(buckets - 1)
}
