package send

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Ask asks the endpoint, which is a hook then, for its verdict on a before-event:
// encode, sign, POST, and read the answer in the hook's dialect. It returns when
// there is an answer, when the question's deadline is past or when ctx ends; the
// Timeout of the configuration plays no part.
//
// A proposal about several members, which the hook's dialect can only say one by one,
// is asked in as many requests side by side, and the answers are put together again.
func (s *Sender) Ask(ctx context.Context, q gateway.Question) gateway.Reply {
	reqs, fail := s.question(q)
	if fail.Cause != "" {
		return fail
	}
	if len(reqs) == 1 {
		return s.askOne(ctx, q, &reqs[0], q.Event.ID)
	}
	return s.askEach(ctx, q, reqs)
}

// question says the proposal in the hook's dialect; a reply with a cause means that
// there is nothing to ask.
func (s *Sender) question(q gateway.Question) ([]dialect.Request, gateway.Reply) {
	ev := q.Event
	if !q.Changed && s.passesThrough(ev) {
		req := dialect.RawRequest(ev)
		req.Path = s.overrides.apply(ev.Command, s.cfg.Dialect.Path(ev))
		return []dialect.Request{req}, gateway.Reply{}
	}
	reqs, err := s.cfg.Dialect.Encode(ev, s.asked(ev))
	switch {
	case errors.Is(err, dialect.ErrUntranslatable):
		return nil, gateway.Reply{Cause: gateway.CauseUntranslatable, Detail: s.redact.line(err.Error())}
	case err != nil:
		return nil, s.unasked(gateway.ReasonEncode, fmt.Errorf("encoding %s: %w", describe(ev), err))
	case len(reqs) == 0:
		return nil, gateway.Reply{Cause: gateway.CauseUntranslatable, Detail: cut(s.name+" says nothing for "+describe(ev), detailBytes)}
	}
	for i := range reqs {
		reqs[i].Path = s.overrides.apply("", reqs[i].Path)
	}
	return reqs, gateway.Reply{}
}

// target is whom requests are encoded for.
func (s *Sender) target() dialect.Target {
	return dialect.Target{Generation: s.cfg.Generation, Credentials: s.cfg.Credentials, Now: s.cfg.Now()}
}

// asked is whom a question about ev is encoded for, and by whose rules its answer is
// read. A hook that takes any generation is asked about an event of its own dialect in
// that of the event, whether the bytes are passed on or had to be written again.
func (s *Sender) asked(ev *event.Event) dialect.Target {
	to := s.target()
	to.Generation = to.Asked(ev, s.name)
	return to
}

// askOne makes one exchange.
func (s *Sender) askOne(ctx context.Context, q gateway.Question, req *dialect.Request, id string) gateway.Reply {
	if s.copyBody {
		req.Body = append([]byte(nil), req.Body...)
	}
	now := s.cfg.Now()
	if err := s.cfg.Dialect.Sign(req, s.cfg.Credentials, id, now); err != nil {
		return s.unasked(gateway.ReasonSign, fmt.Errorf("signing: %w", err))
	}
	s.signed(now)
	hreq, err := s.request(ctx, label{event: id, trace: traceOf(q.Event)}, req)
	if err != nil {
		return s.unasked(gateway.ReasonEncode, err)
	}
	ans, err := s.exchange(hreq, req.Body, until{q.Deadline, true})
	if err != nil {
		return s.unanswered(ctx, ans, err)
	}
	if ans.err != nil {
		return s.unanswered(ctx, ans, ans.err)
	}
	return s.answered(q, ans)
}

// answered reads a whole answer.
func (s *Sender) answered(q gateway.Question, ans answer) gateway.Reply {
	r := gateway.Reply{Cause: gateway.CauseHook, Status: ans.status}
	if ans.more {
		r.Cause, r.Reason = gateway.CauseBadReply, gateway.ReasonTooLarge
		r.Detail = fmt.Sprintf("the answer is longer than %d bytes", s.cfg.MaxResponse)
		return r
	}
	v, err := s.cfg.Dialect.Verdict(q.Event, &dialect.Response{
		Status: ans.status, ContentType: ans.header.Get("Content-Type"), Header: ans.header, Body: ans.body,
	}, s.asked(q.Event))
	if err == nil {
		r.Verdict, r.Keep = v, keep(ans.header)
		return r
	}
	// Which statuses carry a verdict is up to the dialect; one that carries none is
	// the hook's trouble and not its answer.
	if c := classifyStatus(ans.status); c.reason != gateway.ReasonNone {
		r.Cause, r.Reason, r.Detail = gateway.CauseError, c.reason, s.redact.line(s.statusDetail(ans))
		return r
	}
	r.Cause, r.Detail = gateway.CauseBadReply, s.redact.line(err.Error())
	return r
}

// unanswered is the reply of a hook that gave no answer, or not to its end.
func (s *Sender) unanswered(ctx context.Context, ans answer, err error) gateway.Reply {
	c := classifyError(ctx, err)
	r := gateway.Reply{Cause: gateway.CauseError, Reason: c.reason, Status: ans.status, Detail: s.redact.line(string(c.reason) + ": " + err.Error())}
	switch c.reason {
	case gateway.ReasonTimeout:
		r.Cause = gateway.CauseTimeout
	case gateway.ReasonCancelled:
		r.Cause = gateway.CauseCancelled
	}
	return r
}

func (s *Sender) unasked(reason gateway.Reason, err error) gateway.Reply {
	return gateway.Reply{Cause: gateway.CauseError, Reason: reason, Detail: s.redact.line(err.Error())}
}

// askEach asks about one member after the other, as many at once as there may be
// connections. The first one that gets no answer fails them all: half a verdict is
// none.
func (s *Sender) askEach(ctx context.Context, q gateway.Question, reqs []dialect.Request) gateway.Reply {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replies := make([]gateway.Reply, len(reqs))
	var mu sync.Mutex
	var next int
	var failed *gateway.Reply
	var defect any
	// turn returns the next one to ask about; false when there is none, or no use.
	turn := func() (k int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		k, next = next, next+1
		return k, k < len(reqs) && failed == nil && defect == nil
	}
	ask := func(k int) {
		defer func() {
			p := recover()
			mu.Lock()
			defer mu.Unlock()
			if p != nil && defect == nil {
				defect = p
			}
			if replies[k].Cause != gateway.CauseHook && failed == nil {
				failed = &replies[k]
				cancel()
			}
		}()
		id := reqs[k].ID
		if id == "" {
			id = event.PartID(q.Event.ID, k)
		}
		replies[k] = s.askOne(ctx, q, &reqs[k], id)
	}
	var wg sync.WaitGroup
	for range min(len(reqs), s.cfg.Concurrency) {
		wg.Go(func() {
			for k, ok := turn(); ok; k, ok = turn() {
				ask(k)
			}
		})
	}
	wg.Wait()
	if defect != nil {
		panic(defect) // where whoever asks expects it
	}
	if failed != nil {
		return *failed
	}
	r := replies[0]
	r.Keep = gateway.Keep{}
	r.Verdict = together(q.Event.Members, replies)
	return r
}

// together puts the verdicts on single members into one. Where requests and members
// are not as many, nobody knows whom a refusal is about: then it is about all.
func together(members []event.Member, replies []gateway.Reply) event.Verdict {
	v := event.Allowed()
	var denied event.Verdict
	refused := 0
	for k := range replies {
		said := replies[k].Verdict
		switch said.Action {
		case event.Deny, event.Drop:
			refused++
			if denied.Action == "" {
				denied = said
			}
			if len(members) == len(replies) {
				v.Refused = append(v.Refused, event.Refusal{ID: members[k].ID, Code: said.Code, Reason: said.Reason})
			}
		default:
			v.Refused = append(v.Refused, said.Refused...)
			if v.Changes == nil && said.Changes != nil {
				v.Action, v.Changes = said.Action, said.Changes
			}
		}
	}
	if refused == len(replies) || refused > 0 && len(members) != len(replies) {
		return denied
	}
	return v
}
