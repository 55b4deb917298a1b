package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imhook/imhook/internal/gateway"
)

// aheadPart is what an endpoint's record says of the events that went ahead.
type aheadPart struct {
	Taken takenRecord
	// Order is the order in which those that are open went ahead: they go on in the
	// same one. Zero means that they wait for the reader.
	Order aheadOrder
}

// aheadOrder is an [Order] in the record. Append only.
type aheadOrder uint8

const (
	aheadConversation aheadOrder = 1
	aheadNone         aheadOrder = 2
)

func (o Order) ahead() aheadOrder {
	switch o {
	case OrderConversation:
		return aheadConversation
	case OrderNone:
		return aheadNone
	}
	return 0
}

// aheadPart is the record's part while the endpoint has read up to read. Call with mu.
func (r *runner) aheadPart(read gateway.Pos) aheadPart {
	p := aheadPart{Taken: r.ahead.taken.record(), Order: r.Order.ahead()}
	if n := len(r.again); n > 0 && r.again[n-1].Pos > read {
		p.Order = 0
	}
	return p
}

// mustWait returns those of p's open events that went ahead in another order than the
// endpoint has now: others that wait for the reader may have to go before them. Call
// with mu.
func (r *runner) mustWait(p position) []openEvent {
	if p.Ahead.Order == r.Order.ahead() && r.goesAhead() {
		return nil
	}
	n := len(p.Open)
	for n > 0 && p.Open[n-1].Pos > p.Read && !p.Live {
		n--
	}
	return p.Open[n:]
}

// aheadPrefix is what the keys of full chunks begin with: then number and endpoint.
const aheadPrefix = "deliver.ahead."

func aheadKey(id string, n uint64) string { return fmt.Sprintf("%s%d.%s", aheadPrefix, n, id) }

// takenOf is what the endpoint took ahead of its reader. When some of it is missing all
// of it is forgotten, and delivered again.
func (d *Deliverer) takenOf(id string, p *position, saved map[string][]byte) taken {
	if len(p.Ahead.Taken.Last) == 0 {
		return taken{}
	}
	t, err := restoreTaken(p.Ahead.Taken, func(n uint64) []byte {
		key := aheadKey(id, n)
		b := saved[key]
		delete(saved, key)
		return b
	})
	if err != nil {
		d.cfg.Log.Error("what an endpoint got before its backlog was lost, it gets it again", "endpoint", id, "err", err)
		t = taken{first: p.Ahead.Taken.First + uint64(p.Ahead.Taken.Full) + 1}
		p.Ahead = aheadPart{}
		p.Open = slices.DeleteFunc(p.Open, func(o openEvent) bool { return o.Pos > p.Read && !p.Live })
	}
	return t
}

// dropStray drops the full chunks that no endpoint's record speaks of any more: those
// that are still in saved.
func (d *Deliverer) dropStray(ctx context.Context, saved map[string][]byte) {
	for key := range saved {
		if !strings.HasPrefix(key, aheadPrefix) {
			continue
		}
		if err := d.cfg.Journal.Drop(ctx, key); err != nil {
			d.cfg.Log.Warn("dropping a record that is not needed any more failed", "key", key, "err", err)
			return
		}
	}
}

// saveRecord writes an endpoint's record, after the chunks that it speaks of.
func (d *Deliverer) saveRecord(ctx context.Context, id string, chunks map[uint64][]byte, record []byte) error {
	for n, b := range chunks {
		if err := d.cfg.Journal.Save(ctx, aheadKey(id, n), b); err != nil {
			return err
		}
	}
	return d.cfg.Journal.Save(ctx, endpointPrefix+id, record)
}

// saved notes that a record was written that begins with chunk first, and drops those
// before it. Call with mu, which guards t and is given up meanwhile.
func (d *Deliverer) saved(ctx context.Context, id string, t *taken, chunks map[uint64][]byte, first uint64, mu *sync.Mutex) {
	for n := range chunks {
		t.savedTo = max(t.savedTo, n+1)
	}
	from, to := t.droppedTo, min(first, t.savedTo)
	t.droppedTo = max(from, first)
	if from >= to {
		return
	}
	mu.Unlock()
	defer mu.Lock()
	for n := from; n < to; n++ {
		if err := d.cfg.Journal.Drop(ctx, aheadKey(id, n)); err != nil {
			// It is found and dropped at the next start.
			d.cfg.Log.Warn("dropping a record that is not needed any more failed", "endpoint", id, "err", err)
			return
		}
	}
}
