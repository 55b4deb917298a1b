package rongcloud

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What message_callback is answered.
const (
	passRefuse  = 0
	passDeliver = 1
	passSkip    = 2 // deliver, and leave out the vendor's own later checks

	extraBytes = 1024
)

// messageCallback is the path of the one before-command.
const messageCallback = "/message_callback"

// Ack answers after-callbacks, whose success is the status alone. A request to
// message_callback is not understood yet and asks for delivery.
func (d *Dialect) Ack(req *dialect.Request, _ []*event.Event) dialect.Response {
	if "/"+commandOf(req.Path) == messageCallback {
		return passed(verdict{Pass: new(passDeliver)})
	}
	return dialect.Response{Status: http.StatusOK, ContentType: textType, Body: []byte("ok")}
}

// Answer says deliver or refuse. Whether the sender of a refused message is told
// is a switch of the vendor's console, so drop is refusal without words; a
// rewrite becomes a refusal.
func (d *Dialect) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	switch v.Action {
	case event.Allow:
		return passed(verdict{Pass: new(passDeliver)})
	case event.Deny, event.Rewrite:
		return passed(verdict{Pass: new(passRefuse), Extra: cut(v.Reason, extraBytes)})
	default:
		return passed(verdict{Pass: new(passRefuse)})
	}
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

// verdict is an answer to message_callback, as far as it is read.
type verdict struct {
	Pass  *int   `json:"pass"`
	Extra string `json:"extra,omitzero"`
	// What a hook may put in place of the message's own.
	Content      *string `json:"replaceContent,omitzero"`
	PushContent  *string `json:"replacePushContent,omitzero"`
	DisablePush  *bool   `json:"replaceDisablePush,omitzero"`
	PushExt      *string `json:"replacePushExt,omitzero"`
	ExtraContent *string `json:"replaceExtraContent,omitzero"`
}

func (v *verdict) replaces() bool {
	return v.Content != nil || v.PushContent != nil || v.DisablePush != nil || v.PushExt != nil || v.ExtraContent != nil
}

func passed(v verdict) dialect.Response {
	body, err := dialect.Marshal(&v)
	if err != nil { // no value of these types fails
		body = []byte(`{"pass":0}`)
	}
	return dialect.Response{Status: http.StatusOK, ContentType: jsonType, Body: body}
}

// Verdict reads a hook's answer. One that replaces content is [dialect.ErrBadReply]:
// letting the message through as it was would not be what the hook said.
func (d *Dialect) Verdict(_ *event.Event, res *dialect.Response) (event.Verdict, error) {
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
	case v.replaces():
		return event.Verdict{}, fmt.Errorf("%w: replacing content is not supported", dialect.ErrBadReply)
	}
	return event.Allowed(), nil
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
