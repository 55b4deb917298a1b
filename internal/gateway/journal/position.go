package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// places is the last value of every key. It is written beside the store from time
// to time: an endpoint whose position is lost would begin at the journal's end,
// past what it was not told; with a position that is some seconds old it is told
// those seconds twice.
type places struct {
	mu      sync.Mutex
	values  map[string][]byte
	seq     uint64 // of the last one in the engine
	dirty   bool
	written time.Time
}

const (
	placesFile    = "positions"
	placesMagic   = "IMHP"
	placesVersion = 1
	placesEvery   = 10 * time.Second
)

var errPlaces = errors.New("copy of the positions is damaged")

func (p *places) saved(key string, value []byte, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[key] = bytes.Clone(value)
	p.seq = max(p.seq, seq)
	p.dirty = true
}

func (p *places) dropped(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.values, key)
	p.dirty = true
}

// state returns the sequence of the last value in the engine, and how many keys
// there are.
func (p *places) state() (seq uint64, keys int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq, len(p.values)
}

// savePlaces writes the copy when it is time, or whenever it is old with all.
func (j *Journal) savePlaces(all bool) error {
	p := &j.places
	now := j.cfg.Now()
	if j.cfg.external() {
		return nil
	}
	p.mu.Lock()
	if !p.dirty || !all && now.Sub(p.written) < placesEvery {
		p.mu.Unlock()
		return nil
	}
	b := appendPlaces(nil, p.values)
	p.dirty, p.written = false, now
	p.mu.Unlock()
	if err := replaceFile(filepath.Join(j.cfg.Dir, placesFile), b); err != nil {
		p.mu.Lock()
		p.dirty = true
		p.mu.Unlock()
		return fmt.Errorf("writing a copy of the positions: %w", err)
	}
	return nil
}

// appendPlaces encodes values: "IMHP", version, count, then key and value of each
// with their lengths, and the CRC-32C of all before it.
func appendPlaces(b []byte, values map[string][]byte) []byte {
	b = append(b, placesMagic...)
	b = append(b, placesVersion)
	b = binary.AppendUvarint(b, uint64(len(values)))
	for k, v := range values {
		b = appendString(b, k)
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, slotSums))
}

func parsePlaces(b []byte) (map[string][]byte, error) {
	head := len(placesMagic) + 1
	if len(b) < head+4 || !bytes.HasPrefix(b, []byte(placesMagic)) {
		return nil, errPlaces
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, slotSums) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return nil, errPlaces
	}
	if v := b[len(placesMagic)]; v != placesVersion {
		return nil, newer("copy of the positions", int(v), "", "")
	}
	c := cutter{b: body[head:]}
	n := c.uvarint()
	values := map[string][]byte{}
	for ; n > 0 && !c.bad; n-- {
		k := string(c.field())
		values[k] = bytes.Clone(c.field())
	}
	if c.bad || len(c.b) != 0 {
		return nil, errPlaces
	}
	return values, nil
}

// recallPlaces reads the last value of every key. When the engine came back with
// fewer or older ones than it had, all are taken from the copy: records of
// different times do not belong together.
func (j *Journal) recallPlaces(ctx context.Context, e *engine) error {
	info, err := e.places.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the state of the positions: %w", err)
	}
	values, bad, err := j.readPlaces(ctx, e, info.State)
	if err != nil {
		return err
	}
	had := j.water.get()
	seq, keys := had.Positions, had.PositionKeys
	p := &j.places
	p.mu.Lock()
	if j.started {
		seq, keys = p.seq, len(p.values)
	}
	copied := maps.Clone(p.values) // a Save may be on its way out
	p.mu.Unlock()
	if info.State.LastSeq < seq || len(values) < keys || bad != nil {
		log := j.cfg.Log.With("damaged", bad, "positions", len(values), "had", keys, "last", info.State.LastSeq, "hadLast", seq)
		if !j.started {
			b, err := os.ReadFile(filepath.Join(j.cfg.Dir, placesFile))
			if err == nil {
				copied, err = parsePlaces(b)
			}
			if errors.Is(err, ErrNewer) {
				return err
			}
			if err != nil {
				log.Error("positions of endpoints are missing, and so is their copy: an endpoint without one begins where every endpoint was done", "err", err)
				copied = nil
				j.placesGone.Store(true)
			}
		}
		if copied != nil {
			// A stream with a damaged record is silent for good once it is to replace
			// that record.
			if e.embedded != nil {
				if err := e.js.DeleteStream(ctx, e.at.positionStream); err != nil {
					return fmt.Errorf("restoring positions: %w", err)
				}
				if e.places, err = j.stream(ctx, e, positionStreamConfig(e.at), jetstream.AccountLimits{}); err != nil {
					return err
				}
			}
			for k, v := range values {
				if _, ok := copied[k]; !ok {
					copied[k] = v
				}
			}
			if err := j.restorePlaces(ctx, e, copied); err != nil {
				return err
			}
			if len(copied) < keys {
				j.placesGone.Store(true)
			}
			log.Error("positions of endpoints are missing, all are taken from their copy: what was delivered in the last seconds is delivered again", "copied", len(copied))
			values = copied
			if info, err = e.places.Info(ctx); err != nil {
				return fmt.Errorf("reading the state of the positions: %w", err)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values, p.seq = values, info.State.LastSeq
	return nil
}

// restorePlaces stores all values.
func (j *Journal) restorePlaces(ctx context.Context, e *engine, values map[string][]byte) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	for k, v := range values {
		msgs, slot := j.split(k, v)
		for _, m := range msgs {
			if _, err := e.js.PublishMsg(ctx, m); err != nil {
				return fmt.Errorf("restoring the position %s: %w", k, err)
			}
		}
		j.stands(k, slot, len(msgs))
	}
	return nil
}

// readPlaces reads all values in one go.
//
// bad says which of them are damaged; the others are there all the same.
func (j *Journal) readPlaces(ctx context.Context, e *engine, st jetstream.StreamState) (values map[string][]byte, bad, err error) {
	var in joined
	err = e.each(ctx, e.at.positionStream, e.at.positionPrefix+">", st, st.FirstSeq, func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		in.add(strings.TrimPrefix(m.Subject(), e.at.positionPrefix), m.Headers(), m.Data())
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("loading positions: %w", err)
	}
	values, slots, bad := in.values()
	j.saving.Lock()
	defer j.saving.Unlock()
	j.slots = slots
	return values, bad, nil
}

// Known returns what stands beside the positions, from before this journal was opened:
// every endpoint was done with the pages below floor, 0 when that is not known; lost
// says that there were positions which neither the engine nor their copy has.
func (j *Journal) Known() (floor uint64, lost bool) { return j.floorWas, j.placesGone.Load() }

// Save keeps value as the last one of key, durably.
func (j *Journal) Save(ctx context.Context, key string, value []byte) error {
	if j.standing() {
		return fmt.Errorf("saving %s: %w: %w", key, gateway.ErrUnavailable, errNotWriter)
	}
	j.saving.Lock()
	defer j.saving.Unlock()
	seq := uint64(0)
	msgs, slot := j.split(key, value)
	if len(msgs) > 1 {
		// Who gives up in the middle does not know which parts count. A message that
		// is not answered is another matter: then all is read anew.
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("saving %s: %w", key, err)
		}
		ctx = context.WithoutCancel(ctx)
	}
	for _, m := range msgs {
		// Pages that a position mentions are committed: what it says of them is newer
		// than the high-water record.
		last, events := j.done.get()
		m.Header.Set(committedHeader, fmt.Sprintf("%d %d", last, events))
		var err error
		if seq, err = j.putPlace(ctx, m); err != nil {
			return fmt.Errorf("saving %s: %w", key, err)
		}
	}
	j.stands(key, slot, len(msgs))
	j.places.saved(key, value, seq)
	return nil
}

// Drop forgets key and its value; it is no error when there is none. A crash right
// after may bring them back.
func (j *Journal) Drop(ctx context.Context, key string) error {
	if err := j.Held(); err != nil {
		return fmt.Errorf("dropping %s: %w", key, err)
	}
	e, err := j.use()
	if err != nil {
		return err
	}
	j.places.dropped(key)
	// Before the engine has it no more the high-water record must not count it, or a
	// crash in between would look like damage.
	j.noting.Lock()
	err = j.noteWater(ctx, e)
	j.noting.Unlock()
	if err == nil {
		err = e.places.Purge(ctx, jetstream.WithPurgeSubject(e.at.positionPrefix+token(key)))
	}
	if err == nil {
		err = e.places.Purge(ctx, jetstream.WithPurgeSubject(e.at.positionPrefix+token(key)+".>")) // its parts
	}
	if err != nil {
		return fmt.Errorf("dropping %s: %w", key, restarting(err))
	}
	return nil
}

// Load returns the last value of every key.
func (j *Journal) Load(ctx context.Context) (map[string][]byte, error) {
	e, err := j.use()
	if err != nil {
		return nil, err
	}
	if j.standing() {
		info, err := e.places.Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the state of the positions: %w", restarting(err))
		}
		values, bad, err := j.readPlaces(ctx, e, info.State)
		if err == nil && bad != nil {
			err = fmt.Errorf("loading positions: %w", bad)
		}
		return values, err
	}
	j.places.mu.Lock()
	defer j.places.mu.Unlock()
	all := make(map[string][]byte, len(j.places.values))
	for k, v := range j.places.values {
		all[k] = bytes.Clone(v)
	}
	return all, nil
}
