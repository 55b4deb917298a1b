package easemob

import (
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
// callback is not understood yet and asks for delivery.
func (d *Dialect) Ack(req *dialect.Request, evs []*event.Event) dialect.Response {
	if strings.Trim(req.Path, "/") == preSend || (len(evs) == 1 && evs[0].Command == preSend) {
		return valid(verdict{Valid: new(true)})
	}
	return dialect.Response{Status: http.StatusOK, ContentType: textType, Body: []byte("ok")}
}

// Answer says deliver or block. Whether the sender of a blocked message is told is
// a switch of the rule, so drop is a block without words; a rewrite becomes a
// block.
func (d *Dialect) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	switch v.Action {
	case event.Allow:
		return valid(verdict{Valid: new(true)})
	case event.Deny, event.Rewrite:
		res := valid(verdict{Valid: new(false), Code: cut(v.Reason, maxReason)})
		if utf8.RuneCount(res.Body) > maxAnswer {
			res = valid(verdict{Valid: new(false), Code: cut(v.Reason, maxEscaped)})
		}
		return res
	default:
		return valid(verdict{Valid: new(false)})
	}
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
}

func valid(v verdict) dialect.Response {
	b, err := dialect.Marshal(&v)
	if err != nil { // no value of these types fails
		b = []byte(`{"valid":false}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: b}
}

// Verdict reads a hook's answer. One that replaces the payload is
// [dialect.ErrBadReply]: letting the message through as it was would not be what
// the hook said.
func (d *Dialect) Verdict(_ *event.Event, res *dialect.Response) (event.Verdict, error) {
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
	switch {
	case v.Valid == nil:
		return event.Verdict{}, fmt.Errorf("%w: valid is missing", dialect.ErrBadReply)
	case !*v.Valid:
		return event.Verdict{Action: event.Deny, Reason: v.Code}, nil
	case v.Payload != nil && v.Payload.Kind() != 'n':
		return event.Verdict{}, fmt.Errorf("%w: replacing the payload is not supported", dialect.ErrBadReply)
	}
	return event.Allowed(), nil
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
