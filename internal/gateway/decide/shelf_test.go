package decide

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// TestShelf_DoesWhatAListDoes compares with a plain list that is searched from the
// front.
func TestShelf_DoesWhatAListDoes(t *testing.T) {
	t.Parallel()
	type shelved struct {
		key           event.Key
		value, weight int
		until         time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		const size, room = 4, 10
		s := newShelf[int](size, room)
		var list []shelved
		now := time.Now()
		index := func(key event.Key) int {
			return slices.IndexFunc(list, func(x shelved) bool { return x.key == key })
		}
		drop := func(i int) { list = slices.Delete(list, i, i+1) }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := event.Hash(strconv.Itoa(rapid.IntRange(0, 6).Draw(t, "key")))
			switch rapid.SampledFrom([]string{"put", "put", "get", "take", "change", "later"}).Draw(t, "step") {
			case "put":
				x := shelved{key, rapid.Int().Draw(t, "value"), rapid.IntRange(0, 12).Draw(t, "weight"), now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "for")))}
				s.put(x.key, x.value, x.weight, now, x.until)
				for range 2 {
					if len(list) > 0 && !now.Before(list[0].until) {
						drop(0)
					}
				}
				if i := index(key); i >= 0 {
					drop(i)
				}
				if x.weight > room {
					break
				}
				sum := func() (n int) {
					for _, y := range list {
						n += y.weight
					}
					return n
				}
				for len(list) >= size || sum()+x.weight > room {
					drop(0)
				}
				list = append(list, x)
			case "get":
				got, ok := s.get(key, now)
				i := index(key)
				if i >= 0 && !now.Before(list[i].until) {
					drop(i)
					i = -1
				}
				if ok != (i >= 0) || ok && got != list[i].value {
					t.Fatalf("get = %d, %t; the list has it at %d: %v", got, ok, i, list)
				}
			case "take":
				s.take(key)
				if i := index(key); i >= 0 {
					drop(i)
				}
			case "change":
				v := rapid.Int().Draw(t, "value")
				s.change(key, v)
				if i := index(key); i >= 0 {
					list[i].value = v
				}
			case "later":
				now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")))
			}
			if len(s.places) != len(list) || len(s.slots) > size {
				t.Fatalf("%d places in %d slots, want %d in at most %d", len(s.places), len(s.slots), len(list), size)
			}
		}
	})
}

// BenchmarkShelf is a full one, as it is under load: each put drops the oldest.
func BenchmarkShelf(b *testing.B) {
	s := newShelf[*verdict](againSize, againRoom)
	v, now := allowed(), time.Now()
	keys := make([]event.Key, 1<<18)
	for i := range keys {
		keys[i] = event.Hash(strconv.Itoa(i))
		s.put(keys[i], v, 0, now, now.Add(againFor))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		k := keys[n%len(keys)]
		n++
		if _, ok := s.get(k, now); !ok {
			s.put(k, v, 0, now, now.Add(againFor))
		}
	}
}
