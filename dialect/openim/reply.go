package openim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// defaultCode is the error that a sender sees when a refusal brings none of its
// own: codes up to 0 would read as "internal server error".
const defaultCode = 5001

// codes are what every answer has: CommonCallbackResp.
type codes struct {
	ActionCode int32  `json:"actionCode"`
	ErrCode    int32  `json:"errCode"`
	ErrMsg     string `json:"errMsg"`
	ErrDlt     string `json:"errDlt"`
	NextCode   int32  `json:"nextCode"`
}

// oldCodes are those of v2.
type oldCodes struct {
	ActionCode  int32  `json:"actionCode"`
	ErrCode     int32  `json:"errCode"`
	ErrMsg      string `json:"errMsg"`
	OperationID string `json:"operationID"`
}

// refuses is the rule of each generation for what stops an operation.
func (c *codes) refuses(generation string) bool {
	switch generation {
	case v20:
		return c.ActionCode == 1 && c.ErrCode == 0
	case v21:
		return c.ActionCode != 0
	case v30:
		return c.ActionCode != 0 || c.ErrCode != 0
	case v35:
		return c.ActionCode != 0 || c.NextCode == 1
	}
	return c.ActionCode == 0 && c.NextCode == 1
}

// changes reports whether the server reads what an answer that does not refuse
// wants changed: v2 does so only when all went well.
func (c *codes) changes(generation string) bool {
	return !second(generation) || c.ActionCode == 0 && c.ErrCode == 0
}

// Ack allows: the server throws the answers to after-events away, but takes one
// that is no JSON for a failure.
func (d *Dialect) Ack(_ *dialect.Request, evs []*event.Event) dialect.Response {
	var ev *event.Event
	if len(evs) > 0 {
		ev = evs[0]
	}
	return plain(ev, codes{})
}

// Refuse says what is wrong in one line, which is no JSON. Up to v3.6 the server's
// own failedContinue then decides about a before-event, as for any failure; newer
// servers stop the operation, as for any failure. The status it never reads.
func (d *Dialect) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	line := http.StatusText(status)
	if err != nil {
		line = strings.Join(strings.Fields(err.Error()), " ")
	}
	return dialect.Response{Status: status, ContentType: textType, Body: []byte(line + "\n")}
}

// Judge looks for a refusal inside an answer to an after-event: an errCode, or the two
// codes that stop an operation since v3.7. The server itself throws the answer away.
// actionCode alone says nothing here: up to v2.3 it refuses, since v3.7 it lets through.
func (d *Dialect) Judge(res *dialect.Response) error {
	var r struct {
		ActionCode *int   `json:"actionCode"`
		ErrCode    int    `json:"errCode"`
		ErrMsg     string `json:"errMsg"`
		NextCode   int    `json:"nextCode"`
	}
	if err := json.Unmarshal(res.Body, &r); err != nil {
		return nil //nolint:nilerr // what is not of our form says nothing, and the server does not look
	}
	if r.ErrCode != 0 || r.ActionCode != nil && *r.ActionCode == 0 && r.NextCode == 1 {
		return fmt.Errorf("%w: errCode %d: %.200s", dialect.ErrRefused, r.ErrCode, r.ErrMsg)
	}
	return nil
}

// Answer gives the verdict in the form of the event's generation. One form stops
// every v3. What it cannot tell becomes a refusal.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	res, err := d.say(ev, v)
	if err != nil {
		return deny(ev, dialect.Denial(v))
	}
	return res
}

// Carries takes allow and deny, and what the command's answer can change. No command
// knows a drop.
func (d *Dialect) Carries(ev *event.Event, v event.Verdict) error {
	_, err := d.say(ev, v)
	return err
}

// say is the answer that tells exactly v.
func (d *Dialect) say(ev *event.Event, v event.Verdict) (res dialect.Response, err error) {
	v, err = dialect.Settle(ev, v)
	switch {
	case err != nil:
		return res, err
	case v.Action == event.Deny:
		return deny(ev, v), nil
	case v.Action == event.Drop:
		return res, dialect.Uncarried("openim %s always tells that it was refused", ev.Command)
	case v.Action == event.Allow && v.Changes != nil:
		return res, dialect.Uncarried("openim has no vendor fields in an allow")
	}
	n := d.names[ev.Command]
	if ev.Dialect != Name || n.command == nil {
		if v.Action != event.Allow || len(v.Refused) > 0 {
			return res, dialect.Uncarried("openim's %.64q is not known, and takes allow and deny", ev.Command)
		}
		return plain(ev, codes{}), nil
	}
	if v.Action == event.Allow && len(v.Refused) == 0 && (n.answer == nil || n.answer.echo == nil) {
		return plain(ev, codes{}), nil
	}
	p := &proposal{ev: ev, command: n.command, generation: generationOf(ev)}
	o, err := n.overridesOf(p, &v)
	if err != nil {
		return res, err
	}
	res = answer(ev, codes{}, o)
	if v.Action == event.Allow && len(v.Refused) == 0 {
		return res, nil
	}
	// Read it again: what does not come through cannot be said here.
	back, err := d.Verdict(ev, &res, dialect.Target{Generation: p.generation})
	if err != nil {
		return res, dialect.Uncarried("openim's server could not read this answer to %s", ev.Command)
	}
	return res, p.cameThrough(&v, &back)
}

// overridesOf is what an answer that lets the proposal through says beside the
// codes.
func (n naming) overridesOf(p *proposal, v *event.Verdict) (o overrides, err error) {
	if n.answer != nil && n.answer.echo != nil {
		n.answer.echo(p, &o)
	}
	if len(v.Refused) > 0 && (n.answer == nil || n.answer.without == nil || !n.answer.without(p, v.Refused, &o)) {
		return o, dialect.Uncarried("openim %s names no refused members", n.name)
	}
	if v.Action == event.Rewrite {
		if n.answer == nil {
			return o, dialect.Uncarried("openim %s takes no rewrite", n.name)
		}
		if v.Changes == nil {
			return o, dialect.Uncarried("the rewrite says nothing that it changes")
		}
		return o, n.answer.lay(p, v.Changes, &o)
	}
	return o, nil
}

// generationOf is the generation whose rules hold for an event.
func generationOf(ev *event.Event) string {
	if ev == nil || ev.Dialect != Name {
		return v37
	}
	return written(ev.Generation)
}

// deny refuses: with errCode 0 where v2.0 wants it so, with actionCode in v2.1,
// and with the one form that every v3 takes.
func deny(ev *event.Event, v event.Verdict) dialect.Response {
	code, reason := v.Code, v.Reason
	if code <= 0 || code > math.MaxInt32 {
		code = defaultCode
	}
	c := codes{ErrCode: int32(code), ErrMsg: reason, ErrDlt: reason, NextCode: 1}
	switch generationOf(ev) {
	case v20:
		c.ActionCode, c.ErrCode = 1, 0
	case v21:
		c.ActionCode = 1
	}
	return plain(ev, c)
}

// plain writes an answer that is nothing but codes, as answer does. It is what nearly
// all answers are, and each is made twice: to see whether it can be, and to give it.
func plain(ev *event.Event, c codes) dialect.Response {
	b := make([]byte, 0, 96+len(c.ErrMsg)+len(c.ErrDlt))
	b = strconv.AppendInt(append(b, `{"actionCode":`...), int64(c.ActionCode), 10)
	b = strconv.AppendInt(append(b, `,"errCode":`...), int64(c.ErrCode), 10)
	b = dialect.AppendString(append(b, `,"errMsg":`...), c.ErrMsg)
	if second(generationOf(ev)) {
		b = dialect.AppendString(append(b, `,"operationID":`...), operationOf(ev))
	} else {
		b = dialect.AppendString(append(b, `,"errDlt":`...), c.ErrDlt)
		b = strconv.AppendInt(append(b, `,"nextCode":`...), int64(c.NextCode), 10)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: append(b, '}')}
}

// answer writes an answer.
func answer(ev *event.Event, c codes, o overrides) dialect.Response {
	var v any = &struct {
		codes
		overrides
	}{c, o}
	if second(generationOf(ev)) {
		v = &struct {
			oldCodes
			overrides
		}{oldCodes{c.ActionCode, c.ErrCode, c.ErrMsg, operationOf(ev)}, o}
	}
	body, err := dialect.Marshal(v)
	if err != nil { // no value of these types fails
		body = []byte(`{"actionCode":0,"errCode":500,"errMsg":"","errDlt":"","nextCode":1}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: body}
}

// operationOf is the operation that v2 wants to hear again; it does not read it.
func operationOf(ev *event.Event) string {
	if ev == nil || len(ev.Vendor) == 0 {
		return ""
	}
	var kept struct {
		OperationID string `json:"operationID"`
	}
	_ = dialect.FromVendor(ev.Vendor, &kept)
	return kept.OperationID
}

// replyOptions are how the server reads answers, with encoding/json: names in any
// case, and the last of those given twice.
var replyOptions = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
	json.MatchCaseInsensitiveNames(true),
)

// Verdict reads a hook's answer by the rule of the generation that it was asked in:
// what lets a message through in one stops it in another. The status counts as little as it
// does for the server, but an answer that is no success must have one of the
// codes: a proxy's own error page may be JSON.
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response, to dialect.Target) (event.Verdict, error) {
	var w struct {
		codes
		Rest jsontext.Value `json:",embed"`
	}
	var told struct {
		ActionCode jsontext.Value `json:"actionCode"`
		ErrCode    jsontext.Value `json:"errCode"`
		NextCode   jsontext.Value `json:"nextCode"`
	}
	success := res.Status >= 200 && res.Status <= 299
	if !success || !w.scan(res.Body) {
		w.codes = codes{}
		if kind := jsontext.Value(res.Body).Kind(); kind != '{' {
			return event.Verdict{}, fmt.Errorf("%w: no JSON object", dialect.ErrBadReply)
		}
		if err := json.Unmarshal(res.Body, &w, replyOptions); err != nil {
			return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
		}
	}
	if !success {
		_ = json.Unmarshal(res.Body, &told, replyOptions)
		if told.ActionCode == nil && told.ErrCode == nil && told.NextCode == nil {
			return event.Verdict{}, fmt.Errorf("%w: status %d without a code", dialect.ErrBadReply, res.Status)
		}
	}
	generation := written(to.Asked(ev, Name))
	if w.refuses(generation) {
		return refusal(&w.codes, generation), nil
	}
	if ev == nil || !w.changes(generation) {
		return event.Allowed(), nil
	}
	c := d.choose(ev)
	if c == nil || c.answer == nil {
		return event.Allowed(), nil
	}
	p := &proposal{ev: ev, command: c, generation: generation}
	o, err := c.answer.read(p, w.Rest)
	if err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	return c.answer.verdict(p, &o)
}

// refusal is what the sender sees.
func refusal(c *codes, generation string) event.Verdict {
	v := event.Verdict{Action: event.Deny, Code: int(c.ErrCode), Reason: firstOf(c.ErrMsg, c.ErrDlt)}
	if v.Code <= 0 {
		v.Code = http.StatusInternalServerError
		if second(generation) {
			v.Code = http.StatusCreated
		}
	}
	return v
}
