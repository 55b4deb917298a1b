package send

import (
	"context"
	"fmt"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// SendBatch makes one attempt to deliver several events in one request: as many of
// evs as can share one, from the first on. It returns what became of those, in
// order; the others need a request of their own, so call it again with them. At
// least one outcome is returned for at least one event.
//
// Events that came in the endpoint's own dialect are items byte for byte. What the
// dialect cannot express, and echoes, are among the outcomes and in no request. A
// batch ends before an event that goes to another path or query, that takes several
// requests, that cannot be encoded or would make the body longer than
// Config.BatchBytes; where such an event is the first, it goes alone. A batch of one
// event has the form of a batch too.
//
// The request is signed once, as a whole. Its id, the webhook-id of CloudEvents, is
// the event's own when it carries one event, otherwise a hash of the events' ids in
// their order: an attempt with the very same events repeats it, any other does not.
// What tells an event's repetition is therefore the id in the item, not that of the
// request. Imhook-Event-Id and Traceparent are sent with a single event only, Imhook-Repeat
// with the mark of the first: events that are marked share no request with others.
func (s *Sender) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	begin := s.cfg.Now()
	p := s.pack(evs)
	if len(p.reqs) == 0 {
		if len(p.outs) == 0 {
			return []gateway.Outcome{s.Send(ctx, evs[0], 0)}
		}
		return p.outs
	}
	out := s.postBatch(ctx, p, evs)
	out.Took = s.cfg.Now().Sub(begin)
	out.Together = len(p.reqs)
	if out.Kind == gateway.Delivered {
		out.Sent = 1
	}
	for _, i := range p.at {
		p.outs[i] = out
	}
	return p.outs
}

// pack is what shares one request.
type pack struct {
	// outs are of the first events; those of events in the request are zero.
	outs []gateway.Outcome
	// reqs are the items, and at their events' places.
	reqs []dialect.Request
	at   []int
	// size is about what the body will have: items with what stands between them.
	size int64
}

// pack encodes the events that share one request. No outcome means that the first
// event goes alone.
func (s *Sender) pack(evs []*event.Event) *pack {
	p := &pack{
		outs: make([]gateway.Outcome, 0, len(evs)), reqs: make([]dialect.Request, 0, len(evs)), at: make([]int, 0, len(evs)),
		size: int64(len("[]")),
	}
	batcher, ok := s.cfg.Dialect.(dialect.Batcher)
	if !ok {
		return p
	}
	for i, ev := range evs {
		req, out, single := s.item(ev)
		switch {
		case !single:
			return p
		case out.Kind == gateway.Untranslatable || out.Kind == gateway.Echoed:
			p.outs = append(p.outs, out)
			continue
		case out.Kind != "":
			// It waits or is parked, and what follows in its lane must not be sent
			// before that.
			if i == 0 {
				p.outs = append(p.outs, out)
			}
			return p
		case !p.takes(batcher, &req, s.cfg.BatchBytes):
			return p
		}
		p.outs = append(p.outs, gateway.Outcome{})
		p.reqs, p.at = append(p.reqs, req), append(p.at, i)
		p.size += int64(len(req.Body) + len(","))
	}
	return p
}

// takes reports whether req can share the request.
func (p *pack) takes(batcher dialect.Batcher, req *dialect.Request, limit int64) bool {
	if len(p.reqs) == 0 {
		return true
	}
	first := &p.reqs[0]
	if req.Path != first.Path || req.Query != first.Query || p.size+int64(len(req.Body)) > limit {
		return false
	}
	if len(p.reqs) > 1 {
		return true
	}
	// Some dialects have batches of some commands only, and say so here.
	_, err := batcher.Batch([]dialect.Request{*first, *req})
	return err == nil
}

// item says one event as a part of a batch; single is false when it must go alone,
// and an outcome with a kind means that there is nothing to send.
func (s *Sender) item(ev *event.Event) (req dialect.Request, out gateway.Outcome, single bool) {
	if s.passesThrough(ev) {
		req = dialect.RawRequest(ev)
		req.Path = s.overrides.apply(ev.Command, s.cfg.Dialect.Path(ev))
		return req, out, true
	}
	reqs, out := s.translate(ev)
	if out.Kind != "" {
		return req, out, true
	}
	if len(reqs) > 1 || len(reqs[0].Header) > 0 {
		return req, out, false
	}
	reqs[0].Path = s.overrides.apply("", reqs[0].Path)
	return reqs[0], out, true
}

// postBatch joins the items, signs them once and makes one exchange.
func (s *Sender) postBatch(ctx context.Context, p *pack, evs []*event.Event) gateway.Outcome {
	joined, err := s.cfg.Dialect.(dialect.Batcher).Batch(p.reqs)
	if err != nil {
		return s.unsendable(gateway.Refused, gateway.ReasonEncode, fmt.Errorf("joining %d events: %w", len(p.reqs), err))
	}
	first := evs[p.at[0]]
	id, l := first.ID, label{event: first.ID, trace: traceOf(first), repeat: first.Repeat}
	if len(p.at) > 1 {
		id, l = batchID(evs, p.at), label{joined: true, repeat: first.Repeat}
	}
	return s.post(ctx, &joined, id, l)
}

// batchID names a batch of several events.
func batchID(evs []*event.Event, at []int) string {
	ids := make([]string, 0, len(at)+1)
	ids = append(ids, "batch")
	for _, i := range at {
		ids = append(ids, evs[i].ID)
	}
	return event.DeriveID(ids...)
}
