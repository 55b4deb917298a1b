package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// Start is where in the journal an endpoint begins that was not there before. The
// zero value is now: it gets what is kept from then on. However far back it lies,
// an endpoint begins no earlier than its backlog's bounds reach.
type Start struct {
	// Beginning is everything that the journal still has.
	Beginning bool
	// At is what was kept at that time and later; a time to come is now.
	At time.Time
}

func (s Start) validate() error {
	if s.Beginning && !s.At.IsZero() {
		return fmt.Errorf("it starts at the beginning and at %v, want one of them", s.At)
	}
	return nil
}

// StartPage returns the page at which e would begin now if it were new: the one to
// count from ([Deliverer.Count]) before it is added.
func (d *Deliverer) StartPage(ctx context.Context, e Endpoint) (uint64, error) {
	first, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the journal's bounds: %w", err)
	}
	seq := last + 1
	switch {
	case e.Start.Beginning:
		seq = first
	case !e.Start.At.IsZero():
		at, err := d.cfg.Journal.SeqAt(ctx, e.Start.At)
		switch {
		case err == nil:
			seq = at
		case !errors.Is(err, gateway.ErrNoPage):
			return 0, fmt.Errorf("looking for %v in the journal: %w", e.Start.At, err)
		}
	}
	if seq > last {
		return seq, nil
	}
	// What lies further back would only expire; until all of it is read it would
	// count as unfinished, and a journal full of history for full.
	return d.cutoffs().below(ctx, e.MaxBacklogAge, e.MaxBacklogBytes, seq, last)
}

// begin sets the position of an endpoint that was not there before.
func (d *Deliverer) begin(ctx context.Context, r *runner) error {
	seq, err := d.StartPage(ctx, r.Endpoint)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = gateway.NewPos(seq, 0) - 1
	r.dirty = true
	return nil
}
