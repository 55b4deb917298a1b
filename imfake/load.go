package imfake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Load says what a [Server] posts in load mode: messages in group conversations,
// each with an id of its own and a [Mark] in its text.
type Load struct {
	// Lanes is how many conversations there are; zero means 16.
	Lanes int
	// FirstLane is the number of the first one, so that two loads can share a
	// backend.
	FirstLane uint32
	// FirstID is the first message id; zero means one made from the clock. Ids
	// go up by one with each message.
	FirstID int64
	// Workers is how many posts are open at once; zero means 8, and there are
	// never more than Lanes.
	Workers int
	// Count is how many messages are posted in all; zero means until the context
	// ends.
	Count int
	// Rate is how many messages a second are posted at most, by all workers
	// together; zero means as many as are answered.
	Rate float64
	// TextBytes pads the text to that length; zero means no padding.
	TextBytes int
	// Posting is told of each message before it is posted, by several workers at once;
	// nil is nobody.
	Posting func(Mark)
	// Pause is what a worker waits after a post that got no 2xx, so that a server
	// that is down is not hammered; zero means 2 ms.
	Pause time.Duration
}

func (l Load) withDefaults(now time.Time) Load {
	if l.Lanes <= 0 {
		l.Lanes = 16
	}
	if l.Workers <= 0 {
		l.Workers = 8
	}
	l.Workers = min(l.Workers, l.Lanes)
	if l.FirstID == 0 {
		// As large as WildfireChat's own: above what a float64 holds exactly.
		l.FirstID = now.UnixMilli() << 17
	}
	if l.Pause <= 0 {
		l.Pause = 2 * time.Millisecond
	}
	return l
}

// Run is a load under way. Its methods are safe for concurrent use and count
// while it runs.
//
// Order inside a lane is defined: the next message of a lane is posted only after
// the previous one was answered, or given up after the vendor's retries. What was
// given up may have arrived all the same; only what was answered 2xx must have.
type Run struct {
	load   Load
	server *Server
	limit  *rate.Limiter
	nextID atomic.Int64
	left   atomic.Int64
	posted atomic.Int64
	wg     sync.WaitGroup

	mu sync.Mutex
	// mu guards the following.
	accepted [][]uint64 // per lane, a bit for each position
	count    int
	refused  int
	lastErr  error
}

// Start begins a load; it goes on until its count is reached, ctx ends, or the
// dialect cannot build a message. Wait for it.
func (s *Server) Start(ctx context.Context, load Load) *Run {
	load = load.withDefaults(s.cfg.Now())
	r := &Run{load: load, server: s, accepted: make([][]uint64, load.Lanes), limit: rate.NewLimiter(rate.Inf, 0)}
	if load.Rate > 0 {
		r.limit = rate.NewLimiter(rate.Limit(load.Rate), 1)
	}
	r.nextID.Store(load.FirstID)
	r.left.Store(int64(load.Count))
	for w := range load.Workers {
		r.wg.Go(func() { r.work(ctx, w) })
	}
	return r
}

// work posts to every Workers-th lane in turn.
func (r *Run) work(ctx context.Context, first int) {
	var seqs []uint64
	for i := 0; ; i++ {
		n := first + i*r.load.Workers
		if n >= r.load.Lanes {
			i, n = 0, first
		}
		if i == len(seqs) {
			seqs = append(seqs, 0)
		}
		if r.limit.Wait(ctx) != nil || ctx.Err() != nil || r.load.Count > 0 && r.left.Add(-1) < 0 {
			return
		}
		seqs[i]++
		ok, err := r.post(ctx, n, seqs[i])
		if err != nil {
			return
		}
		if !ok {
			t := time.NewTimer(r.load.Pause)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
			}
		}
	}
}

// post sends one message and notes what came of it. The error means that no
// message can be built at all.
func (r *Run) post(ctx context.Context, lane int, seq uint64) (accepted bool, err error) {
	mark := Mark{Lane: r.load.FirstLane + uint32(lane), Seq: seq}
	reqs, err := r.server.message(mark, r.nextID.Add(1)-1, r.load.TextBytes)
	if err != nil {
		r.note(lane, seq, false, err)
		return false, err
	}
	if r.load.Posting != nil {
		r.load.Posting(mark)
	}
	accepted = true
	for _, req := range reqs {
		var a Answer
		a, err = r.server.PostRequest(ctx, req)
		r.posted.Add(1)
		if err == nil {
			err = a.Err
		}
		if !a.Accepted() {
			accepted = false
			if err == nil {
				err = fmt.Errorf("status %d: %.200s", a.Response.Status, a.Response.Body)
			}
		}
	}
	r.note(lane, seq, accepted, err)
	return accepted, nil
}

func (r *Run) note(lane int, seq uint64, accepted bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if accepted {
		setBit(&r.accepted[lane], seq)
		r.count++
		return
	}
	r.refused++
	r.lastErr = err
}

// message says one message of a load in the server's dialect.
func (s *Server) message(mark Mark, id int64, size int) ([]dialect.Request, error) {
	text := mark.AppendText(nil)
	if pad := size - len(text); pad > 0 {
		text = append(text, bytes.Repeat([]byte("x"), pad)...)
	}
	now := s.cfg.Now()
	conv := event.Conversation{Kind: event.KindGroup, ID: GroupID(mark.Lane)}
	ev := &event.Event{
		ID:           strconv.FormatInt(id, 10),
		Type:         event.MessageSend,
		Phase:        event.After,
		Time:         now.UTC().Truncate(time.Millisecond),
		Lane:         conv.Lane(),
		Actor:        &event.Actor{ID: "sender"},
		Conversation: &conv,
		Message:      &event.Message{ID: strconv.FormatInt(id, 10), Kind: event.Text, Text: string(text)},
	}
	reqs, err := s.dialect.Encode(ev, dialect.Target{Credentials: s.cfg.Credentials, Now: now})
	if err != nil {
		return nil, fmt.Errorf("building a message: %w", err)
	}
	for i := range reqs {
		if reqs[i].ID == "" {
			reqs[i].ID = ev.ID
		}
	}
	return reqs, nil
}

// GroupID is the group whose messages are the lane of a load.
func GroupID(lane uint32) string { return "g" + strconv.FormatUint(uint64(lane), 10) }

// Wait waits until the load is over and returns what it could not do: nothing was
// accepted, or no message could be built.
func (r *Run) Wait() error {
	r.wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		return errors.Join(fmt.Errorf("nothing was accepted of %d posts", r.posted.Load()), r.lastErr)
	}
	return nil
}

// Accepted returns the marks that were answered 2xx, by lane, in order.
func (r *Run) Accepted() []Mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	marks := make([]Mark, 0, r.count)
	for lane, set := range r.accepted {
		eachBit(set, func(seq uint64) {
			marks = append(marks, Mark{Lane: r.load.FirstLane + uint32(lane), Seq: seq})
		})
	}
	return marks
}

// Counts returns how many messages were answered 2xx and how many were not, and
// the last reason of those.
func (r *Run) Counts() (accepted, refused int, lastErr error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.refused, r.lastErr
}
