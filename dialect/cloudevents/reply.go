package cloudevents

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Ack says how many events were taken.
func (d *Dialect) Ack(_ *dialect.Request, evs []*event.Event) dialect.Response {
	return answer(http.StatusOK, struct {
		Accepted int `json:"accepted"`
	}{len(evs)})
}

// Answer is the verdict as it is: this dialect carries all of it that JSON can hold.
func (d *Dialect) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	body, err := say(&v)
	if err != nil { // refuse rather than let it through
		body = []byte(`{"verdict":"deny","reason":"the verdict cannot be written"}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: body}
}

// Carries takes every verdict but what is none.
func (d *Dialect) Carries(_ *event.Event, v event.Verdict) error {
	_, err := say(&v)
	return err
}

// say writes a verdict.
func say(v *event.Verdict) ([]byte, error) {
	switch v.Action {
	case event.Allow, event.Deny, event.Drop:
	case event.Rewrite:
		if v.Changes == nil {
			return nil, dialect.Uncarried("a cloudevents rewrite says what it changes, and this one does not")
		}
	default:
		return nil, dialect.Uncarried("%.32q is no verdict", v.Action)
	}
	body, err := dialect.Marshal(v)
	if err != nil {
		return nil, dialect.Uncarried("the verdict cannot be written as JSON")
	}
	return body, nil
}

// refusal is the body of an answer to what was not accepted.
type refusal struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	// Field is what in the body is wrong, where that is known.
	Field string `json:"field,omitzero"`
}

// Refuse answers with the status and the reason.
func (d *Dialect) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	r := refusal{Status: status, Message: http.StatusText(status)}
	if err != nil {
		r.Message = err.Error()
	}
	if de, ok := errors.AsType[*dialect.DecodeError](err); ok {
		r.Field = de.Field
	}
	return answer(status, struct {
		Error refusal `json:"error"`
	}{r})
}

func answer(status int, v any) dialect.Response {
	body, err := dialect.Marshal(v)
	if err != nil { // no value of these types fails
		body = []byte(`{}`)
	}
	return dialect.Response{Status: status, ContentType: jsonType, Body: body}
}

// Verdict reads a hook's answer. An empty success is allow; a word that is no
// verdict, or a rewrite that says nothing, is [dialect.ErrBadReply].
func (d *Dialect) Verdict(_ *event.Event, res *dialect.Response, _ dialect.Target) (event.Verdict, error) {
	if res.Status < 200 || res.Status > 299 {
		return event.Verdict{}, fmt.Errorf("%w: status %d", dialect.ErrBadReply, res.Status)
	}
	if len(bytes.TrimSpace(res.Body)) == 0 {
		return event.Allowed(), nil
	}
	var v event.Verdict
	if err := dialect.Unmarshal(Name, "verdict", res.Body, &v); err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	switch v.Action {
	case event.Allow, event.Deny, event.Drop:
		return v, nil
	case event.Rewrite:
		if v.Changes == nil {
			return event.Verdict{}, fmt.Errorf("%w: verdict is rewrite and rewrite is missing", dialect.ErrBadReply)
		}
		return v, nil
	case "":
		return event.Verdict{}, fmt.Errorf("%w: verdict is missing", dialect.ErrBadReply)
	}
	return event.Verdict{}, fmt.Errorf("%w: verdict is %.32q, want allow, deny, drop or rewrite", dialect.ErrBadReply, v.Action)
}

// Judge finds a refusal of this dialect's own form, {"error":{"message":…}}, inside
// a success.
func (d *Dialect) Judge(res *dialect.Response) error {
	if !bytes.Contains(res.Body, []byte(`"error"`)) {
		return nil
	}
	var body struct {
		Error jsontext.Value `json:"error"`
	}
	var r refusal
	// A backend may answer anything: what is not of our form says nothing.
	ours := dialect.Unmarshal(Name, "", res.Body, &body) == nil && body.Error.Kind() == '{' &&
		dialect.Unmarshal(Name, "", body.Error, &r) == nil && r.Message != ""
	if !ours {
		return nil
	}
	return fmt.Errorf("%w: %.200s", dialect.ErrRefused, r.Message)
}
