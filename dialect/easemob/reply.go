package easemob

import (
	"bytes"
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

// maxText is how many bytes a text may have in an answer.
const maxText = 1024

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

// Answer says deliver, block or deliver this instead; what it cannot say is a block.
// Whether the sender of a blocked message is told is a switch of the rule, so drop is
// a block without words.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	res, err := d.say(ev, v)
	if err != nil {
		return deny(dialect.Denial(v).Reason)
	}
	return res
}

// Carries takes allow, deny, another level of a chatroom's message, and a rewrite of
// the message into one of its kind that is no longer than the server takes.
func (d *Dialect) Carries(ev *event.Event, v event.Verdict) error {
	_, err := d.say(ev, v)
	return err
}

// say is the answer that says exactly v.
func (d *Dialect) say(ev *event.Event, v event.Verdict) (res dialect.Response, err error) {
	v, err = dialect.Settle(ev, v)
	switch {
	case err != nil:
		return res, err
	case v.Action == event.Deny:
		return deny(v.Reason), nil
	case v.Action == event.Drop:
		return res, dialect.Uncarried("a switch of easemob's rule decides whether the sender of a blocked message is told")
	case len(v.Refused) > 0:
		return res, dialect.Uncarried("easemob pre_send names no refused members")
	case v.Action == event.Allow && v.Changes != nil:
		return res, dialect.Uncarried("easemob has no vendor fields in an allow")
	case v.Action == event.Allow:
		return valid(verdict{Valid: new(true)}), nil
	}
	res, want, err := rewrite(ev, v.Changes)
	switch {
	case err != nil:
		return res, err
	case want != nil && (want.Kind == event.Text || want.Kind == event.Merged) && len(want.Text) > maxText:
		return res, dialect.Oversize(Name, "text", "bytes", len(want.Text), maxText)
	case utf8.RuneCount(res.Body) > maxAnswer:
		return res, dialect.Oversize(Name, "an answer", "characters", utf8.RuneCount(res.Body), maxAnswer)
	case want == nil:
		return res, nil
	}
	// Read it again: what does not come through cannot be said here.
	back, err := d.Verdict(ev, &res, dialect.Target{Generation: ev.Generation})
	if err != nil || back.Changes == nil || back.Changes.Message == nil {
		return res, dialect.Uncarried("easemob has no payload for a %s like this", want.Kind)
	}
	if field := dialect.Lost(want, back.Changes.Message); field != "" {
		return res, dialect.Uncarried("easemob cannot replace a message's %s with this", field)
	}
	return res, nil
}

func deny(reason string) dialect.Response {
	res := valid(verdict{Valid: new(false), Code: cut(reason, maxReason)})
	if utf8.RuneCount(res.Body) > maxAnswer {
		res = valid(verdict{Valid: new(false), Code: cut(reason, maxEscaped)})
	}
	return res
}

// answerVendor is Changes.Vendor of an answer that came in this dialect.
type answerVendor struct {
	// Payload is what the canonical message does not hold of the new payload; it
	// is there, if empty, whenever the answer had one.
	Payload jsontext.Value `json:"payload,omitzero"`
	Level   string         `json:"chatroom_msg_level,omitzero"`
}

// rewrite is the answer that replaces the message, in the form that the payload
// came in, and the message that it is to say; nil when that stays.
func rewrite(ev *event.Event, c *event.Changes) (dialect.Response, *event.Message, error) {
	answer := verdict{Valid: new(true)}
	if c == nil {
		return valid(answer), nil, nil
	}
	none := dialect.Response{}
	if c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil || ev == nil || ev.Message == nil {
		return none, nil, dialect.Uncarried("easemob pre_send takes a new message and nothing else")
	}
	if err := dialect.OnlyWords(Name, c.Vendor, "payload", "chatroom_msg_level"); err != nil {
		return none, nil, err
	}
	own := ev.Dialect == Name
	var said answerVendor
	if own {
		if err := dialect.FromVendor(c.Vendor, &said); err != nil {
			return none, nil, dialect.Uncarried("the vendor fields of the rewrite are not of easemob's form")
		}
	}
	answer.Level = said.Level
	if c.Message == nil {
		if said.Payload != nil {
			return none, nil, dialect.Uncarried("easemob's vendor field payload stands beside a message, and there is none")
		}
		return valid(answer), nil, nil
	}
	was, now := ev.Message, *c.Message
	if now.Kind == "" {
		now.Kind = was.Kind
	}
	switch {
	case now.Kind != was.Kind:
		return none, nil, dialect.Uncarried("easemob cannot turn %s into %s", was.Kind, now.Kind)
	case was.Kind == event.CommandKind:
		return none, nil, dialect.Uncarried("easemob takes no rewrite of a command")
	}
	rest := said.Payload
	if rest == nil {
		var kept proposal
		if own {
			if err := dialect.FromVendor(ev.Vendor, &kept); err != nil {
				return none, nil, dialect.Uncarried("the message came in with vendor fields that cannot be read again")
			}
		}
		rest = kept.Payload
		now = merge(was, now)
	}
	var err error
	if answer.Payload, err = writeShape(rest, &now, ev.Type == event.MessageEdit, ev.Generation == legacy, own); err != nil {
		return none, nil, dialect.Uncarried("easemob has no payload for a %s like this", now.Kind)
	}
	return valid(answer), &now, nil
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
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response, to dialect.Target) (event.Verdict, error) {
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
	if !own && d.repeats(ev, v.Payload, to) {
		v.Payload = nil
	}
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
	old := to.Asked(ev, Name) == legacy
	if (s.whole != nil) != old {
		return event.Verdict{}, fmt.Errorf("%w: payload is not of the form that the callback has", dialect.ErrBadReply)
	}
	if old != (ev.Generation == legacy) { // the rest has another form in the other generation
		return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: msg}}, nil
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

// repeats reports whether a payload is the one that a hook was asked about, as some
// backends always answer: where the source takes no new message, a rewrite would be a
// refusal.
func (d *Dialect) repeats(ev *event.Event, payload jsontext.Value, to dialect.Target) bool {
	if ev == nil || payload.Kind() != '{' {
		return false
	}
	reqs, err := d.Encode(ev, to)
	if err != nil || len(reqs) != 1 {
		return false
	}
	var asked proposal
	if err := parse(preSend, reqs[0].Body, &asked); err != nil {
		return false
	}
	a, b := asked.Payload.Clone(), payload.Clone()
	return a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
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
