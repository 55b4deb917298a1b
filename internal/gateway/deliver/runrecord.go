package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway"
)

// runVersion is the first byte of a run's record. Append only.
const runVersion = 1

var errRun = errors.New("record of a run is damaged")

// runHead is what the record of a run says beside its position. Append only.
type runHead struct {
	gateway.Run
	State     gateway.RunState `json:"state"`
	Note      string           `json:"note,omitzero"`
	From      uint64           `json:"from"`
	End       uint64           `json:"end"`
	Selected  int              `json:"selected"`
	Delivered int              `json:"delivered"`
	Parked    int              `json:"parked"`
	Trimmed   uint64           `json:"trimmed,omitzero"`
	At        time.Time        `json:"at,omitzero"`
	EndedAt   time.Time        `json:"endedAt,omitzero"`
}

// record is what is kept of a run: version, length of the head, head, position.
func (u *rerun) record() ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	place, t := u.place, u.before
	if r := u.runner; r != nil {
		r.mu.Lock()
		r.dirty = false
		place, t = r.position(), u.counted()
		r.mu.Unlock()
	}
	head, err := json.Marshal(runHead{
		Run: u.spec, State: u.state, Note: u.note, From: u.from, End: u.end,
		Selected: t.selected, Delivered: t.delivered, Parked: t.parked, Trimmed: u.trimmed, At: u.at, EndedAt: u.endedAt,
	})
	if err != nil {
		return nil, fmt.Errorf("writing a run: %w", err)
	}
	b := binary.AppendUvarint([]byte{runVersion}, uint64(len(head)))
	return appendPosition(append(b, head...), place), nil
}

// parseRun is the inverse of record.
func parseRun(b []byte) (*rerun, error) {
	if len(b) == 0 || b[0] != runVersion {
		return nil, fmt.Errorf("%w, or written by a newer imhook", errRun)
	}
	n, k := binary.Uvarint(b[1:])
	if k <= 0 || n > uint64(len(b)-1-k) {
		return nil, errRun
	}
	head, rest := b[1+k:1+k+int(n)], b[1+k+int(n):]
	var h runHead
	if err := json.Unmarshal(head, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", errRun, err)
	}
	place, err := parsePosition(rest)
	if err != nil {
		return nil, err
	}
	return &rerun{
		spec: h.Run, from: h.From, end: h.End, ended: make(chan struct{}), state: h.State, note: h.Note,
		at: h.At, endedAt: h.EndedAt, trimmed: h.Trimmed, place: place, before: tally{h.Selected, h.Delivered, h.Parked},
	}, nil
}

// saveRun keeps the run's record.
func (d *Deliverer) saveRun(ctx context.Context, u *rerun) error {
	b, err := u.record()
	if err == nil {
		err = d.cfg.Journal.Save(ctx, runPrefix+u.spec.ID, b)
	}
	if err != nil {
		u.mu.Lock()
		if r := u.runner; r != nil {
			r.mu.Lock()
			r.dirty = true
			r.mu.Unlock()
		}
		u.mu.Unlock()
		return fmt.Errorf("saving run %s: %w", u.spec.ID, err)
	}
	return nil
}

// restoreRuns takes up the runs that were there before a restart.
func (d *Deliverer) restoreRuns(saved map[string][]byte) {
	for key, b := range saved {
		if !strings.HasPrefix(key, runPrefix) {
			continue
		}
		u, err := parseRun(b)
		if err != nil {
			d.cfg.Log.Warn("record of a run cannot be read, the run is left out", "key", key, "err", err)
			continue
		}
		if u.state.Over() {
			close(u.ended)
		}
		d.runs.all = append(d.runs.all, u)
	}
	slices.SortFunc(d.runs.all, func(a, b *rerun) int { return strings.Compare(a.spec.ID, b.spec.ID) })
}

// saveRuns keeps where those stand that are not over.
func (d *Deliverer) saveRuns(ctx context.Context) error {
	d.runs.mu.Lock()
	all := slices.Clone(d.runs.all)
	d.runs.mu.Unlock()
	for _, u := range all {
		if u.over() {
			continue
		}
		if err := d.saveRun(ctx, u); err != nil {
			return err
		}
	}
	return nil
}
