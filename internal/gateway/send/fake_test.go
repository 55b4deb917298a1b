package send

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// fake is a dialect small enough to see through. Its body is a JSON object; it
// signs in the query, in a header and, where the body holds "sig":"000", there.
type fake struct{ spec dialect.Spec }

var _ dialect.Dialect = (*fake)(nil)

type fakeBody struct {
	Text string `json:"text"`
	// To are the members; encoding takes one request for each.
	To   []string `json:"to,omitempty"`
	Sig  string   `json:"sig,omitempty"`
	Fail string   `json:"fail,omitempty"`
}

func newFake(name string) *fake {
	return &fake{spec: dialect.Spec{
		Name: name,
		Commands: []dialect.Command{
			{Name: "say", Phase: event.After, Path: "/say", Types: []event.Type{event.MessageSend}},
			{Name: "robot", Phase: event.After, Path: "/robot/{robot}", Types: []event.Type{event.BotMessageSend}},
			{Name: "odd", Phase: event.After, Types: []event.Type{event.VendorUnknown}},
		},
		Credentials:     []dialect.CredentialKey{{Name: "secret", Secret: true}},
		Generations:     []string{"v2", "v1"},
		SignatureExempt: []string{"sign", "X-Sign"},
	}}
}

func (f *fake) Spec() *dialect.Spec { return &f.spec }

func (f *fake) Sample(string, *rand.Rand, time.Time) (dialect.Request, error) {
	return dialect.Request{}, dialect.ErrUnknownCommand
}

func (f *fake) Verify(*dialect.Request, dialect.Credentials, dialect.Verification) (dialect.Proof, error) {
	return dialect.Proof{Secret: -1}, nil
}

func (f *fake) Decode(req *dialect.Request) ([]*event.Event, error) {
	var b fakeBody
	if err := json.Unmarshal(req.Body, &b); err != nil {
		return nil, &dialect.DecodeError{Dialect: f.spec.Name, Err: err}
	}
	ev := &event.Event{
		Type: event.MessageSend, Phase: event.After, Dialect: f.spec.Name, Command: "say",
		Message: &event.Message{Text: b.Text},
		Raw:     event.Raw{Dialect: f.spec.Name, Path: req.Path, Query: req.Query, ContentType: req.ContentType, Body: req.Body},
	}
	for _, to := range b.To {
		ev.Members = append(ev.Members, event.Member{ID: to})
	}
	return []*event.Event{ev}, nil
}

func (f *fake) Ack(*dialect.Request, []*event.Event) dialect.Response {
	return dialect.Response{Status: 200}
}

func (f *fake) Answer(*event.Event, event.Verdict) dialect.Response {
	return dialect.Response{Status: 200}
}

func (f *fake) Carries(*event.Event, event.Verdict) error { return nil }

func (f *fake) Refuse(_ *dialect.Request, status int, _ error) dialect.Response {
	return dialect.Response{Status: status}
}

func (f *fake) Path(ev *event.Event) string { return ev.Raw.Path }

func (f *fake) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	switch ev.Message.Text {
	case "untranslatable":
		return nil, dialect.Untranslatable("no such thing as %s", ev.Type)
	case "broken":
		return nil, fmt.Errorf("cannot be encoded")
	case "newline":
		return []dialect.Request{{Path: "/say", Header: http.Header{"X-Odd": {"a\nb"}}, Body: []byte("{}")}}, nil
	case "space":
		return []dialect.Request{{Path: "/say", Query: "a=b c", Body: []byte("{}")}}, nil
	case "nothing":
		return nil, nil
	}
	members := ev.Members
	if members == nil {
		members = []event.Member{{}}
	}
	var reqs []dialect.Request
	for _, m := range members {
		body := fmt.Sprintf(`{"text":%q,"one":%q,"generation":%q}`, ev.Message.Text, m.ID, to.Generation)
		reqs = append(reqs, dialect.Request{Path: "/say", ContentType: "application/json", Body: []byte(body)})
	}
	return reqs, nil
}

func (f *fake) Sign(req *dialect.Request, cred dialect.Credentials, id string, now time.Time) error {
	secret, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	sig := fmt.Sprintf("%x", event.Hash(secret, id))
	req.Query = strings.TrimPrefix(req.Query+"&sign="+sig, "&")
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("X-Sign", sig)
	if i := bytes.Index(req.Body, []byte(`"sig":"000"`)); i >= 0 {
		copy(req.Body[i+7:], sig[:3]) // in place, as a dialect may
	}
	return nil
}

// Verdict: a hook of generation v1 says pass for allow.
func (f *fake) Verdict(ev *event.Event, res *dialect.Response, to dialect.Target) (event.Verdict, error) {
	var v struct {
		Verdict event.Action `json:"verdict"`
		Code    int          `json:"code"`
		Reason  string       `json:"reason"`
	}
	if err := json.Unmarshal(res.Body, &v); err != nil || v.Verdict == "" {
		return event.Verdict{}, fmt.Errorf("%w: %.20q", dialect.ErrBadReply, res.Body)
	}
	if v.Verdict == "pass" {
		if to.Asked(ev, f.spec.Name) != "v1" {
			return event.Verdict{}, fmt.Errorf("%w: pass is a word of v1", dialect.ErrBadReply)
		}
		v.Verdict = event.Allow
	}
	return event.Verdict{Action: v.Verdict, Code: v.Code, Reason: v.Reason}, nil
}

func (f *fake) Judge(res *dialect.Response) error {
	if bytes.HasPrefix(res.Body, []byte("no")) {
		return fmt.Errorf("%w: %s", dialect.ErrRefused, res.Body)
	}
	return nil
}
