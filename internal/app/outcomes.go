package app

import (
	"context"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/live"
	"github.com/imhook/imhook/internal/trail"
)

// outcomes shows what comes of events in the API's words.
func (a *App) outcomes(j *journal.Journal, d delivering) admin.Outcomes {
	t, ok := d.(together)
	if !ok {
		return ownOutcomes{a}
	}
	s := &sharedOutcomes{own: ownOutcomes{a}, j: j, with: t, shown: map[string]*shownTo{}}
	j.Serve(sayOutcomes, s.serve)
	a.onStop("outcomes", s.stop)
	return s
}

// ownOutcomes are those of this gateway.
type ownOutcomes struct{ a *App }

// Read begins to read.
func (o ownOutcomes) Read() admin.OutcomeReader { return ownReader{o.a, o.a.feed.Read()} }

type ownReader struct {
	a *App
	*live.Reader
}

// Take returns what came since the last time.
func (r ownReader) Take() (some []admin.Outcome, missed int, more <-chan struct{}) {
	raw, missed, more := r.Reader.Take()
	for _, o := range raw {
		if one, ok := r.a.outcome(o); ok {
			some = append(some, one)
		}
	}
	return some, missed, more
}

// outcome is one in the API's words.
func (a *App) outcome(o live.Outcome) (admin.Outcome, bool) {
	if o.Elsewhere != nil {
		one, ok := o.Elsewhere.(admin.Outcome)
		return one, ok
	}
	if o.Attempt != nil {
		e := attempts.EntryOf(*o.Attempt)
		return admin.Outcome{Attempt: &e}, true
	}
	e, err := trail.EntryOf(*o.Decision)
	if err != nil {
		a.cfg.Log.Debug("a decision cannot be shown", "err", err)
		return admin.Outcome{}, false
	}
	return admin.Outcome{Decision: e}, true
}

// sayOutcomes asks another gateway of a cluster for what came of events there since the
// last time.
const sayOutcomes = "outcomes"

const (
	// outcomesEvery is how often others are asked while somebody looks, and outcomesWithin
	// how long they may take.
	outcomesEvery  = 500 * time.Millisecond
	outcomesWithin = 2 * time.Second
	// lookedAt is how long a gateway remembers outcomes for another one that asked.
	lookedAt = 5 * time.Second
	// outcomesBytes bounds one answer.
	outcomesBytes = 512 << 10
)

// sharedOutcomes are those of all gateways of a cluster: while somebody looks here, the
// others are asked what came of events there.
type sharedOutcomes struct {
	own  ownOutcomes
	j    *journal.Journal
	with together

	// mu guards the following.
	mu sync.Mutex
	// looking is how many read here; asking ends the asking when nobody does.
	looking int
	asking  context.CancelFunc
	// shown are readers for other gateways, by their ids.
	shown map[string]*shownTo
	asked sync.WaitGroup
	ended bool
}

// shownTo is what another gateway reads here. It is closed when that did not ask for a
// while.
type shownTo struct {
	reader *live.Reader
	expiry *time.Timer
}

// toldOutcome is an outcome between gateways.
type toldOutcome struct {
	Attempt  *attempts.Entry `json:"attempt,omitzero"`
	Decision *trail.Entry    `json:"decision,omitzero"`
}

// loosely reads and writes what the world wrote.
var loosely = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// Read begins to read.
func (s *sharedOutcomes) Read() admin.OutcomeReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looking++; s.looking == 1 && !s.ended {
		ctx, cancel := context.WithCancel(context.Background())
		s.asking = cancel
		s.asked.Go(func() { s.ask(ctx) })
	}
	return &sharedReader{OutcomeReader: s.own.Read(), of: s}
}

type sharedReader struct {
	admin.OutcomeReader
	of   *sharedOutcomes
	once sync.Once
}

// Close ends it.
func (r *sharedReader) Close() {
	r.OutcomeReader.Close()
	r.once.Do(func() {
		r.of.mu.Lock()
		defer r.of.mu.Unlock()
		if r.of.looking--; r.of.looking == 0 && r.of.asking != nil {
			r.of.asking()
			r.of.asking = nil
		}
	})
}

// ask asks the others until ctx ends.
func (s *sharedOutcomes) ask(ctx context.Context) {
	tick := time.NewTicker(outcomesEvery)
	defer tick.Stop()
	for {
		s.askAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *sharedOutcomes) askAll(ctx context.Context) {
	v, err := s.with.View(ctx)
	if err != nil {
		return // nobody writes: it is told elsewhere
	}
	self := s.j.Self().ID
	var all sync.WaitGroup
	defer all.Wait()
	for _, m := range v.Members {
		if m.ID == self {
			continue
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, outcomesWithin)
			defer cancel()
			answer, err := s.j.Request(ctx, m.ID, sayOutcomes, []byte(self))
			var told []toldOutcome
			if err == nil {
				err = json.Unmarshal(answer, &told, loosely)
			}
			if err != nil && ctx.Err() == nil {
				s.own.a.cfg.Log.Debug("a gateway does not say what came of events", "gateway", m.ID, "err", err)
			}
			for _, o := range told {
				s.own.a.feed.Elsewhere(admin.Outcome{Attempt: o.Attempt, Decision: o.Decision})
			}
		})
	}
}

// serve says to another gateway what came of events here since it asked last.
func (s *sharedOutcomes) serve(_ context.Context, asker []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return []byte("[]"), nil
	}
	to := s.shown[string(asker)]
	if to == nil {
		to = &shownTo{reader: s.own.a.feed.Read()}
		to.expiry = time.AfterFunc(lookedAt, func() { s.expire(string(asker), to) })
		s.shown[string(asker)] = to
	}
	to.expiry.Reset(lookedAt)
	answer := []byte{'['}
	for len(answer) < outcomesBytes {
		some, _, _ := to.reader.Take()
		if len(some) == 0 {
			break
		}
		for _, raw := range some {
			if raw.Elsewhere != nil {
				continue // it comes from there
			}
			o, ok := s.own.a.outcome(raw)
			if !ok {
				continue
			}
			b, err := json.Marshal(toldOutcome{o.Attempt, o.Decision}, loosely)
			if err != nil || len(b) > outcomesBytes/2 || len(answer)+len(b) > outcomesBytes {
				continue // what is too much is left out, as for any reader that is slow
			}
			if len(answer) > 1 {
				answer = append(answer, ',')
			}
			answer = append(answer, b...)
		}
	}
	return append(answer, ']'), nil
}

// expire forgets a gateway that does not ask any more.
func (s *sharedOutcomes) expire(asker string, to *shownTo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown[asker] == to {
		delete(s.shown, asker)
	}
	to.reader.Close()
}

// stop ends the asking and the showing.
func (s *sharedOutcomes) stop(context.Context) error {
	s.mu.Lock()
	s.ended = true
	if s.asking != nil {
		s.asking()
		s.asking = nil
	}
	for asker, to := range s.shown {
		to.expiry.Stop()
		to.reader.Close()
		delete(s.shown, asker)
	}
	s.mu.Unlock()
	s.asked.Wait()
	return nil
}
