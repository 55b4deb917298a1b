package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// pageOf encodes records as a commit does.
func pageOf(rs ...record) []byte {
	b := newPage(nil)
	for _, r := range rs {
		if r.ev == nil {
			b = appendMark(b, r.guard)
		} else {
			b = appendRecord(b, r)
		}
	}
	return sealPage(b, len(rs), 7)
}

func seedPages() [][]byte {
	bare := &event.Event{Phase: event.After}
	before := sample(3)
	before.Phase, before.Echo, before.Time = event.Before, true, time.Time{}
	mark := record{guard: gateway.Guard{Key: event.Hash("k"), Sum: event.Hash("s")}}
	return [][]byte{
		pageOf(),
		pageOf(mark),
		pageOf(record{ev: bare}),
		pageOf(mark, record{ev: sample(1), key: event.Hash("a")}, record{ev: before}, mark, record{ev: sample(2)}),
	}
}

// keysOf lists the keys and guards of records, and skim those that skimPage finds.
func keysOf(rs []record) (keys []event.Key) {
	for _, r := range rs {
		if r.ev == nil {
			keys = append(keys, r.guard.Key, r.guard.Sum)
		} else if r.key != (event.Key{}) {
			keys = append(keys, r.key)
		}
	}
	return keys
}

func skim(b []byte) (keys []event.Key, err error) {
	err = skimPage(b,
		func(k event.Key) {
			if k != (event.Key{}) { // no key is all zeros but by a fuzzer's hand
				keys = append(keys, k)
			}
		},
		func(g gateway.Guard) { keys = append(keys, g.Key, g.Sum) })
	return keys, err
}

// FuzzPage: any bytes give records or an error; what was read once is written and
// read the same again.
func FuzzPage(f *testing.F) {
	for _, p := range seedPages() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := parsePage(b, &interner{})
		if keys, skimErr := skim(b); (err == nil) != (skimErr == nil) {
			t.Errorf("reading says %v, skimming says %v", err, skimErr)
		} else if diff := cmp.Diff(keysOf(rs), keys, cmpopts.EquateEmpty()); err == nil && diff != "" {
			t.Errorf("keys read and skimmed differ (-read +skimmed):\n%s", diff)
		}
		if err != nil {
			if rs != nil {
				t.Errorf("an error and %d records", len(rs))
			}
			if !errors.Is(err, ErrPage) {
				t.Errorf("error %v does not wrap ErrPage", err)
			}
			return
		}
		again, err := parsePage(pageOf(rs...), &interner{})
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(rs, again, cmp.AllowUnexported(record{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read, written and read again (-first +second):\n%s", diff)
		}
	})
}

func TestParsePage_RefusesWhatItCannotKnow(t *testing.T) {
	t.Parallel()
	whole := seedPages()[3]
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), whole...)) }
	for _, c := range []struct {
		name string
		page []byte
		want error
	}{
		{"nothing", nil, ErrPage},
		{"head only", whole[:pageHead], ErrPage},
		{"cut short", whole[:len(whole)-1], ErrPage},
		{"something behind", change(func(b []byte) []byte { return append(b, 0) }), ErrPage},
		{"newer version", change(func(b []byte) []byte { b[0]++; return b }), ErrNewer},
		{"unknown flag", change(func(b []byte) []byte { b[pageHead] |= 1 << 2; return b }), ErrPage},
		{"more records than bytes", append(sealPage(newPage(nil), 0xffff, 0), 0), ErrPage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parsePage(c.page, &interner{}); !errors.Is(err, c.want) {
				t.Errorf("parsePage = %v, want %v", err, c.want)
			}
		})
	}
}

func TestParsePage_BodiesAreNotCopied(t *testing.T) {
	t.Parallel()
	page := pageOf(record{ev: sample(1)})
	rs, err := parsePage(page, &interner{})
	if err != nil {
		t.Fatal(err)
	}
	body := rs[0].ev.Raw.Body
	page[len(page)-len(body)] ^= 1
	if body[0] != sample(1).Raw.Body[0]^1 {
		t.Error("the body is a copy")
	}
	if cap(body) != len(body) {
		t.Error("appending to the body would write into the page")
	}
}
