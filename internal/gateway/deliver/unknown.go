package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/imhook/imhook/internal/gateway"
)

// oldestUnfinished is the first page that some endpoint may not be done with, by what the
// journal remembers beside the positions; first is the journal's own first page.
func (d *Deliverer) oldestUnfinished(first uint64) uint64 {
	floor, _ := d.cfg.Journal.Known()
	return max(first, floor)
}

// tailFrom is how far the tail had read. From a record that cannot be read it goes on
// where every endpoint was done: those that were further pass over what they know.
func (d *Deliverer) tailFrom(saved map[string][]byte, first, last uint64) gateway.Pos {
	end := gateway.NewPos(last+1, 0) - 1
	tail := end
	if b, ok := saved[tailKey]; ok {
		v, n := binary.Uvarint(b)
		if n > 0 {
			// A journal that lost its end begins again below the saved position.
			tail = min(end, gateway.Pos(v))
		} else {
			from := d.oldestUnfinished(first)
			d.cfg.Log.Error("the record of how far the journal was read is damaged: it is read again, and what was delivered since may be delivered again",
				"fromPage", from, "toPage", last, "pages", last+1-min(from, last+1))
			tail = min(end, gateway.NewPos(from, 0)-1)
		}
	}
	return max(tail, gateway.NewPos(first, 0)-1)
}

// found is what became of an endpoint's record.
type found int

const (
	absent found = iota // there was none: the endpoint is new
	whole
	lost // there was one, and it cannot be read
)

// positionOf returns the endpoint's position, if it has one. One that is lost or damaged begins at the oldest page that some endpoint was
// not done with: it gets twice what it had of that, and misses nothing. An error is a
// record that must not be passed over, as a newer imhook's.
func (d *Deliverer) positionOf(id string, saved map[string][]byte, first, last uint64) (position, found, error) {
	b, known := saved[endpointPrefix+id]
	why := "it is missing, though the journal had it"
	if known {
		p, err := parsePosition(b)
		if err == nil || !errors.Is(err, errPosition) {
			return p, whole, err
		}
		why = fmt.Sprintf("it is damaged (%d bytes)", len(b))
	} else if _, gone := d.cfg.Journal.Known(); !gone {
		return position{}, absent, nil
	}
	from := d.oldestUnfinished(first)
	d.cfg.Log.Error("the position of an endpoint cannot be read: it begins where every endpoint was done, and what it got since is delivered again; a pause is forgotten",
		"endpoint", id, "why", why, "fromPage", from, "toPage", last, "pages", last+1-min(from, last+1))
	return position{Read: gateway.NewPos(from, 0) - 1}, lost, nil
}

// boundLost moves a position that was lost up to what the endpoint's backlog may hold.
func (d *Deliverer) boundLost(ctx context.Context, r *runner, p *position, last uint64) error {
	seq := (p.Read + 1).Seq()
	if seq > last {
		return nil
	}
	below, err := d.cutoffs().below(ctx, r.MaxBacklogAge, r.MaxBacklogBytes, seq, last)
	if err != nil {
		return err
	}
	p.Read = gateway.NewPos(below, 0) - 1
	return nil
}
