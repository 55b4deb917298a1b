package rongcloud

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What a question is answered; the same in both generations.
const (
	passRefuse  = 0
	passDeliver = 1
	passSkip    = 2 // deliver, and leave out the vendor's own later checks

	extraBytes = 1024
	// contentBytes is how long a message's content may be (docs.rongcloud.cn, sending
	// messages).
	contentBytes = 128 * 1024
)

// Ack answers after-callbacks, whose success is the status alone. A question that
// is not known, and was kept as unknown, asks for delivery: without an answer
// Nexconn delivers nothing.
func (d *Dialect) Ack(req *dialect.Request, evs []*event.Event) dialect.Response {
	question := "/"+commandOf(req.Path) == messageCallback
	for _, ev := range evs {
		question = question || strings.HasSuffix(ev.Command, preMessagingSuffix)
	}
	if question {
		return passed(&verdict{Pass: new(passDeliver)})
	}
	return dialect.Response{Status: http.StatusOK, ContentType: textType, Body: []byte("ok")}
}

// Answer says deliver, refuse or replace; what it cannot say is a refusal. Drop is a
// refusal without words: whether the sender is told is a switch of the console.
func (d *Dialect) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	r, err := say(ev, v)
	if err != nil {
		r = refusal(dialect.Denial(v).Reason)
	}
	return passed(r)
}

// Carries takes allow, deny and the replacement of what a message says, of its push
// and of its expansion; in either generation.
func (d *Dialect) Carries(ev *event.Event, v event.Verdict) error {
	_, err := say(ev, v)
	return err
}

// say is the answer that says exactly v.
func say(ev *event.Event, v event.Verdict) (*verdict, error) {
	v, err := dialect.Settle(ev, v)
	switch {
	case err != nil:
		return nil, err
	case v.Action == event.Deny:
		return refusal(v.Reason), nil
	case v.Action == event.Drop:
		return nil, dialect.Uncarried("a switch of rongcloud's console decides whether the sender of a refused message is told")
	case len(v.Refused) > 0:
		return nil, dialect.Uncarried("rongcloud names no refused members")
	case v.Action == event.Allow:
		if v.Changes != nil {
			if err := dialect.OnlyWords(Name, v.Changes.Vendor, "pass"); err != nil {
				return nil, err
			}
		}
		return &verdict{Pass: new(passOf(ev, v.Changes))}, nil
	}
	return replacement(ev, v.Changes)
}

func refusal(reason string) *verdict {
	return &verdict{Pass: new(passRefuse), Extra: cut(reason, extraBytes)}
}

// Refuse answers with the status, which the vendor's server takes as a failure
// and, for an after-callback, tries again.
func (d *Dialect) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	text := http.StatusText(status)
	if err != nil {
		text = err.Error()
	}
	return dialect.Response{Status: status, ContentType: textType, Body: []byte(cut(text, extraBytes))}
}

// verdict is an answer to a question.
type verdict struct {
	Pass  *int   `json:"pass"`
	Extra string `json:"extra,omitzero"`
	// What is put in place of the message's own; nil leaves it.
	Content      *string `json:"replaceContent,omitzero"`
	PushContent  *string `json:"replacePushContent,omitzero"`
	DisablePush  *bool   `json:"replaceDisablePush,omitzero"`
	PushExt      *string `json:"replacePushExt,omitzero"`
	ExtraContent *string `json:"replaceExtraContent,omitzero"`
}

func (v *verdict) replaces() bool {
	return v.Content != nil || v.PushContent != nil || v.DisablePush != nil || v.PushExt != nil || v.ExtraContent != nil
}

func passed(v *verdict) dialect.Response {
	body, err := dialect.Marshal(v)
	if err != nil { // no value of these types fails
		body = []byte(`{"pass":0}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: body}
}

// Verdict reads a hook's answer. What it says beyond the canonical form, that the
// vendor's later checks be left out and what replaces the message's expansion,
// stands in Changes.Vendor under the names pass and extraContent.
func (d *Dialect) Verdict(ev *event.Event, res *dialect.Response, _ dialect.Target) (event.Verdict, error) {
	if res.Status != http.StatusOK {
		return event.Verdict{}, fmt.Errorf("%w: status %d, want 200", dialect.ErrBadReply, res.Status)
	}
	var v verdict
	if err := dialect.Unmarshal(Name, "message_callback", res.Body, &v); err != nil {
		return event.Verdict{}, fmt.Errorf("%w: %w", dialect.ErrBadReply, err)
	}
	switch {
	case v.Pass == nil:
		return event.Verdict{}, fmt.Errorf("%w: pass is missing", dialect.ErrBadReply)
	case *v.Pass == passRefuse:
		return event.Verdict{Action: event.Deny, Reason: v.Extra}, nil
	case *v.Pass != passDeliver && *v.Pass != passSkip:
		return event.Verdict{}, fmt.Errorf("%w: pass is %d, want 0, 1 or 2", dialect.ErrBadReply, *v.Pass)
	}
	if v.repeats(ev) {
		v.Content = nil
	}
	if !v.replaces() {
		return event.Verdict{Action: event.Allow, Changes: v.beyond(ev)}, nil
	}
	changes, err := v.changes(ev)
	if err != nil {
		return event.Verdict{}, err
	}
	return event.Verdict{Action: event.Rewrite, Changes: changes}, nil
}

// Judge finds no refusal: the vendor looks at the status alone.
func (d *Dialect) Judge(*dialect.Response) error { return nil }

// cut shortens s to at most n bytes at a rune's end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
