package decide

import (
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
type guards struct{ sums *shelves[event.Key] }

func newGuards() *guards { return &guards{sums: newShelves[event.Key](guardSize, 0)} }

// replayed reports whether the signature came before with something else.
func (g *guards) replayed(guard gateway.Guard, now time.Time) bool {
	if guard.IsZero() {
		return false
	}
	sum, _ := g.sums.of(guard.Key).meet(guard.Key, guard.Sum, now, now.Add(guardFor))
	return sum != guard.Sum
}
