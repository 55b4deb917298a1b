package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// lettersQuery is a question about dead letters.
type lettersQuery struct {
	Limit        limitParam    `query:"limit"`
	Endpoint     string        `query:"endpoint" doc:"app/name; the app may be left out where there is one."`
	Reason       []reasonParam `query:"reason,explode" doc:"Why it was set aside; several are any of them."`
	Type         []string      `query:"type,explode" doc:"Patterns of event types, of which one matches."`
	Source       []string      `query:"source,explode"`
	Conversation string        `query:"conversation" example:"group:g1"`
	When         string        `query:"when" doc:"A condition in CEL."`
	ID           string        `query:"id" doc:"The id of an event, or one of its link keys."`
	Since        momentParam   `query:"since"`
	Until        momentParam   `query:"until"`
	Before       cursorParam   `query:"before"`
	After        cursorParam   `query:"after"`
	Order        string        `query:"order" enum:"newest,oldest" doc:"oldest lists from the oldest on; next is for after then." default:"newest"`
}

// letterQuery says which dead letters somebody wants to see.
type letterQuery struct {
	// endpoint is app/name; empty is any.
	endpoint string
	gateway.Selection
	// event is an event's id, or one of its link keys; empty is any.
	event string
	limit int
	// before and after are numbers, exclusive; zero is no bound.
	before, after uint64

	api     *api
	narrows map[string]func(*event.Event) bool
}

func (a *api) parseLetters(ctx context.Context, v *lettersQuery) (*letterQuery, error) {
	q := &letterQuery{event: v.ID, api: a, endpoint: a.endpointID(ctx, v.Endpoint)}
	wish := SelectionWish{
		Types: v.Type, Sources: v.Source, Conversation: v.Conversation, When: v.When, Since: string(v.Since), Until: string(v.Until),
	}
	for _, r := range v.Reason {
		wish.Reasons = append(wish.Reasons, string(r))
	}
	var err error
	if q.Selection, err = a.selection(wish); err != nil {
		return q, err
	}
	if q.limit, err = v.Limit.parse(); err != nil {
		return q, err
	}
	if err := v.Before.number("before", &q.before); err != nil {
		return q, err
	}
	if err := v.After.number("after", &q.after); err != nil {
		return q, err
	}
	return q, q.check()
}

// SelectionWish is a selection as somebody writes it.
type SelectionWish struct {
	Types        []string `json:"types,omitempty" doc:"Patterns of event types, of which one matches."`
	Sources      []string `json:"sources,omitempty"`
	Conversation string   `json:"conversation,omitzero" doc:"Its kind and id." example:"group:g1"`
	When         string   `json:"when,omitzero" doc:"A condition in CEL."`
	Since        string   `json:"since,omitzero" doc:"A time, or how long ago it was." example:"24h"`
	Until        string   `json:"until,omitzero" doc:"A time, or how long ago it was."`
	Reasons      []string `json:"reasons,omitempty" doc:"Why dead letters were set aside."`
	// IDs are numbers of dead letters.
	IDs []string `json:"ids,omitempty" doc:"Numbers of dead letters."`
}

// selection reads what somebody wrote.
func (a *api) selection(w SelectionWish) (gateway.Selection, error) {
	s := gateway.Selection{Types: w.Types, Sources: w.Sources, Lane: event.Lane(w.Conversation), When: w.When}
	for _, r := range w.Reasons {
		if err := oneOf("reason", gateway.Reason(r), gateway.Reasons()); err != nil {
			return s, err
		}
		s.Reasons = append(s.Reasons, gateway.Reason(r))
	}
	for _, id := range w.IDs {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return s, fmt.Errorf("%q is not the number of a dead letter; imhook deadletters shows them", id)
		}
		s.Letters = append(s.Letters, n)
	}
	for key, at := range map[string]struct {
		text string
		to   *time.Time
	}{"since": {w.Since, &s.Since}, "until": {w.Until, &s.Until}} {
		if at.text == "" {
			continue
		}
		t, err := parseMoment(key, at.text, a.Now())
		if err != nil {
			return s, err
		}
		*at.to = t.UTC()
	}
	if !s.Since.IsZero() && !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, fmt.Errorf("since is %s and until is %s, want since before until: nothing is in between", w.Since, w.Until)
	}
	return s, nil
}

// check says what is wrong with the query's patterns and condition.
func (q *letterQuery) check() error {
	q.narrows = map[string]func(*event.Event) bool{}
	if len(q.Types) == 0 && len(q.Sources) == 0 && q.When == "" {
		return nil
	}
	for _, app := range q.api.Current().Apps {
		if owner, _, ok := strings.Cut(q.endpoint, "/"); ok && owner != app.Name {
			continue
		}
		narrow, err := q.api.Select(app.Name, q.Selection)
		if err != nil {
			return err
		}
		q.narrows[app.Name] = narrow
	}
	return nil
}

// wants reports whether q is about a dead letter.
func (q *letterQuery) wants(l *gateway.DeadLetter) bool {
	ev := l.Event
	switch {
	case ev == nil,
		q.endpoint != "" && l.Endpoint != q.endpoint,
		len(q.Reasons) > 0 && !slices.Contains(q.Reasons, l.Reason),
		len(q.Letters) > 0 && !slices.Contains(q.Letters, l.Seq),
		q.Lane != "" && ev.Lane != q.Lane,
		q.event != "" && ev.ID != q.event && !slices.Contains(ev.Links, q.event),
		!q.Since.IsZero() && l.At.Before(q.Since),
		!q.Until.IsZero() && !l.At.Before(q.Until):
		return false
	}
	if len(q.Types) == 0 && len(q.Sources) == 0 && q.When == "" {
		return true
	}
	narrow := q.narrows[ev.App]
	return narrow != nil && narrow(ev)
}

// lettersFound are the dead letters of one answer, newest first.
type lettersFound struct {
	letters []gateway.DeadLetter
	// next is where older ones go on (before=), zero at the end; newest is the end
	// (after=), for the next look.
	next, newest uint64
}

// maxLetters bounds how many dead letters one answer looks at.
const maxLetters = 20_000

// searchLetters goes backwards from the newest, or from q.before. The store reads
// forwards alone, and steps over what was taken away: so it goes in strides, which
// grow where there is nothing.
func (a *api) searchLetters(ctx context.Context, q *letterQuery) (lettersFound, error) {
	var f lettersFound
	first, last, _, err := a.DeadLetters.DeadLetterBounds(ctx)
	if err != nil {
		return f, err
	}
	f.newest = last
	end := last + 1
	if q.before > 0 {
		end = min(end, q.before)
	}
	first = max(first, q.after+1, 1)
	looked := 0
	for stride := uint64(64); end > first; {
		begin := first
		if end-first > stride {
			begin = end - stride
		}
		var block []gateway.DeadLetter
		for seq := begin; seq < end; {
			l, err := a.DeadLetters.NextDeadLetter(ctx, seq, q.endpoint)
			if errors.Is(err, gateway.ErrNoLetter) || err == nil && l.Seq >= end {
				break
			}
			if err != nil {
				return f, err
			}
			looked++
			if q.wants(&l) {
				block = append(block, l)
			}
			seq = l.Seq + 1
		}
		for _, l := range slices.Backward(block) {
			if len(f.letters) == q.limit {
				f.next = f.letters[len(f.letters)-1].Seq
				return f, nil
			}
			f.letters = append(f.letters, l)
		}
		if looked >= maxLetters && begin > first {
			f.next = begin
			return f, nil
		}
		if len(block) == 0 {
			stride = min(2*stride, maxLetters)
		}
		end = begin
	}
	return f, nil
}

// eachLetter calls do for each dead letter that q wants, the oldest first, from
// number from on and up to the end that there is now. It stops at an error of do.
func (a *api) eachLetter(ctx context.Context, q *letterQuery, from uint64, do func(*gateway.DeadLetter) error) error {
	_, last, _, err := a.DeadLetters.DeadLetterBounds(ctx)
	if err != nil {
		return err
	}
	for seq := from; seq <= last; {
		l, err := a.DeadLetters.NextDeadLetter(ctx, seq, q.endpoint)
		if errors.Is(err, gateway.ErrNoLetter) {
			return nil
		}
		if err != nil {
			return err
		}
		if seq = l.Seq + 1; l.Seq <= last && q.wants(&l) {
			if err := do(&l); err != nil {
				return err
			}
		}
	}
	return nil
}
