package easemob

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// maxAnswer is how many characters an answer may have before the server takes it
// for an attack.
const maxAnswer = 1000

// maxReason leaves room for the rest of an answer, maxEscaped also for a reason
// whose every character is written in six.
const (
	maxReason  = 900
	maxEscaped = maxReason / 6
)

// Ack answers post-send callbacks, whose success is the status alone. A pre-send
// callback that is not understood asks for delivery.
func (d *Dialect) Ack(req *dialect.Request, evs []*event.Event) dialect.Response {
	if strings.Trim(req.Path, "/") == preSend || (len(evs) == 1 && evs[0].Command == preSend) {
		return valid(verdict{Valid: new(true)})
	}
	return dialect.Response{Status: http.StatusOK, ContentType: textType, Body: []byte("ok")}
}

// Answer says deliver, block or deliver this instead. Whether the sender of a
// blocked message is told is a switch of the rule, so drop is a block without
// words. A rewrite that the answer cannot carry is a block as well: one of
// anything but the message, of a command, into another kind of content, or one
// that makes the answer longer than the server takes.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	switch {
	case len(v.Refused) > 0:
		return deny(v.Reason)
	case v.Action == event.Allow:
		return valid(verdict{Valid: new(true)})
	case v.Action == event.Deny:
		return deny(v.Reason)
	case v.Action == event.Rewrite:
		res, err := rewrite(ev, v.Changes)
		if err != nil || utf8.RuneCount(res.Body) > maxAnswer {
			return deny(v.Reason)
		}
		return res
	}
	return valid(verdict{Valid: new(false)})
}

func deny(reason string) dialect.Response {
	res := valid(verdict{Valid: new(false), Code: cut(reason, maxReason)})
	if utf8.RuneCount(res.Body) > maxAnswer {
		res = valid(verdict{Valid: new(false), Code: cut(reason, maxEscaped)})
	}
	return res
}

var errNoRewrite = errors.New("it cannot be said in an answer")

// answerVendor is Changes.Vendor of an answer that came in this dialect.
type answerVendor struct {
	// Payload is what the canonical message does not hold of the new payload; it
	// is there, if empty, whenever the answer had one.
	Payload jsontext.Value `json:"payload,omitzero"`
	Level   string         `json:"chatroom_msg_level,omitzero"`
}

// rewrite is the answer that replaces the message, in the form that the payload
// came in.
func rewrite(ev *event.Event, c *event.Changes) (dialect.Response, error) {
	answer := verdict{Valid: new(true)}
	if c == nil {
		return valid(answer), nil
	}
	if c.Group != nil || c.User != nil || c.Friend != nil || ev == nil || ev.Message == nil {
		return dialect.Response{}, errNoRewrite
	}
	own := ev.Dialect == Name
	var said answerVendor
	if own {
		if err := dialect.FromVendor(c.Vendor, &said); err != nil {
			return dialect.Response{}, err
		}
	}
	answer.Level = said.Level
	if c.Message == nil {
		if c.Push != nil {
			return dialect.Response{}, errNoRewrite
		}
		return valid(answer), nil
	}
	was, now := ev.Message, *c.Message
	if now.Kind == "" {
		now.Kind = was.Kind
	}
	if now.Kind != was.Kind || was.Kind == event.CommandKind {
		return dialect.Response{}, errNoRewrite
	}
	rest := said.Payload
	if rest == nil {
		var kept proposal
		if own {
			if err := dialect.FromVendor(ev.Vendor, &kept); err != nil {
				return dialect.Response{}, err
			}
		}
		rest = kept.Payload
		now = merge(was, now)
	}
	var err error
	answer.Payload, err = writeShape(rest, &now, ev.Type == event.MessageEdit, ev.Generation == legacy, own)
	return valid(answer), err
}

// merge keeps what a hook leaves out, since its dialect has no word for it.
func merge(was *event.Message, now event.Message) event.Message {
	if now.Media == nil {
		now.Media = was.Media
	}
	if now.Location == nil {
		now.Location = was.Location
	}
	if now.Custom == nil {
		now.Custom = was.Custom
	}
	if now.Mentions == nil {
		now.Mentions = was.Mentions
	}
	now.Extra = or(now.Extra, was.Extra)
	now.Edits, now.ID = was.Edits, was.ID
	if kinds[now.Kind].wire != now.Code {
		now.Code = was.Code
	}
	return now
}

// Refuse answers with the status, which the vendor's server takes as a failure
// and tries again once.
func (d *Dialect) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	words := http.StatusText(status)
	if err != nil {
		words = err.Error()
	}
	return dialect.Response{Status: status, ContentType: textType, Body: []byte(cut(words, maxAnswer))}
}

// verdict is an answer to pre_send.
type verdict struct {
	Valid *bool  `json:"valid"`
	Code  string `json:"code,omitzero"`
	// Payload replaces the message's.
	Payload jsontext.Value `json:"payload,omitzero"`
	// Level is high, normal or low, of a chatroom's message.
	Level string `json:"chatroom_msg_level,omitzero"`
}

func valid(v verdict) dialect.Response {
	b, err := dialect.Marshal(&v)
	if err != nil { // no value of these types fails
		b = []byte(`{"valid":false}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: b}
}

// Verdict reads a hook's answer as the vendor's server does. A payload is the
// whole new content: what the hook leaves out is gone. Where only the level of a
// chatroom's message is given, that is a rewrite of an Easemob message and nothing
// to anybody else's.
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response) (event.Verdict, error) {
	if res.Status != http.StatusOK {
		return event.Verdict{}, fmt.Errorf("%w: status %d, want 200", dialect.ErrBadReply, res.Status)
	}
	if n := utf8.RuneCount(res.Body); n > maxAnswer {
		return event.Verdict{}, fmt.Errorf("%w: %d characters, at most %d are allowed", dialect.ErrBadReply, n, maxAnswer)
	}
	var v verdict
	if err := dialect.Unmarshal(Name, preSend, res.Body, &v); err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	own := ev != nil && ev.Dialect == Name && ev.Command == preSend
	switch {
	case v.Valid == nil:
		return event.Verdict{}, fmt.Errorf("%w: valid is missing", dialect.ErrBadReply)
	case !*v.Valid:
		return event.Verdict{Action: event.Deny, Reason: v.Code}, nil
	case v.Payload == nil || v.Payload.Kind() == 'n':
		if v.Level == "" || !own {
			return event.Allowed(), nil
		}
		changes, err := answerVendor{Level: v.Level}.changes(nil)
		return event.Verdict{Action: event.Rewrite, Changes: changes}, err
	}
	s, err := readShape(v.Payload)
	if err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	msg := &event.Message{}
	if _, ok, err := s.message(msg, ""); err != nil || !ok {
		return event.Verdict{}, fmt.Errorf("%w: payload holds no message", dialect.ErrBadReply)
	}
	if !own {
		msg.Code = "" // a word of ours means something else there
		return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: msg}}, nil
	}
	if (s.whole != nil) != (ev.Generation == legacy) {
		return event.Verdict{}, fmt.Errorf("%w: payload is not of the form that the callback has", dialect.ErrBadReply)
	}
	rest, err := s.rest()
	if err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	if len(rest) == 0 {
		rest = []byte("{}")
	}
	changes, err := answerVendor{Payload: rest, Level: v.Level}.changes(msg)
	return event.Verdict{Action: event.Rewrite, Changes: changes}, err
}

func (a answerVendor) changes(msg *event.Message) (*event.Changes, error) {
	vendor, err := dialect.Marshal(&a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	return &event.Changes{Message: msg, Vendor: vendor}, nil
}

// Judge finds no refusal: the vendor looks at the status alone.
func (d *Dialect) Judge(*dialect.Response) error { return nil }

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	seen := 0
	for i := range s {
		if seen == n {
			return s[:i]
		}
		seen++
	}
	return s
}
