package main

import (
	"fmt"
	"sync"

	"github.com/imhook/imhook/imfake"
)

// sightings remembers in which order the messages of each conversation came for the
// first time. The zero value is ready.
//
// Package imfake's Tally does not do: a server that waited in vain for an answer posts
// the conversation's next message while the one before is still on its way into the
// gateway. Between these two there is no order that anybody could keep. There is one
// between messages that were answered 200, since each was posted after the answer.
type sightings struct {
	mu sync.Mutex
	// mu guards the following.
	seen  imfake.Tally
	lanes map[uint32][]uint32
}

func (s *sightings) note(m imfake.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen.Note(m) {
		return
	}
	if s.lanes == nil {
		s.lanes = map[uint32][]uint32{}
	}
	s.lanes[m.Lane] = append(s.lanes[m.Lane], uint32(m.Seq))
}

// disorders counts the accepted messages that came after a later accepted one of
// their conversation, and tells some.
func (s *sightings) disorders(accepted *imfake.Tally) (n int, some []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for lane, seqs := range s.lanes {
		var last uint32
		for _, seq := range seqs {
			m := imfake.Mark{Lane: lane, Seq: uint64(seq)}
			switch {
			case !accepted.Has(m):
			case seq > last:
				last = seq
			default:
				if n++; len(some) < 5 {
					some = append(some, fmt.Sprintf("%sis first seen after %d", m, last))
				}
			}
		}
	}
	return n, some
}
