package deliver

import (
	"errors"
	"sync"
	"testing"

	"github.com/imhook/imhook/internal/gateway"
)

func TestLeaf_ReadsAPageOnceAndKeepsAFew(t *testing.T) {
	t.Parallel()
	var l leaf
	var mu sync.Mutex
	reads := map[uint64]int{}
	get := func(seq uint64, bytes int) {
		p, err := l.get(seq, func() (*gateway.Page, error) {
			mu.Lock()
			defer mu.Unlock()
			reads[seq]++
			return &gateway.Page{Seq: seq, Bytes: bytes}, nil
		})
		if err != nil || p.Seq != seq {
			t.Errorf("page %d is %v (%v)", seq, p, err)
		}
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for seq := range uint64(maxLeafed) {
				get(seq, 1000)
			}
		})
	}
	wg.Wait()
	for seq, n := range reads {
		if n != 1 {
			t.Errorf("page %d was read %d times", seq, n)
		}
	}
	for seq := range uint64(1000) {
		get(1000+seq, maxLeafedBytes/4)
		if l.bytes > maxLeafedBytes || len(l.pages) > maxLeafed {
			t.Fatalf("%d pages with %d bytes are kept", len(l.pages), l.bytes)
		}
	}
	l.clear()
	if get(5, 0); reads[5] != 2 || len(l.pages) != 1 {
		t.Errorf("page 5 was read %d times and %d pages are kept", reads[5], len(l.pages))
	}
}

func TestLeaf_FailureIsNotKept(t *testing.T) {
	t.Parallel()
	var l leaf
	bad := errors.New("bad")
	if _, err := l.get(1, func() (*gateway.Page, error) { return nil, bad }); !errors.Is(err, bad) {
		t.Errorf("%v, want the failure", err)
	}
	p, err := l.get(1, func() (*gateway.Page, error) { return &gateway.Page{Seq: 1}, nil })
	if err != nil || p.Seq != 1 || len(l.pages) != 1 {
		t.Errorf("%v (%v), want page 1", p, err)
	}
}
