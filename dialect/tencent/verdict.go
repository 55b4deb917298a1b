package tencent

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// reply reads an answer as the vendor's server does: any status but 200 and
// anything but a JSON object is a failure.
func reply(res *dialect.Response, o *object) error {
	if res.Status != http.StatusOK {
		return fmt.Errorf("%w: status %d, want 200", dialect.ErrBadReply, res.Status)
	}
	if err := o.parse(res.Body); err != nil {
		return fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	return nil
}

// Verdict reads a hook's answer to ev. In which form depends on the command that ev
// is said as here.
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response, _ dialect.Target) (event.Verdict, error) {
	var none event.Verdict
	var o object
	if err := reply(res, &o); err != nil {
		return none, err
	}
	code, given := o.int("ErrorCode")
	status, info := o.text("ActionStatus"), o.text("ErrorInfo")
	if o.bad != "" {
		return none, fmt.Errorf("%w: field %s: %w", dialect.ErrBadReply, o.bad, o.why)
	}
	c := d.choose(ev)
	var r rule
	if c != nil {
		r = rules[c.spec.Name]
	}
	switch {
	case !given && status == "":
		return none, fmt.Errorf("%w: ErrorCode is missing", dialect.ErrBadReply)
	case status == "FAIL" && code == codeAllow, r.each && code != codeAllow:
		// The server takes it as a failed call, not as a refusal.
		return none, fmt.Errorf("%w: it says that the call failed: %.200s", dialect.ErrBadReply, info)
	case code == codeDrop && r.drops:
		return event.Verdict{Action: event.Drop}, nil
	case code == codeDeny, code == int64(int(code)) && r.own(int(code)):
		v := event.Verdict{Action: event.Deny, Reason: info}
		if code != codeDeny {
			v.Code = int(code)
		}
		return v, nil
	case code != codeAllow:
		return none, fmt.Errorf("%w: ErrorCode %d is none that the command knows", dialect.ErrBadReply, code)
	}
	v := event.Allowed()
	var err error
	switch {
	case r.each:
		err = o.results(&v, ev)
	case r.partly != "":
		err = o.refused(&v, ev, r.partly, info)
	case r.rewrites:
		err = o.changed(&v, ev, d)
	}
	if err != nil {
		return none, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	return v, nil
}

// results reads ResultItem. All refused is a refusal; a target that is missing is
// let through, as the vendor's server does.
func (o *object) results(v *event.Verdict, ev *event.Event) error {
	for _, item := range o.list("ResultItem") {
		var one object
		if err := one.parse(item); err != nil {
			return fmt.Errorf("field ResultItem: %w", err)
		}
		code, _ := one.int("ResultCode")
		refusal := event.Refusal{ID: one.text("To_Account"), Code: int(code), Reason: one.text("ResultInfo")}
		if one.bad != "" {
			return fmt.Errorf("field ResultItem.%s: %w", one.bad, one.why)
		}
		if code != codeAllow {
			v.Refused = append(v.Refused, refusal)
		}
	}
	if o.bad != "" {
		return fmt.Errorf("field %s: %w", o.bad, o.why)
	}
	all(v, ev)
	return nil
}

// refused reads the list of those who are refused.
func (o *object) refused(v *event.Verdict, ev *event.Event, name, reason string) error {
	in := input{o: *o}
	for _, id := range in.texts(name) {
		v.Refused = append(v.Refused, event.Refusal{ID: id, Reason: reason})
	}
	if in.o.bad != "" {
		return fmt.Errorf("field %s: %w", in.o.bad, in.o.why)
	}
	all(v, ev)
	return nil
}

// all turns the refusal of everybody into one. Who was not asked about is passed over:
// a backend may answer with all whom it ever refuses.
func all(v *event.Verdict, ev *event.Event) {
	asked := make(map[string]bool, len(ev.Members))
	for _, m := range ev.Members {
		asked[m.ID] = true
	}
	v.Refused = slices.DeleteFunc(v.Refused, func(r event.Refusal) bool { return !asked[r.ID] })
	if len(v.Refused) == 0 || !everybody(ev, v.Refused) {
		return
	}
	first := v.Refused[0]
	*v = event.Verdict{Action: event.Deny, Code: first.Code, Reason: first.Reason}
}

// changed reads a new message. An answer that says the message again as it was asked
// about, as some backends always do, changes nothing, and neither does an empty one:
// where a source takes no new message, a change would be a refusal.
func (o *object) changed(v *event.Verdict, ev *event.Event, d *Dialect) error {
	body, extra := o.peek("MsgBody"), o.peek("CloudCustomData")
	if body == nil && extra == nil || ev.Message == nil {
		return nil
	}
	asked := d.asked(ev)
	if body != nil && (empty(body) || same(body, asked.peek("MsgBody"))) {
		body = nil
	}
	if string(extra) == `""` || same(extra, asked.peek("CloudCustomData")) {
		extra = nil
	}
	if body == nil && extra == nil {
		return nil
	}
	m := &event.Message{}
	if body == nil {
		*m = *ev.Message
	} else {
		in := input{o: object{fields: []field{{put: "MsgBody", value: body}}}}
		if err := in.readBody(m); err != nil {
			return err
		}
		m.Extra = ev.Message.Extra
		if in.o.bad != "" {
			return fmt.Errorf("field %s: %w", in.o.bad, in.o.why)
		}
		rest, err := in.o.rest()
		if err != nil {
			return err
		}
		if ev.Dialect != Name {
			m.Code = "" // a word of ours means nothing there
			rest = nil
		} else if rest == nil {
			rest = []byte("{}")
		}
		v.Changes = &event.Changes{Vendor: rest}
	}
	if extra != nil {
		if extra[0] != '"' {
			return fmt.Errorf("field CloudCustomData: unexpected %s, want a string", kindName(extra))
		}
		m.Extra = unquote(extra)
	}
	if v.Changes == nil {
		v.Changes = &event.Changes{}
	}
	v.Action, v.Changes.Message = event.Rewrite, m
	return nil
}

// asked is the body that a hook was asked about ev with.
func (d *Dialect) asked(ev *event.Event) *object {
	o := new(object)
	if reqs, err := d.Encode(ev, dialect.Target{}); err == nil && len(reqs) == 1 {
		_ = o.parse(reqs[0].Body) // it is ours
	}
	return o
}

// same reports whether two values say the same.
func same(a, b []byte) bool {
	if a == nil || b == nil {
		return false
	}
	v, w := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	return v.Canonicalize(lenient) == nil && w.Canonicalize(lenient) == nil && bytes.Equal(v, w)
}

// empty reports whether v is an array of nothing.
func empty(v []byte) bool {
	items, ok := dialect.Elements(v)
	return ok && len(items) == 0
}

// Judge looks for a refusal inside an answer to an after-event. The vendor's server
// itself does not look.
func (d *Dialect) Judge(res *dialect.Response) error {
	var o object
	if err := o.parse(res.Body); err != nil {
		return nil //nolint:nilerr // what is not of our form says nothing, and the vendor's server does not look
	}
	code, _ := o.int("ErrorCode")
	status, info := o.text("ActionStatus"), o.text("ErrorInfo")
	if status == "FAIL" || code != 0 {
		return fmt.Errorf("%w: ErrorCode %d: %.200s", dialect.ErrRefused, code, info)
	}
	return nil
}
