package send

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Sender makes attempts for one endpoint. It is safe for concurrent use. Make it
// with [New].
type Sender struct {
	cfg       Config
	name      string // the dialect's
	transport *pool
	template  *http.Request
	base      *url.URL
	baseQuery url.Values
	overrides overrides
	redact    *redactor
	// copyBody is true for dialects that sign with a secret: Sign may write the
	// signature into the body, and the body belongs to the journal.
	copyBody bool
	// userAgent and authorization are header values that never change.
	userAgent     []string
	authorization []string
	// last is where the latest request went.
	last atomic.Pointer[place]
}

// New checks the configuration; nothing is called before [Sender.Send].
func New(cfg Config) (*Sender, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := parseBase(cfg.URL)
	if err != nil {
		return nil, err
	}
	spec := cfg.Dialect.Spec()
	os, err := newOverrides(spec, cfg.Paths)
	if err != nil {
		return nil, err
	}
	s := &Sender{
		cfg:       cfg,
		name:      spec.Name,
		transport: newTransport(cfg, base),
		template:  newTemplate(base),
		base:      base,
		baseQuery: base.Query(),
		overrides: os,
		redact:    newRedactor(spec, cfg.Credentials, base),
		userAgent: []string{"imhook/" + cfg.Version},
	}
	for _, k := range spec.Credentials {
		s.copyBody = s.copyBody || k.Secret
	}
	if u := base.User; u != nil {
		s.authorization = []string{"Basic " + basicAuth(u)}
	}
	return s, nil
}

// basicAuth is user and password as basic authentication writes them.
func basicAuth(u *url.Userinfo) string {
	password, _ := u.Password()
	return base64.StdEncoding.EncodeToString([]byte(u.Username() + ":" + password))
}

// Close closes idle connections. Attempts under way are not disturbed; their
// connections are closed when they end.
func (s *Sender) Close() { s.transport.close() }

// Send makes one attempt to deliver ev, of which the first sent requests are
// through already. ev needs its envelope and Raw only; it is not changed. Send
// returns when the attempt is over, timed out or ctx ends; the last is
// [gateway.ReasonCancelled].
func (s *Sender) Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	begin := s.cfg.Now()
	out := s.send(ctx, ev, sent)
	out.Took = s.cfg.Now().Sub(begin)
	return out
}

func (s *Sender) send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	if s.passesThrough(ev) {
		req := dialect.RawRequest(ev)
		req.Path = s.overrides.apply(ev.Command, s.cfg.Dialect.Path(ev))
		out := s.post(ctx, &req, ev.ID, label{event: ev.ID, trace: traceOf(ev), repeat: ev.Repeat})
		if out.Kind == gateway.Delivered {
			out.Sent = 1
		}
		return out
	}
	reqs, out := s.translate(ev)
	if out.Kind != "" {
		return out
	}
	if sent >= len(reqs) {
		// It was sent in more requests than it takes now: the endpoint was
		// configured anew in between, and what it has is not this.
		sent = 0
	}
	var note gateway.Outcome // a refusal in an answer that is ignored
	for k := sent; k < len(reqs); k++ {
		req := &reqs[k]
		req.Path = s.overrides.apply("", req.Path)
		id := req.ID
		switch {
		case id != "":
		case len(reqs) > 1:
			id = event.PartID(ev.ID, k)
		default:
			id = ev.ID
		}
		out := s.post(ctx, req, id, label{event: id, trace: traceOf(ev), repeat: ev.Repeat})
		if out.Kind != gateway.Delivered {
			out.Sent = k
			return out
		}
		if note.Reason == gateway.ReasonNone {
			note = out
		}
	}
	note.Sent = len(reqs)
	return note
}

// passesThrough reports whether the event's own bytes are what the endpoint
// understands. A generation that the wire does not tell is taken for the right
// one.
func (s *Sender) passesThrough(ev *event.Event) bool {
	return ev.Raw.Dialect == s.name &&
		(s.cfg.Generation == "" || ev.Generation == "" || s.cfg.Generation == ev.Generation)
}

// translate says the event in the endpoint's dialect; an outcome with a kind
// means that there is nothing to send.
func (s *Sender) translate(ev *event.Event) ([]dialect.Request, gateway.Outcome) {
	if ev.Type == event.VendorUnknown && ev.Raw.Dialect != s.name {
		return nil, untranslatable("nothing is known of " + describe(ev))
	}
	if ev.Echo && ev.Dialect != s.name && !s.cfg.Echoes {
		return nil, gateway.Outcome{Kind: gateway.Echoed}
	}
	if !ev.Raw.IsZero() {
		full, err := s.cfg.Registry.Restore(ev)
		if err != nil {
			return nil, s.unsendable(gateway.Refused, gateway.ReasonEncode, err)
		}
		ev = full
	}
	reqs, err := s.cfg.Dialect.Encode(ev, s.target())
	switch {
	case errors.Is(err, dialect.ErrUntranslatable):
		return nil, untranslatable(s.redact.line(err.Error()))
	case err != nil:
		return nil, s.unsendable(gateway.Refused, gateway.ReasonEncode, fmt.Errorf("encoding %s: %w", describe(ev), err))
	case len(reqs) == 0:
		return nil, untranslatable(s.name + " says nothing for " + describe(ev))
	}
	return reqs, gateway.Outcome{}
}

// post signs req as id and makes one exchange of it.
func (s *Sender) post(ctx context.Context, req *dialect.Request, id string, l label) gateway.Outcome {
	unsigned := req.Body
	if s.copyBody && !l.joined {
		req.Body = bytes.Clone(req.Body)
	}
	now := s.cfg.Now()
	if err := s.cfg.Dialect.Sign(req, s.cfg.Credentials, id, now); err != nil {
		return s.unsendable(gateway.Misconfigured, gateway.ReasonSign, fmt.Errorf("signing: %w", err))
	}
	s.signed(now)
	hreq, err := s.request(ctx, l, req)
	if err != nil {
		return s.unsendable(gateway.Refused, gateway.ReasonEncode, err)
	}
	ans, err := s.exchange(hreq, req.Body, until{Time: time.Now().Add(s.cfg.Timeout)})
	if err != nil {
		c := classifyError(ctx, err)
		detail := string(c.reason) + ": " + err.Error()
		return s.failed(c, hreq, unsigned, ans, detail, err)
	}
	return s.judge(ctx, hreq, unsigned, ans)
}

// signed notes which secret dialects sign with now: the first valid one.
func (s *Sender) signed(now time.Time) {
	for i := range s.cfg.Credentials.Secrets {
		if d := &s.cfg.Credentials.Secrets[i]; d.Live(now) {
			s.cfg.Uses.Note(d.Value, now)
			return
		}
	}
}

// judge turns an answer into an outcome.
func (s *Sender) judge(ctx context.Context, hreq *http.Request, unsigned []byte, ans answer) gateway.Outcome {
	if s.cfg.Vendor != nil {
		return s.judgeAsVendor(ctx, hreq, unsigned, ans)
	}
	c := classifyStatus(ans.status)
	if c.kind != gateway.Delivered {
		out := s.failed(c, hreq, unsigned, ans, s.statusDetail(ans), nil)
		if c.kind == gateway.Retry && !c.pause {
			out.RetryAfter = retryAfter(ans.header.Get("Retry-After"), s.cfg.Now())
		}
		return out
	}
	c, detail := s.judgeBody(ctx, ans)
	if c.kind == gateway.Delivered {
		return gateway.Outcome{Kind: c.kind, Reason: c.reason, Status: ans.status, Detail: s.redact.line(detail)}
	}
	return s.failed(c, hreq, unsigned, ans, detail, ans.err)
}

// judgeBody looks for a refusal inside a 2xx answer and applies the policy. With
// RefusalIgnore the event is delivered in any case: the status said so.
func (s *Sender) judgeBody(ctx context.Context, ans answer) (class, string) {
	c := class{kind: gateway.Delivered}
	var detail string
	switch {
	case ans.err != nil:
		c = classifyError(ctx, ans.err)
		detail = "reading the answer: " + ans.err.Error()
	case ans.more:
		c = class{kind: gateway.Refused, reason: gateway.ReasonTooLarge}
		detail = fmt.Sprintf("the answer is longer than %d bytes", s.cfg.MaxResponse)
	default:
		err := s.cfg.Dialect.Judge(&dialect.Response{
			Status: ans.status, ContentType: ans.header.Get("Content-Type"), Header: ans.header, Body: ans.body,
		})
		if err == nil {
			return c, ""
		}
		detail = err.Error()
		c = class{kind: gateway.Refused, reason: gateway.ReasonRefused}
		if s.cfg.OnRefusal == RefusalRetry {
			c.kind = gateway.Retry
		}
	}
	if s.cfg.OnRefusal == RefusalIgnore {
		c.kind = gateway.Delivered
	}
	return c, detail
}

// failed is the outcome of a request that was made and did not deliver.
func (s *Sender) failed(c class, hreq *http.Request, unsigned []byte, ans answer, detail string, err error) gateway.Outcome {
	out := gateway.Outcome{Kind: c.kind, Reason: c.reason, Status: ans.status, Pause: c.pause, Detail: s.redact.line(detail)}
	if c.reason != gateway.ReasonCancelled {
		out.Exchange = s.show(hreq, unsigned, ans, err)
	}
	return out
}

// unsendable is the outcome of an event that was not sent.
func (s *Sender) unsendable(kind gateway.OutcomeKind, reason gateway.Reason, err error) gateway.Outcome {
	return gateway.Outcome{Kind: kind, Reason: reason, Detail: s.redact.line(err.Error())}
}

func untranslatable(why string) gateway.Outcome {
	return gateway.Outcome{Kind: gateway.Untranslatable, Detail: cut(why, detailBytes)}
}

func describe(ev *event.Event) string { return ev.Dialect + " " + ev.Command }

// statusDetail says in one line what an answer other than 2xx was.
func (s *Sender) statusDetail(ans answer) string {
	detail := fmt.Sprintf("answered %d %s", ans.status, http.StatusText(ans.status))
	if loc := ans.header.Get("Location"); loc != "" && ans.status >= 300 && ans.status < 400 {
		detail += " to " + s.showLocation(loc) + ", which is not followed: set the url to where it really is"
	}
	return detail
}
