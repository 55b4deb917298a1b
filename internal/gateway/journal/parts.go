package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A value that is larger than the engine takes as one message is kept in parts: at
// key.slot.number, and behind them an empty message at key whose header says slot
// and number of parts. The next large value of the key takes the other slot, so
// that a crash in between leaves the old value whole.
const partsHeader = "Imhook-Parts"

// split returns the messages of a value, in the order in which they must be
// stored, and the slot that its parts take. Once all are stored, stands says so.
// Call with saving.
func (j *Journal) split(key string, value []byte) (all []*nats.Msg, slot byte) {
	subject := j.at.positionPrefix + token(key)
	limit := int(j.limit.Load())
	head := nats.NewMsg(subject)
	if len(value) <= limit {
		head.Data = value
		return []*nats.Msg{head}, 0
	}
	slot = 1 - j.slots[key]
	for i := 0; len(value) > 0; i++ {
		n := min(limit, len(value))
		m := nats.NewMsg(fmt.Sprintf("%s.%d.%d", subject, slot, i))
		m.Data, value = value[:n], value[n:]
		all = append(all, m)
	}
	head.Header.Set(partsHeader, fmt.Sprintf("%d %d", slot, len(all)))
	return append(all, head), slot
}

// stands remembers which slot the value of a key is in. Before that the slot it
// was in before must not be written to. Call with saving.
func (j *Journal) stands(key string, slot byte, parts int) {
	if parts < 2 {
		return
	}
	if j.slots == nil {
		j.slots = map[string]byte{}
	}
	j.slots[key] = slot
}

// putPlace stores a message of a position behind the last one, so that one of a
// gateway that had the journal before cannot come late.
func (j *Journal) putPlace(ctx context.Context, m *nats.Msg) (uint64, error) {
	for tries := 0; ; tries++ {
		last, _ := j.places.state()
		m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(last, 10))
		seq, err := j.put(ctx, m)
		if err == nil {
			j.places.stored(seq)
			return seq, nil
		}
		if !wrongSequence(err) || tries > 0 {
			return 0, err
		}
		// One that was not answered was stored: nobody else writes while we hold the
		// journal.
		e, err := j.use()
		if err != nil {
			return 0, err
		}
		info, err := e.places.Info(ctx)
		if err != nil {
			return 0, fmt.Errorf("reading the state of the positions: %w", restarting(err))
		}
		j.places.stored(info.State.LastSeq)
	}
}

// stored remembers the last sequence of the stream.
func (p *places) stored(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = seq
}

// joined puts values together that were split.
type joined struct {
	heads map[string]string // what partsHeader says, by the key's token
	whole map[string][]byte // by the key's token
	parts map[string][]byte // by token.slot.number
}

// add takes one message; name is its subject without the prefix.
func (in *joined) add(name string, h nats.Header, data []byte) {
	if in.whole == nil {
		in.heads, in.whole, in.parts = map[string]string{}, map[string][]byte{}, map[string][]byte{}
	}
	if strings.Contains(name, ".") {
		in.parts[name] = data
		return
	}
	delete(in.heads, name)
	if says := h.Get(partsHeader); says != "" {
		in.heads[name] = says
	}
	in.whole[name] = data
}

// values returns the values and the slots of those that are in parts, by key. bad joins
// what is wrong with those that are left out.
func (in *joined) values() (values map[string][]byte, slots map[string]byte, bad error) {
	values, slots = map[string][]byte{}, map[string]byte{}
	for name, value := range in.whole {
		key, err := untoken(name)
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("subject %q: %w", name, err))
			continue
		}
		slot, value, err := in.value(name, value)
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("value of %s %w", key, err))
			continue
		}
		if in.heads[name] != "" {
			slots[key] = slot
		}
		values[key] = value
	}
	return values, slots, bad
}

// value puts one value together.
func (in *joined) value(name string, value []byte) (slot byte, whole []byte, err error) {
	says := in.heads[name]
	if says == "" {
		return 0, value, nil
	}
	var n int
	if _, err := fmt.Sscanf(says, "%d %d", &slot, &n); err != nil {
		return 0, nil, fmt.Errorf("says %q of its parts: %w", says, err)
	}
	var all bytes.Buffer
	for i := range n {
		part, ok := in.parts[fmt.Sprintf("%s.%d.%d", name, slot, i)]
		if !ok {
			return 0, nil, fmt.Errorf("lacks part %d of %d", i, n)
		}
		all.Write(part)
	}
	return slot, all.Bytes(), nil
}
