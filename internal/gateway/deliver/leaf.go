package deliver

import (
	"slices"
	"sync"

	"github.com/imhook/imhook/internal/gateway"
)

// leaf keeps the pages that events were last read again from: when an endpoint comes
// back, what waits in its lanes is read again event by event, in about the order in
// which it lies in the journal. The zero value is empty. Safe for concurrent use.
type leaf struct {
	mu    sync.Mutex
	pages []*leafed // the one that was used last is last
	bytes int
}

// leafed is a page, or where it will be.
type leafed struct {
	seq uint64
	// there is closed when page or err is.
	there chan struct{}
	page  *gateway.Page
	err   error
	// size is zero until the page is there. Guarded by leaf.mu.
	size int
}

// Bounds of what is kept of an endpoint's pages.
const (
	maxLeafed      = 64
	maxLeafedBytes = 8 << 20
)

// get returns page seq, which read reads; who asks at the same time waits for it. What
// cannot be read is not kept.
func (l *leaf) get(seq uint64, read func() (*gateway.Page, error)) (*gateway.Page, error) {
	l.mu.Lock()
	i := slices.IndexFunc(l.pages, func(p *leafed) bool { return p.seq == seq })
	var p *leafed
	if i >= 0 {
		p = l.pages[i]
		l.pages = append(append(l.pages[:i], l.pages[i+1:]...), p)
	} else {
		p = &leafed{seq: seq, there: make(chan struct{})}
		l.pages = append(l.pages, p)
	}
	l.mu.Unlock()
	if i >= 0 {
		<-p.there
		return p.page, p.err
	}
	p.page, p.err = read()
	close(p.there)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.pages, p)
	switch {
	case at < 0: // forgotten meanwhile
	case p.err != nil:
		l.pages = slices.Delete(l.pages, at, at+1)
	default:
		p.size = max(1, p.page.Bytes)
		l.bytes += p.size
	}
	for len(l.pages) > 1 && (len(l.pages) > maxLeafed || l.bytes > maxLeafedBytes) {
		l.bytes -= l.pages[0].size
		l.pages = slices.Delete(l.pages, 0, 1)
	}
	return p.page, p.err
}

// clear forgets all pages.
func (l *leaf) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages, l.bytes = nil, 0
}
