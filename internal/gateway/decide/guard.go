package decide

import (
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// How long and of how many questions the signature is known.
const (
	guardFor  = 10 * time.Minute
	guardSize = 1 << 16
)

// guards knows which signature came with which body. In memory alone: a question
// leaves nothing behind, so that the worst of one that is asked again after a restart
// is that it is answered.
type guards struct {
	mu   sync.Mutex
	sums *shelf[event.Key]
}

func newGuards() *guards { return &guards{sums: newShelf[event.Key](guardSize, 0)} }

// replayed reports whether the signature came before with something else.
func (g *guards) replayed(guard gateway.Guard, now time.Time) bool {
	if guard.IsZero() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	sum, ok := g.sums.get(guard.Key, now)
	if !ok {
		g.sums.put(guard.Key, guard.Sum, 0, now, now.Add(guardFor))
		return false
	}
	return sum != guard.Sum
}
