package imfake

import "github.com/imhook/imhook/event"

// AnswerFunc scripts a backend: n is the place of the request in the order of
// arrival, from 1 on; for a lane's script it counts that lane's requests only.
// It is called outside all locks, from many goroutines at once.
type AnswerFunc func(n int, req *Received) Reply

// script is what one scope (the backend, or one lane) answers.
type script struct {
	answer AnswerFunc
	queue  []Reply
	n      int
}

// next takes the queued reply, if there is one.
func (s *script) next() (Reply, bool) {
	if s == nil || len(s.queue) == 0 {
		return Reply{}, false
	}
	r := s.queue[0]
	s.queue = s.queue[1:]
	return r, true
}

// Answer scripts every request for which nothing more special is scripted. Nil
// takes the script away.
//
// A request takes the first of: its lane's queue, its lane's Answer, the
// backend's queue, the backend's Answer, the zero [Reply]. A request that does
// not verify or decode is refused in the dialect's form and takes nothing.
func (b *Backend) Answer(f AnswerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script.answer = f
}

// Queue appends replies for the next requests, one each.
func (b *Backend) Queue(replies ...Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script.queue = append(b.script.queue, replies...)
}

// AnswerLane scripts the requests of one lane. Nil takes the script away.
func (b *Backend) AnswerLane(lane event.Lane, f AnswerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lane(lane).answer = f
}

// QueueLane appends replies for the next requests of one lane, one each.
func (b *Backend) QueueLane(lane event.Lane, replies ...Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.lane(lane)
	s.queue = append(s.queue, replies...)
}

func (b *Backend) lane(lane event.Lane) *script {
	s := b.lanes[lane]
	if s == nil {
		s = new(script)
		b.lanes[lane] = s
	}
	return s
}

// choose picks the reply for rec; the returned function makes it and is called
// without the lock, because a script may call the backend.
func (b *Backend) choose(rec *Received) func() Reply {
	if rec.VerifyErr != nil || rec.DecodeErr != nil {
		return func() Reply { return Reply{} }
	}
	if lane := b.lanes[rec.Lane()]; lane != nil {
		lane.n++
		if r, ok := lane.next(); ok {
			return func() Reply { return r }
		}
		if f, n := lane.answer, lane.n; f != nil {
			return func() Reply { return f(n, rec) }
		}
	}
	if r, ok := b.script.next(); ok {
		return func() Reply { return r }
	}
	if f := b.script.answer; f != nil {
		return func() Reply { return f(rec.N, rec) }
	}
	return func() Reply { return Reply{} }
}
