package imfake_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toy is the smallest dialect that has all that the fakes use: a signature, a
// stamp on it, before- and after-events, and answers of its own.
type toy struct{ name string }

type toyBody struct {
	ID    string `json:"id"`
	Group string `json:"group"`
	Text  string `json:"text"`
	Big   int64  `json:"big"`
}

func (d toy) Spec() *dialect.Spec {
	return &dialect.Spec{
		Name: d.name, MaxAge: time.Minute,
		Commands: []dialect.Command{{Name: "say", Phase: event.After}, {Name: "ask", Phase: event.Before}},
	}
}

func (toy) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	var stamp int64
	var secret string
	if _, err := fmt.Sscanf(req.Header.Get("Toy-Signature"), "%d %s", &stamp, &secret); err != nil {
		return dialect.Proof{}, dialect.ErrSignature
	}
	if age := v.Now.Sub(time.Unix(stamp, 0)); v.MaxAge > 0 && age.Abs() > v.MaxAge {
		return dialect.Proof{}, dialect.ErrStale
	}
	for i, s := range cred.Live(v.Now) {
		if s == secret {
			return dialect.Proof{Secret: i}, nil
		}
	}
	return dialect.Proof{}, dialect.ErrSignature
}

func (d toy) Decode(req *dialect.Request) ([]*event.Event, error) {
	var b toyBody
	if err := dialect.Unmarshal(d.name, req.Path, req.Body, &b); err != nil {
		return nil, err
	}
	ev := &event.Event{
		ID: b.ID, Type: event.MessageSend, Phase: event.After, Dialect: d.name, Command: "say",
		Lane:    event.NewLane(event.KindGroup, b.Group),
		Message: &event.Message{ID: b.ID, Text: b.Text},
		Raw:     event.Raw{Dialect: d.name, Path: req.Path, Body: req.Body},
	}
	if req.Path == "/ask" {
		ev.Phase, ev.Lane = event.Before, ""
	}
	return []*event.Event{ev}, nil
}

func (toy) Ack(*dialect.Request, []*event.Event) dialect.Response {
	return dialect.Response{Status: http.StatusOK, ContentType: "text/toy", Body: []byte("fine")}
}

func (toy) Carries(*event.Event, event.Verdict) error { return nil }

func (toy) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	return dialect.Response{Status: http.StatusOK, Body: []byte(v.Action)}
}

func (toy) Refuse(_ *dialect.Request, status int, err error) dialect.Response {
	return dialect.Response{Status: status, Body: []byte(err.Error())}
}

func (toy) Path(*event.Event) string { return "/say" }

func (toy) Encode(ev *event.Event, _ dialect.Target) ([]dialect.Request, error) {
	body, err := json.Marshal(toyBody{ID: ev.ID, Group: ev.Conversation.ID, Text: ev.Message.Text})
	return []dialect.Request{{Path: "/say", ContentType: "application/json", Body: body}}, err
}

func (toy) Sign(req *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	secret, ok := cred.Signing(now)
	if !ok {
		return nil
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header.Set("Toy-Signature", fmt.Sprintf("%d %s", now.Unix(), secret))
	return nil
}

func (toy) Verdict(_ *event.Event, res *dialect.Response, _ dialect.Target) (event.Verdict, error) {
	return event.Verdict{Action: event.Action(res.Body)}, nil
}

func (toy) Judge(*dialect.Response) error { return nil }

func (toy) Sample(command string, r *rand.Rand, _ time.Time) (dialect.Request, error) {
	if command != "say" && command != "ask" {
		return dialect.Request{}, dialect.ErrUnknownCommand
	}
	body := fmt.Appendf(nil, `{"id": "m%d", "group": "tea", "text": "hello", "big": 9007199254740993}`, r.Uint32())
	return dialect.Request{Path: "/" + command, ContentType: "application/json", Body: bytes.Clone(body)}, nil
}

func secret(s string) dialect.Credentials {
	return dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: dialect.Secret(s)}}}
}
