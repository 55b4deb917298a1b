package journal

import (
	"sync"

	"github.com/imhook/imhook/internal/gateway"
)

// recent holds the last pages as they were committed, so that readers at the end
// of the journal need neither the engine nor to read a page's bytes again.
type recent struct {
	mu    sync.Mutex
	pages []*gateway.Page // ascending
	bytes int
	last  uint64 // the last page that was committed here; 0 when none was
	// changed is closed when a page was added, or everything forgotten.
	changed chan struct{}
}

// recentBytes bounds what is held.
const recentBytes = 4 << 20

func (r *recent) add(p *gateway.Page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages = append(r.pages, p)
	r.bytes += p.Bytes
	r.last = p.Seq
	for r.bytes > recentBytes && len(r.pages) > 1 {
		r.bytes -= r.pages[0].Bytes
		r.pages[0] = nil
		r.pages = r.pages[1:]
	}
	r.tell()
}

// forget drops everything: the engine may count anew.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages, r.bytes, r.last = nil, 0, 0
	r.tell()
}

// tell wakes those who wait. Call with mu.
func (r *recent) tell() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// page returns page seq if it is held. Otherwise end says that seq is the page
// after the last one, and changed is closed when that may no longer be so.
func (r *recent) page(seq uint64) (p *gateway.Page, end bool, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.pages); n > 0 && seq >= r.pages[0].Seq && seq <= r.last {
		// Sequences are dense but for a page whose commit was given up and that was
		// stored all the same; so the place is at most this one.
		for i := min(n-1, int(seq-r.pages[0].Seq)); i >= 0 && r.pages[i].Seq >= seq; i-- {
			if r.pages[i].Seq == seq {
				return r.pages[i], false, nil
			}
		}
	}
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return nil, r.last > 0 && seq == r.last+1, r.changed
}
