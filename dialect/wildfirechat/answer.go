package wildfirechat

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Ack is the answer that the vendor's own receiver gives. Nobody reads it.
func (d *Dialect) Ack(*dialect.Request, []*event.Event) dialect.Response {
	return dialect.Response{Status: http.StatusOK, ContentType: textType, Body: []byte("ok")}
}

// Refuse says what is wrong in one line. WildfireChat never sends an after-event
// again; of the censor it takes any status but 200 and 403 as leave to send. A 403
// there would refuse every message because of, say, a wrong address list, so that
// it becomes 401.
func (d *Dialect) Refuse(req *dialect.Request, status int, err error) dialect.Response {
	if status == http.StatusForbidden && req != nil {
		if c, _ := d.route(req.Path); c != nil && c.spec.Phase == event.Before {
			status = http.StatusUnauthorized
		}
	}
	line := http.StatusText(status)
	if err != nil {
		line = strings.Join(strings.Fields(err.Error()), " ")
	}
	return dialect.Response{Status: status, ContentType: textType, Body: []byte(line + "\n")}
}

// Answer tells the censor's verdict: 200 without a body allows, 403 refuses, and
// 200 with a whole payload replaces. What it cannot tell it refuses.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	res, err := d.say(ev, v)
	if err != nil {
		return dialect.Response{Status: http.StatusForbidden}
	}
	return res
}

// Carries takes allow, deny and a rewrite of the message. Whether the sender learns
// of a refusal is a setting of the server, so that it knows no drop.
func (d *Dialect) Carries(ev *event.Event, v event.Verdict) error {
	_, err := d.say(ev, v)
	return err
}

// say is the answer that tells exactly v.
func (d *Dialect) say(ev *event.Event, v event.Verdict) (res dialect.Response, err error) {
	if v, err = dialect.Settle(ev, v); err != nil {
		return res, err
	}
	switch {
	case v.Action == event.Deny:
		return dialect.Response{Status: http.StatusForbidden}, nil
	case v.Action == event.Drop:
		return res, dialect.Uncarried("the wildfirechat server decides whether the sender of a refused message is told (sensitive.remote_fail_when_matched)")
	case len(v.Refused) > 0:
		return res, dialect.Uncarried("wildfirechat censor names no refused members")
	case v.Action == event.Allow && v.Changes != nil:
		return res, dialect.Uncarried("wildfirechat has no vendor fields in an allow")
	}
	res.Status = http.StatusOK
	if v.Action == event.Allow {
		return res, nil
	}
	want, body, err := replacement(ev, v.Changes)
	if err != nil || body == nil {
		return res, err
	}
	res.ContentType, res.Body = jsonType, body
	// Read it again: what does not come through cannot be said here.
	back, err := d.Verdict(ev, &res, dialect.Target{Generation: current})
	if err != nil {
		return res, dialect.Uncarried("wildfirechat has no payload for a %s like this", want.Kind)
	}
	if field := dialect.Lost(&want, back.Changes.Message); field != "" {
		return res, dialect.Uncarried("wildfirechat cannot replace a message's %s with this", field)
	}
	return res, nil
}

// replyVendor is Changes.Vendor of a verdict that came in this dialect. Type is
// always there: it says that the message is whole, and that what it leaves empty
// is empty.
type replyVendor struct {
	Payload replyPayload `json:"payload"`
}

type replyPayload struct {
	Type int32 `json:"type"`
	payloadRest
}

// replacement is the payload that goes in place of the proposal's, and the message
// that it is to say; nil when nothing changes.
func replacement(ev *event.Event, c *event.Changes) (want event.Message, body []byte, err error) {
	if c == nil || c.Message == nil && c.Group == nil && c.User == nil && c.Friend == nil && c.Push == nil && c.Vendor == nil {
		return want, nil, nil
	}
	if c.Group != nil || c.User != nil || c.Friend != nil || ev == nil || ev.Message == nil {
		return want, nil, dialect.Uncarried("wildfirechat censor takes a new message and nothing else")
	}
	if err := dialect.OnlyWords(Name, c.Vendor, "payload"); err != nil {
		return want, nil, err
	}
	var kept messageVendor
	own := ev.Dialect == Name
	if own {
		if err := dialect.FromVendor(ev.Vendor, &kept); err != nil {
			return want, nil, dialect.Uncarried("the message came in with vendor fields that cannot be read again")
		}
	}
	m, rest := merge(ev.Message, c.Message, kept.Payload)
	switch whole, ok := wholePayload(c.Vendor); {
	case ok && c.Message != nil:
		m, rest = *c.Message, whole
		if m.Kind == "" {
			m.Kind = ev.Message.Kind
		}
	case len(c.Vendor) > 0:
		return want, nil, dialect.Uncarried("wildfirechat takes vendor fields as a payload with its type, beside the message")
	}
	if len(m.Parts) > 0 {
		return want, nil, dialect.Uncarried("a wildfirechat message has one part")
	}
	if c.Push != nil {
		m.Push = c.Push
	}
	var p payload
	if err := p.write(&m, &rest, own); err != nil {
		return want, nil, dialect.Uncarried("wildfirechat has no payload for a %s", m.Kind)
	}
	if p.Type <= 0 { // the server would take it as no payload and send the original
		return want, nil, dialect.Uncarried("wildfirechat has no payload of type %d", p.Type)
	}
	if body, err = dialect.Marshal(&p); err != nil {
		return want, nil, dialect.Uncarried("the message cannot be written as JSON")
	}
	return m, body, nil
}

// wholePayload reads what an answer in this dialect left beside the canonical
// message; false for the words of another dialect.
func wholePayload(vendor []byte) (payloadRest, bool) {
	var v struct {
		Payload struct {
			Type *int32 `json:"type"`
			payloadRest
		} `json:"payload"`
	}
	if len(vendor) == 0 || json.Unmarshal(vendor, &v) != nil || v.Payload.Type == nil {
		return payloadRest{}, false
	}
	return v.Payload.payloadRest, true
}

// merge lays the changed message over the original: what a hook leaves out, since
// its dialect has no word for it, stays. rest loses what belonged to what was
// changed.
func merge(was, now *event.Message, rest payloadRest) (event.Message, payloadRest) {
	m := *was
	if now == nil {
		return m, rest
	}
	m = *now
	if m.Kind == "" {
		m.Kind = was.Kind
	}
	if m.Kind != was.Kind {
		rest = payloadRest{}
	} else {
		rest = mergeContent(&m, was, rest)
	}
	if m.Mentions == nil {
		m.Mentions = was.Mentions
	} else {
		rest.MentionedType = nil
	}
	if m.Options == nil {
		m.Options = was.Options
	} else {
		rest.PersistFlag = nil
	}
	if m.Extra == "" {
		m.Extra = was.Extra
	}
	if was.Push != nil && (m.Push == nil || *m.Push == *was.Push) {
		push := *was.Push
		push.Content = censored(push.Content, was.Text, m.Text)
		push.Data = censored(push.Data, was.Text, m.Text)
		m.Push = &push
	}
	for _, kept := range []**string{&rest.Content, &rest.SearchableContent} {
		if *kept != nil {
			*kept = new(censored(**kept, was.Text, m.Text))
		}
	}
	return m, rest
}

// mergeContent lays m over a message of the same kind. Of what stood beside the
// original that goes which says the old content once more.
func mergeContent(m *event.Message, was *event.Message, rest payloadRest) payloadRest {
	if contentKind(codeOf(m.Code)) != m.Kind {
		m.Code = was.Code
	}
	if m.Text == "" && m.Kind != event.Text {
		m.Text = was.Text
	}
	told := false // the payload tells the old content
	if m.Media == nil {
		m.Media = was.Media
	} else if was.Media == nil || *m.Media != *was.Media {
		told = true
	}
	if m.Location == nil {
		m.Location = was.Location
	} else if was.Location == nil || *m.Location != *was.Location {
		told = true
	}
	retold := m.Text != was.Text && (m.Kind == event.LinkCard || m.Kind == event.Card || m.Kind == event.Merged || m.Kind == event.Notification)
	if told || retold {
		rest.SearchableContent, rest.Content, rest.Base64, rest.RemoteMediaURL = nil, nil, nil, nil
	}
	if m.Custom != nil {
		return rest
	}
	if m.Custom = was.Custom; m.Custom != nil && (told || retold) && (m.Kind == event.LinkCard || m.Kind == event.Card) {
		// Only whom a card is of does not stand in the text once more.
		m.Custom = &event.Payload{Name: was.Custom.Name}
	}
	return rest
}

// censored keeps a copy of the text, which a push or a second field carries, from
// telling what was taken out of it.
func censored(s, was, now string) string {
	if was == "" || was == now {
		return s
	}
	return strings.ReplaceAll(s, was, now)
}

func codeOf(s string) int32 {
	n, ok := javaInt(s)
	if !ok {
		return 0
	}
	return n
}

// Verdict reads a hook's answer as the IM server does: 403 refuses, 200 without a
// body allows, 200 with a payload of a type above 0 replaces. What the server
// would pass over, and then send the original, wraps [dialect.ErrBadReply]: any
// other status, and a body that is no payload.
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response, to dialect.Target) (event.Verdict, error) {
	switch {
	case res.Status == http.StatusForbidden:
		return event.Verdict{Action: event.Deny}, nil
	case res.Status != http.StatusOK:
		return event.Verdict{}, fmt.Errorf("%w: status %d is neither 200 nor 403", dialect.ErrBadReply, res.Status)
	case len(res.Body) == 0:
		return event.Allowed(), nil
	}
	p := payload{PersistFlag: absent}
	if err := dialect.Unmarshal(Name, "censor", res.Body, &p); err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	if p.Type <= 0 {
		return event.Verdict{}, fmt.Errorf("%w: payload type %d is not above 0", dialect.ErrBadReply, p.Type)
	}
	if d.repeats(ev, p, to) {
		return event.Allowed(), nil
	}
	// The payload of the old documents has no words for these two: they stay.
	old := ev != nil && ev.Message != nil && to.Asked(ev, Name) == legacy
	if old && p.PersistFlag == absent {
		p.PersistFlag = persist(ev.Message)
	}
	if old && p.Extra == "" {
		p.Extra = ev.Message.Extra
	}
	m := &event.Message{}
	p.message(m)
	changes := &event.Changes{Message: m}
	if ev == nil || ev.Dialect == Name {
		// What the server would not read need not go back to it.
		p.Unknown = nil
		vendor, err := dialect.Marshal(&replyVendor{Payload: replyPayload{Type: p.Type, payloadRest: p.payloadRest}})
		if err != nil {
			return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
		}
		changes.Vendor = vendor
	} else {
		m.Code = "" // a number of ours means something else there
		if was := ev.Message; was != nil {
			// It was told what the wire has no place for, and nobody else is.
			if len(was.Parts) > 0 {
				was = firstPart(was)
			}
			note := originOf(was, false)
			m.Extra = note.outOf(m.Extra, was.Extra)
		}
	}
	return event.Verdict{Action: event.Rewrite, Changes: changes}, nil
}

// repeats reports whether an answer is the payload that a hook was asked about, as some
// backends always answer, of a message of another dialect: where its source takes no new
// message, a rewrite would be a refusal.
func (d *Dialect) repeats(ev *event.Event, p payload, to dialect.Target) bool {
	if ev == nil || ev.Dialect == Name {
		return false
	}
	reqs, err := d.Encode(ev, to)
	if err != nil || len(reqs) != 1 {
		return false
	}
	asked := struct {
		Payload payload `json:"payload"`
	}{payload{PersistFlag: absent}}
	if err := dialect.Unmarshal(Name, "censor", reqs[0].Body, &asked); err != nil {
		return false
	}
	same := slices.Equal(asked.Payload.MentionedTarget, p.MentionedTarget)
	for _, one := range []*payload{&asked.Payload, &p} {
		one.MentionedTarget, one.Unknown = nil, nil
	}
	return same && reflect.DeepEqual(asked.Payload, p)
}
