package wordlist

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// someWords are n different words, three of four of them Chinese, with the skew of
// real ones.
func someWords(n int) []string {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same ones each time
	known := map[string]bool{}
	var all []string
	for len(all) < n {
		var b strings.Builder
		if r.IntN(4) == 0 {
			for range 4 + r.IntN(6) {
				b.WriteByte(byte('a' + r.IntN(26))) //nolint:gosec // below 26
			}
		} else {
			b.WriteString(ideographs(r, 2+r.IntN(4)))
		}
		if w := b.String(); !known[w] {
			known[w] = true
			all = append(all, w)
		}
	}
	return all
}

func ideographs(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteRune(0x4e00 + rune(r.ExpFloat64()*600)%8000)
	}
	return b.String()
}

// someText is a message of n characters, a sentence in two languages over and over.
func someText(n int) string {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same one each time
	var b strings.Builder
	for i := 0; i < n; {
		piece := ideographs(r, 7) + "，"
		if r.IntN(3) == 0 {
			piece = "see you at eight "
		}
		b.WriteString(piece)
		i += len([]rune(piece))
	}
	return string([]rune(b.String())[:n])
}

var sizes = []int{10, 100_000}

// BenchmarkAsk is a message of 60 characters without a hit, the usual case.
func BenchmarkAsk(b *testing.B) {
	for _, n := range sizes {
		l, err := New(Config{Words: someWords(n)})
		if err != nil {
			b.Fatal(err)
		}
		for name, text := range map[string]string{"no-hit": clean(l, someText(60)), "hit": clean(l, someText(60)) + " " + someWords(1)[0]} {
			q := gateway.Question{Event: &event.Event{Type: event.MessageSend, Message: &event.Message{Text: text}}}
			b.Run(fmt.Sprintf("words=%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					l.Ask(b.Context(), q)
				}
			})
		}
		_ = l.Close()
	}
}

// clean is a text without the words in it.
func clean(l *List, text string) string {
	return l.current.Load().masked(text, '。')
}

// BenchmarkFind is beside the plain loop over the words, which folds nothing.
func BenchmarkFind(b *testing.B) {
	for _, n := range sizes {
		words := someWords(n)
		s := newSet(b, words...)
		for _, length := range []int{60, 1000} {
			text := someText(length)
			b.Run(fmt.Sprintf("words=%d/chars=%d/by=list", n, length), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.find(text, func(int32, []point, int, int) {})
				}
			})
			b.Run(fmt.Sprintf("words=%d/chars=%d/by=contains", n, length), func(b *testing.B) {
				for b.Loop() {
					for _, w := range words {
						_ = strings.Contains(text, w)
					}
				}
			})
		}
	}
}

// BenchmarkCompile is what a changed file costs.
func BenchmarkCompile(b *testing.B) {
	for _, n := range sizes {
		file := []byte(strings.Join(someWords(n), "\n"))
		b.Run(fmt.Sprintf("words=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				all, err := read("words.txt", file, Mask)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := compile(all); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(inForce(b, file), "B-in-force")
		})
	}
}

// inForce is the memory that a list holds on to, in bytes.
func inForce(b *testing.B, file []byte) float64 {
	b.Helper()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	all, err := read("words.txt", file, Mask)
	if err != nil {
		b.Fatal(err)
	}
	s, err := compile(all)
	if err != nil {
		b.Fatal(err)
	}
	after := heap()
	runtime.KeepAlive(s)
	return float64(after) - float64(before)
}
