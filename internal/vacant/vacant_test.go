package vacant_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/imhook/imhook/internal/vacant"
)

func TestAddr_IsGivenOnceAndCanBeListenedAt(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	given := map[string]bool{}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			addr, err := vacant.Addr(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if given[addr] {
				t.Errorf("%s was given twice", addr)
			}
			given[addr] = true
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			_ = l.Close()
		})
	}
	wg.Wait()
}

func TestAddr_SaysWhyThereIsNone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if addr, err := vacant.Addr(ctx); err == nil {
		t.Errorf("Addr = %s with a context that is done", addr)
	}
}
