package admin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// letterKeys are the parameters of a question about dead letters.
const letterKeys = "limit, endpoint, reason, type, source, conversation, when, id, since, until, before, after"

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

func (a *api) parseLetters(ctx context.Context, v url.Values) (*letterQuery, error) {
	q := &letterQuery{limit: defaultLimit, event: v.Get("id"), api: a, endpoint: a.endpointID(ctx, v.Get("endpoint"))}
	for key := range v {
		if !slices.Contains(strings.Split(letterKeys, ", "), key) {
			return q, fmt.Errorf("unknown parameter %q; there are %s", key, letterKeys)
		}
	}
	var err error
	if q.Selection, err = a.selection(wishedSelection{
		Types: v["type"], Sources: v["source"], Conversation: v.Get("conversation"), When: v.Get("when"),
		Since: v.Get("since"), Until: v.Get("until"), Reasons: v["reason"],
	}); err != nil {
		return q, err
	}
	if s := v.Get("limit"); s != "" {
		if q.limit, err = strconv.Atoi(s); err != nil || q.limit < 1 || q.limit > maxLimit {
			return q, fmt.Errorf("limit is %q; write 1 to %d", s, maxLimit)
		}
	}
	for key, to := range map[string]*uint64{"before": &q.before, "after": &q.after} {
		if s := v.Get(key); s != "" {
			if *to, err = strconv.ParseUint(s, 10, 64); err != nil {
				return q, fmt.Errorf("%s is %q; it is a cursor from an earlier answer", key, s)
			}
		}
	}
	return q, q.check()
}

// wishedSelection is a selection as somebody writes it.
type wishedSelection struct {
	Types        []string `json:"types"`
	Sources      []string `json:"sources"`
	Conversation string   `json:"conversation"`
	When         string   `json:"when"`
	Since        string   `json:"since"`
	Until        string   `json:"until"`
	Reasons      []string `json:"reasons"`
	// IDs are numbers of dead letters.
	IDs []string `json:"ids"`
}

// selection reads what somebody wrote.
func (a *api) selection(w wishedSelection) (gateway.Selection, error) {
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
