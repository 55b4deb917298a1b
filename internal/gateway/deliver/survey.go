package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// survey finds out what waits for endpoints that did not fall behind here: they began
// behind the tail, or their rule changed. It reads what lies between their readers and
// the tail once for all of them.
func (d *Deliverer) survey() {
	for {
		select {
		case <-d.readCtx.Done():
			return
		case <-d.surveys:
		}
		for d.readCtx.Err() == nil {
			jobs := d.beginSurvey()
			if len(jobs) == 0 {
				break
			}
			d.surveyFor(d.readCtx, jobs)
		}
	}
}

// wantSurvey says that somebody needs a survey.
func (d *Deliverer) wantSurvey() {
	select {
	case d.surveys <- struct{}{}:
	default:
	}
}

// surveyed is one endpoint's part in a survey: the events behind from. Up to to it finds
// out what waits; what is behind that it decides in the tail's stead, until it has
// caught up with it.
type surveyed struct {
	*runner
	number   uint64
	from, to gateway.Pos
	// until, again and taken are as they were when it began.
	until gateway.Pos
	again []openEvent
	taken *walk
	over  bool
}

// beginSurvey returns a part for each endpoint that needs one.
func (d *Deliverer) beginSurvey() []*surveyed {
	d.mu.Lock()
	defer d.mu.Unlock()
	var jobs []*surveyed
	for _, r := range d.runners {
		r.mu.Lock()
		a := &r.ahead
		if r.wantsSurvey() && a.table(r.read.Seq()) {
			a.waits.restart((r.read + 1).Seq())
			a.survey++
			a.waiting = 0
			// What came since the last decision is decided as if it came now.
			a.judged = max(a.judged, r.read, r.until, a.taken.last)
			a.surveyed = r.read
			jobs = append(jobs, &surveyed{
				runner: r, number: a.survey, from: r.read, to: a.judged,
				until: r.until, again: r.again, taken: a.taken.walk(),
			})
		}
		r.mu.Unlock()
	}
	return jobs
}

// surveyFor reads what lies between readers and tail, and what comes meanwhile: if that
// waited for the readers, its lanes would wait for all of the backlog.
func (d *Deliverer) surveyFor(ctx context.Context, jobs []*surveyed) {
	next, last := jobs[0].from+1, jobs[0].to
	for _, job := range jobs {
		next, last = min(next, job.from+1), max(last, job.to)
	}
	places := map[int]*surveyed{}
	changes := ^uint64(0)
	for seq := next.Seq(); ctx.Err() == nil; {
		d.mu.Lock()
		tail, index := d.tail, d.index
		if seq > max(tail, last).Seq() {
			endSurvey(jobs)
			d.mu.Unlock()
			return
		}
		if d.changes != changes {
			changes = d.changes
			clear(places)
			for i, r := range d.runners {
				for _, job := range jobs {
					if job.runner == r {
						places[i] = job
					}
				}
			}
		}
		d.mu.Unlock()
		page, err := d.cfg.Journal.Page(ctx, seq)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
			last = min(last, tail)
			seq = max(seq, tail.Seq()+1)
		case err != nil:
			pause(ctx, time.Second)
		default:
			if over := survey1(page, index, places, jobs); over {
				return
			}
			seq = page.Seq + 1
		}
	}
}

// endSurvey lets the tail decide from here on. Call with the deliverer's mu, so that it
// offers nothing meanwhile.
func endSurvey(jobs []*surveyed) {
	for _, job := range jobs {
		job.mu.Lock()
		if a := &job.ahead; a.survey == job.number && !job.live {
			a.known = true
		}
		job.mu.Unlock()
	}
}

// survey1 notes what waits in one page; true when nobody needs the survey any more.
func survey1(page *gateway.Page, index Index, places map[int]*surveyed, jobs []*surveyed) (over bool) {
	picked := map[*surveyed][]int{}
	for i, ev := range page.Events {
		for _, n := range index.Match(ev) {
			if job := places[n]; job != nil && !job.over {
				picked[job] = append(picked[job], i)
			}
		}
	}
	over = true
	for _, job := range jobs {
		if !job.over {
			job.note(page, picked[job])
		}
		over = over && job.over
	}
	return over
}

// note notes the events of a page that wait: those that were open before a restart,
// and of those that are picked all that are not finished. Those that came since may go
// ahead.
func (s *surveyed) note(page *gateway.Page, picked []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.ahead
	if a.survey != s.number || s.live || s.held || s.stopped {
		s.over = true
		return
	}
	waits := func(ev *event.Event, pos gateway.Pos) bool {
		if pos <= s.read || pos > s.to {
			return false
		}
		a.waits.note(ev.Lane, page.Seq)
		return true
	}
	for len(s.again) > 0 && s.again[0].Pos.Seq() <= page.Seq {
		if pos := s.again[0].Pos; pos.Seq() == page.Seq && pos.Index() < len(page.Events) {
			waits(page.Events[pos.Index()], pos)
		}
		s.again = s.again[1:]
	}
	for _, i := range picked {
		pos := gateway.NewPos(page.Seq, i)
		switch {
		case pos > s.to && pos > a.judged && pos > s.read:
			s.decideAhead(pos, page.Events[i])
		case pos > s.until && !s.taken.has(pos) && waits(page.Events[i], pos):
			a.waiting++
		}
	}
	s.flush()
	a.surveyed = max(a.surveyed, gateway.NewPos(page.Seq+1, 0)-1)
}
