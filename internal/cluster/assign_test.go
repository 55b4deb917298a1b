package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

func loads(weights [Slices]int, want [Slices]string) map[string]int {
	all := map[string]int{}
	for s, n := range want {
		all[n] += weights[s]
	}
	return all
}

// Whatever comes and goes: every slice has somebody, parts are as even as whole
// slices allow, and nothing moves that need not.
func TestAssign_IsEvenAndMovesLittle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var weights [Slices]int
		heaviest := 0
		for i := range weights {
			weights[i] = rapid.IntRange(0, 3).Draw(t, "weight")
			heaviest = max(heaviest, weights[i])
		}
		nodes := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(1, 5).Draw(t, "nodes")]
		var has [Slices]string
		for i := range has {
			has[i] = rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "gone"}).Draw(t, "has")
		}
		want := assign(weights, has, nodes)
		by := loads(weights, want)
		for s, n := range want {
			if n == "" {
				t.Fatalf("nobody has slice %d", s)
			}
		}
		least, most := 1<<30, 0
		for _, n := range nodes {
			least, most = min(least, by[n]), max(most, by[n])
		}
		if len(by) > len(nodes) || most-least > heaviest {
			t.Fatalf("loads are %v of %v", by, weights)
		}
		if again := assign(weights, want, nodes); again != want {
			t.Fatal("asked again it moves something")
		}
	})
}

func TestAssign_OneMoreTakesItsShareAndNoMore(t *testing.T) {
	t.Parallel()
	var weights [Slices]int
	for i := range weights {
		weights[i] = 1
	}
	two := assign(weights, [Slices]string{}, []string{"a", "b"})
	three := assign(weights, two, []string{"a", "b", "c"})
	moved := 0
	for s := range two {
		if two[s] != three[s] {
			if moved++; three[s] != "c" {
				t.Errorf("slice %d moved from %s to %s", s, two[s], three[s])
			}
		}
	}
	if moved != Slices/3 {
		t.Errorf("%d slices moved, want %d", moved, Slices/3)
	}
	back := assign(weights, three, []string{"a", "b"})
	for s := range back {
		if three[s] != "c" && back[s] != three[s] {
			t.Errorf("slice %d moved although its gateway stayed", s)
		}
	}
}

// What stands here is saved under these names: a change loses positions.
func TestPart_IsPartOfTheFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p      part
		slice  int
		record string
	}{
		{part{"shop/backend", 0, 1}, 22, "deliver.endpoint.shop/backend"},
		{part{"shop/backend", 2, 6}, 24, "deliver.endpoint.shop/backend#3of6"},
		{part{"shop/backend", 31, 32}, 21, "deliver.endpoint.shop/backend#32of32"},
	} {
		if got := c.p.slice(); got != c.slice {
			t.Errorf("%+v lies in slice %d, want %d", c.p, got, c.slice)
		}
		if got := c.p.record(); got != c.record {
			t.Errorf("%+v is saved as %s, want %s", c.p, got, c.record)
		}
		if got, ok := parseRecord(c.record); !ok || got != c.p {
			t.Errorf("parseRecord(%s) = %+v, %v", c.record, got, ok)
		}
		if own, ok := (Layout{c.p.id: c.p.n}).partIn(c.p.id, c.slice); !ok || own != c.p {
			t.Errorf("the part of %s in slice %d is %+v, %v", c.p.id, c.slice, own, ok)
		}
	}
	for _, key := range []string{"deliver.tail", "deliver.endpoint.a/b#0of2", "deliver.endpoint.a/b#3of2", "deliver.endpoint.a/b#1of99", "deliver.endpoint.a/b#x"} {
		if p, ok := parseRecord(key); ok {
			t.Errorf("parseRecord(%s) = %+v", key, p)
		}
	}
	if got := []int{partOf("group:g1", 6), partOf("group:g2", 6), partOf("", 6), partOf("single:a:b", 32)}; fmt.Sprint(got) != "[1 4 2 15]" {
		t.Errorf("lanes are in parts %v", got)
	}
}

// Conversations are spread evenly, also where their names differ in little.
func TestPart_LanesAreEven(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 6, 32} {
		counts := make([]int, n)
		const lanes = 20_000
		for i := range lanes {
			lane := event.NewLane(event.KindGroup, fmt.Sprint("g", i))
			counts[partOf(lane, n)]++
			has := 0
			for p := range n {
				if (part{"a/b", p, n}).has(lane) {
					has++
				}
			}
			if has != 1 {
				t.Fatalf("%s is in %d of %d parts", lane, has, n)
			}
		}
		for p, got := range counts {
			if want := lanes / n; got < want*3/4 || got > want*5/4 {
				t.Errorf("part %d of %d has %d of %d lanes", p, n, got, lanes)
			}
		}
	}
}

// everything picks all of n endpoints.
type everything int

func (n everything) Match(*event.Event) (all []int) {
	for i := range int(n) {
		all = append(all, i)
	}
	return all
}

// An index that kept its answer for the next call lost events: the tail and those who
// look what waits ask it at the same time.
func TestPartIndex_IsAskedByManyAtOnce(t *testing.T) {
	t.Parallel()
	x := &partIndex{Index: everything(3), parts: []part{{"shop/a", 0, 1}, {"shop/b", 1, 2}, {"shop/c", 2, 4}}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				ev := &event.Event{Lane: event.NewLane(event.KindGroup, fmt.Sprint("g", i))}
				var want []int
				for place, p := range x.parts {
					if p.has(ev.Lane) {
						want = append(want, place)
					}
				}
				if got := x.Match(ev); !slices.Equal(got, want) {
					t.Errorf("Match(%s) = %v, want %v", ev.Lane, got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestFingerprint_SaysWhatDiffersInWords(t *testing.T) {
	t.Parallel()
	a := Fingerprint{"endpoint shop/a": "1", "endpoint shop/b": "2", "source shop/wfc": "3"}
	b := Fingerprint{"endpoint shop/a": "1", "source shop/wfc": "4", "hook shop/words": "5"}
	got := a.Against(b)
	want := []string{"endpoint shop/b is missing there", "source shop/wfc is different there", "hook shop/words is there alone"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Against = %q, want %q", got, want)
	}
	if a.Sum() == b.Sum() || a.Sum() != (Fingerprint{"source shop/wfc": "3", "endpoint shop/b": "2", "endpoint shop/a": "1"}).Sum() {
		t.Error("sums do not tell configurations apart")
	}
}

func FuzzUnpack(f *testing.F) {
	good, err := pack(save{Node: "n", Slice: 3, Number: 7, Key: "k", Pieces: 2}, []byte("value"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s save
		body, err := unpack(b, &s)
		if err == nil && len(body) > len(b) {
			t.Errorf("a body of %d bytes in %d", len(body), len(b))
		}
	})
}

// A value that comes in pieces is put together, or not at all.
func TestBoard_PutsPiecesTogether(t *testing.T) {
	t.Parallel()
	b := &board{uploads: map[uploadOf]*upload{}}
	value := make([]byte, 1000)
	for i := range value {
		value[i] = byte(rand.IntN(256))
	}
	give := func(upload uint64, piece int) ([]byte, bool) {
		return b.piece(save{Node: "n", Upload: upload, Piece: piece, Pieces: 4}, value[piece*250:(piece+1)*250])
	}
	give(1, 0)
	give(1, 1) // and no more of it
	for i := range 3 {
		if _, whole := give(2, i); whole {
			t.Fatalf("whole after %d pieces of 4", i+1)
		}
	}
	if got, whole := give(2, 3); !whole || string(got) != string(value) {
		t.Errorf("%d bytes, whole: %v", len(got), whole)
	}
	give(3, 0)
	if got, whole := give(3, 2); whole || got != nil {
		t.Error("a missing piece was not noticed")
	}
	// A gateway saves several slices at once: their pieces come one after the other.
	for i := range 4 {
		for upload := uint64(4); upload < 6; upload++ {
			switch got, whole := give(upload, i); {
			case got == nil:
				t.Fatalf("piece %d of upload %d is said to be missing beside another upload", i, upload)
			case whole != (i == 3):
				t.Errorf("piece %d of 4, whole: %v", i, whole)
			case whole && string(got) != string(value):
				t.Errorf("upload %d is another value", upload)
			}
		}
	}
}
