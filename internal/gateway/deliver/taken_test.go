package deliver

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/internal/gateway"
)

// positions returns what is in the queue.
func (t *taken) positions() []gateway.Pos {
	var all []gateway.Pos
	w := t.walk()
	for w.more {
		all = append(all, w.at)
		w.has(w.at + 1)
	}
	return all
}

// TestTaken_IsAQueueThatSurvivesItsRecords compares with a slice, across records that
// are written as the deliverer does, and crashes between any two of them.
func TestTaken_IsAQueueThatSurvivesItsRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q taken
		var want, savedWant []gateway.Pos
		var rec takenRecord
		keys, done := map[uint64][]byte{}, map[uint64]bool{}
		read, last := gateway.Pos(0), gateway.NewPos(3, 0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1, 2:
				step := rapid.SampledFrom([]gateway.Pos{1, 3, 1 << 16, 5 << 30}).Draw(t, "step")
				for range rapid.IntRange(1, 9000).Draw(t, "how many") {
					last += step
					q.add(last)
					want = append(want, last)
				}
			case 3:
				if len(want) > 0 {
					read = want[rapid.IntRange(0, len(want)-1).Draw(t, "pass")] - gateway.Pos(rapid.IntRange(0, 1).Draw(t, "before"))
					_, is := slices.BinarySearch(want, read)
					if got := q.pass(read); got != is {
						t.Fatalf("pass(%d) is %v, want %v", read, got, is)
					}
					want = slices.DeleteFunc(slices.Clone(want), func(p gateway.Pos) bool { return p <= read })
				}
			case 4: // save, perhaps not to the end
				r, first := q.record(), q.first
				for n, b := range q.unsaved() {
					if done[n] {
						t.Fatalf("chunk %d is written twice", n)
					}
					keys[n] = slices.Clone(b)
					if len(b) > chunkBytes+10 {
						t.Fatalf("chunk of %d bytes", len(b))
					}
				}
				if rapid.Bool().Draw(t, "crash before the record") {
					break
				}
				for n := range q.unsaved() {
					q.savedTo = max(q.savedTo, n+1)
					done[n] = true
				}
				rec, savedWant = r, want
				for n := range keys {
					if n < first {
						delete(keys, n)
					}
				}
			case 5: // crash
				q = taken{}
				want = savedWant
				if len(rec.Last) > 0 {
					var err error
					if q, err = restoreTaken(rec, func(n uint64) []byte { return keys[n] }); err != nil {
						t.Fatal(err)
					}
				}
				for n := range keys {
					if n >= rec.First+uint64(rec.Full) {
						delete(keys, n)
						delete(done, n)
					}
				}
				if len(want) > 0 {
					q.pass(want[0] - 1)
					last = max(want[len(want)-1], read)
				} else {
					q.pass(^gateway.Pos(0))
				}
			case 6:
				if len(want) > 0 && rapid.IntRange(0, 4).Draw(t, "cut") == 0 {
					end := want[rapid.IntRange(0, len(want)-1).Draw(t, "end")]
					q.cut(end)
					want = slices.DeleteFunc(slices.Clone(want), func(p gateway.Pos) bool { return p > end })
				}
			}
			if q.n != len(want) {
				t.Fatalf("%d positions, want %d", q.n, len(want))
			}
			bytes := 0
			for _, c := range q.chunks {
				bytes += len(c.b)
			}
			if bytes != q.bytes {
				t.Fatalf("counts %d bytes, has %d", q.bytes, bytes)
			}
		}
		if diff := cmp.Diff(want, q.positions()); diff != "" && len(want)+q.n > 0 {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestTaken_DamagedChunksAreFound(t *testing.T) {
	t.Parallel()
	var q taken
	for i := range gateway.Pos(20_000) {
		q.add(gateway.NewPos(1+uint64(i), 7))
	}
	rec := q.record()
	if rec.Full == 0 {
		t.Fatal("there is no full chunk")
	}
	good := q.unsaved()
	for name, full := range map[string]func(uint64) []byte{
		"missing":  func(uint64) []byte { return nil },
		"torn":     func(n uint64) []byte { return append(good[n][:len(good[n])-1:len(good[n])-1], 0x80) },
		"repeated": func(uint64) []byte { return good[0] },
	} {
		if _, err := restoreTaken(rec, full); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
	if _, err := restoreTaken(rec, func(n uint64) []byte { return good[n] }); err != nil {
		t.Error(err)
	}
}
