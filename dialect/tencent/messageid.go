package tencent

import (
	"encoding/binary"
	"strings"

	"github.com/imhook/imhook/event"
)

// identity are the numbers that name a message on the wire.
type identity struct {
	seq, random, time int64
	key               string
}

// derive makes the numbers of a foreign message from its id, the same for the
// message, its before-event, recall and receipts, which may know nothing of it but
// the id. So the third number of the key, a time on the vendor's wire, comes from
// the id too. An id that is a key already stays what it is.
func derive(id string) identity {
	if i, ok := parseKey(id); ok {
		return i
	}
	sum := event.Hash("tencent message", id)
	i := identity{
		seq:    int64(binary.BigEndian.Uint32(sum[0:4])),
		random: int64(binary.BigEndian.Uint32(sum[4:8])),
		// Ten digits, as a time in seconds has.
		time: 1_000_000_000 + int64(binary.BigEndian.Uint32(sum[8:12])%1_000_000_000),
	}
	i.key = decimal(i.seq) + "_" + decimal(i.random) + "_" + decimal(i.time)
	return i
}

// parseKey cuts MsgSeq_MsgRandom_MsgTime.
func parseKey(key string) (identity, bool) {
	seq, rest, _ := strings.Cut(key, "_")
	random, at, _ := strings.Cut(rest, "_")
	var i identity
	var ok [3]bool
	i.seq, ok[0] = number32(seq)
	i.random, ok[1] = number32(random)
	i.time, ok[2] = number32(at)
	i.key = key
	return i, ok[0] && ok[1] && ok[2]
}

// identify finds the numbers of the message that ev is about: those that the event
// has, else derived ones.
func identify(ev *event.Event) identity {
	m := ev.Message
	if m == nil {
		m = &event.Message{}
	}
	seq, hasSeq := number32(m.Seq)
	random, hasRandom := number32(m.ClientID)
	if hasSeq && hasRandom {
		return identity{seq: seq, random: random}
	}
	i := derive(firstOf(m.ID, m.ClientID, m.Seq, ev.ID))
	if hasRandom {
		i.random = random
	}
	if hasSeq {
		i.seq = seq
	}
	return i
}
