package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// LostLetters is where dead letters are missing.
const LostLetters = "letters"

// letterMark is what there was of dead letters when it was written down.
type letterMark struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Count uint64 `json:"count"`
	// Oldest is when the first was kept: past their age the engine drops them itself.
	Oldest time.Time `json:"oldest,omitzero"`
	// Unsure is true while some are being taken away: Count may be too high then.
	Unsure bool `json:"unsure,omitzero"`
}

func markOf(st jetstream.StreamState) letterMark {
	m := letterMark{First: st.FirstSeq, Last: st.LastSeq, Count: st.Msgs}
	if st.Msgs > 0 {
		m.Oldest = st.FirstTime.UTC()
	}
	return m
}

// crowded is the part of their bytes past which the engine may have dropped the oldest
// dead letters itself.
const crowded = 9.0 / 10

// lostLetters compares the dead letters that the engine has with those that there were.
// It counts too few rather than too many: what was kept or taken away in the last moments
// before a crash is not in the mark.
func lostLetters(had letterMark, st jetstream.StreamState, now time.Time) (l Loss, ok bool) {
	short := st.LastSeq < had.Last // the engine never gives a number back by itself
	missing := had.Count - min(had.Count, st.Msgs)
	if short {
		// Some that were taken away may be back, and make up for it in number.
		missing = max(missing, min(had.Count, had.Last-st.LastSeq))
	}
	switch {
	case missing == 0:
		return Loss{}, false
	case short:
	case had.Unsure, now.Sub(had.Oldest) >= deadLettersKept, float64(st.Bytes) >= crowded*deadLetterBytes:
		return Loss{}, false
	}
	return Loss{
		FoundAt: now.UTC(), Where: LostLetters, First: had.First, Last: had.Last, Events: int64(missing), Of: had.Count,
	}, true
}

// reconcileLetters tells which dead letters the engine came back without. On a server
// nothing remembers how many there were.
func (j *Journal) reconcileLetters(ctx context.Context, e *engine) error {
	if j.cfg.external() {
		return nil
	}
	info, err := e.dead.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the state of the dead letters: %w", err)
	}
	j.lettering.Lock()
	defer j.lettering.Unlock()
	l, lost := lostLetters(j.water.get().Letters, info.State, j.cfg.Now())
	j.letters = markOf(info.State)
	if !lost {
		return nil
	}
	j.cfg.Log.Error("journal is damaged", "what", l.String(), "deadLetters", l.Events, "of", l.Of)
	err = j.water.set(j.cfg.Now(), func(r *highWater) {
		r.Letters = j.letters
		r.LostLetters += uint64(l.Events)
		r.Losses = append(slices.Clip(r.Losses), l)
	})
	if err != nil {
		return fmt.Errorf("remembering what is missing: %w", err)
	}
	return nil
}

// noteLetters looks at what there is of dead letters, for the high-water record.
func (j *Journal) noteLetters(ctx context.Context, e *engine) error {
	if j.cfg.external() {
		return nil
	}
	j.lettering.Lock()
	defer j.lettering.Unlock()
	info, err := e.dead.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the state of the dead letters: %w", restarting(err))
	}
	j.letters = markOf(info.State)
	return nil
}

// takeLetter is called before a dead letter is taken away: after a crash it must not be
// told as lost. Call done when it is.
func (j *Journal) takeLetter() (done func(), err error) {
	if j.cfg.external() {
		return func() {}, nil
	}
	j.lettering.Lock()
	if !j.letters.Unsure {
		j.letters.Unsure = true
		if err := j.water.set(j.cfg.Now(), func(r *highWater) { r.Letters.Unsure = true }); err != nil {
			j.letters.Unsure = false
			j.lettering.Unlock()
			return nil, fmt.Errorf("noting that dead letters are taken away: %w", err)
		}
	}
	return j.lettering.Unlock, nil
}
