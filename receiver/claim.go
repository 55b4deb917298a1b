package receiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

const (
	// grace is how much longer than its handler's time an event stays claimed. A handler
	// that goes on after that may meet another one at work.
	grace = time.Minute
	// storeTimeout bounds what is told to a Seen after a handler.
	storeTimeout = 5 * time.Second
	// Who waits for an event that is handled elsewhere asks again after pauses that
	// double between these two.
	pauseFrom = 10 * time.Millisecond
	pauseTo   = 500 * time.Millisecond
)

// claim takes the event of j for this process. When it is not mine, the landing is
// what became of it elsewhere, or the failure to find out in time.
func (rc *Receiver) claim(ctx context.Context, j job) (l landing, mine bool) {
	if j.key == "" {
		return landing{}, true
	}
	lease := time.Until(j.deadline) + grace
	for pause := pauseFrom; ; pause = min(2*pause, pauseTo) {
		note, mine, err := rc.ask(ctx, j, lease)
		if err != nil {
			rc.cfg.Log.Error("what was handled cannot be looked up: the event is handled as if it were new", "source", rc.cfg.Name, "event", j.ev.ID, "err", err)
			return landing{}, true
		}
		if mine {
			return landing{}, true
		}
		if len(note) > 0 {
			v, err := readNote(note)
			if err != nil {
				rc.cfg.Log.Error("what was handled cannot be read: the event is handled as if it were new", "source", rc.cfg.Name, "event", j.ev.ID, "err", err)
				return landing{}, true
			}
			return landing{result: Duplicate, verdict: v}, false
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return landing{result: Late, err: errElsewhere}, false
		}
	}
}

// ask asks the store once. A store that is slow must leave time for the handler.
func (rc *Receiver) ask(ctx context.Context, j job, lease time.Duration) (note []byte, mine bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Until(j.deadline)/2)
	defer cancel()
	err = guarded(func() (err error) {
		note, mine, err = rc.cfg.Seen.Claim(ctx, j.key, lease)
		return err
	})
	return note, mine, err
}

// keep remembers that the event was handled.
func (rc *Receiver) keep(j job, l landing) {
	if j.key == "" {
		return
	}
	note, err := writeNote(l.verdict)
	if err == nil {
		err = guarded(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
			defer cancel()
			return rc.cfg.Seen.Keep(ctx, j.key, note)
		})
	}
	if err != nil {
		rc.cfg.Log.Error("what was handled cannot be remembered: the event is handled again if it comes again", "source", rc.cfg.Name, "event", j.ev.ID, "err", err)
	}
}

// release forgets the event, unless its claim may be another's by now.
func (rc *Receiver) release(j job) {
	if j.key == "" || time.Since(j.deadline) > grace {
		return
	}
	err := guarded(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		return rc.cfg.Seen.Release(ctx, j.key)
	})
	if err != nil {
		rc.cfg.Log.Error("an event cannot be freed: when it comes again it is not handled before its claim lapses", "source", rc.cfg.Name, "event", j.ev.ID, "err", err)
	}
}

// guarded turns a store's panic into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Seen panicked: %v", p)
		}
	}()
	return do()
}

// taken is the note of an event that has no verdict.
const taken = "{}"

func writeNote(v event.Verdict) ([]byte, error) {
	if v.Action == "" {
		return []byte(taken), nil
	}
	return json.Marshal(&v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

func readNote(note []byte) (v event.Verdict, err error) {
	if string(note) == taken {
		return v, nil
	}
	if err := json.Unmarshal(note, &v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return event.Verdict{}, fmt.Errorf("reading a note: %w", err)
	}
	if v.Action == "" {
		return event.Verdict{}, errors.New("reading a note: it has no verdict")
	}
	return v, nil
}
