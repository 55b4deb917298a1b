package dialecttest

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// toy is a small dialect of two commands. It is right, unless a defect is set.
type toy struct{ defect string }

var toySpec = dialect.Spec{
	Name: "toy",
	Commands: []dialect.Command{
		{Name: "say", Phase: event.After, Types: []event.Type{event.MessageSend}, Line: "somebody said something"},
		{Name: "ask", Phase: event.Before, Path: "/ask", Types: []event.Type{event.MessageSend}, Line: "may he say it"},
	},
	Credentials:     []dialect.CredentialKey{{Name: "secret", Secret: true, Required: true}},
	MaxAge:          time.Minute,
	SignatureExempt: []string{"sum"},
}

type toyBody struct {
	Room    string         `json:"room"`
	From    string         `json:"from"`
	Text    string         `json:"text"`
	At      int64          `json:"at"`
	Mood    string         `json:"mood,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

type toyRest struct {
	Mood    string         `json:"mood,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

func (d *toy) has(defect string) bool { return d.defect == defect }

func (d *toy) Spec() *dialect.Spec { return &toySpec }

func (d *toy) sum(secret, at string, body []byte) string {
	sum := sha256.Sum256([]byte(secret + "\n" + at + "\n" + string(body)))
	return hex.EncodeToString(sum[:])
}

func (d *toy) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	all := map[string]string{}
	for c, value := range values(req) {
		if c.place == "query" {
			all[c.name] = value
		}
	}
	if all["sum"] == "" && !d.has("accepts unsigned") {
		return dialect.Proof{}, dialect.ErrSignature
	}
	match := -1
	secrets := cred.Live(v.Now)
	if d.has("accepts expired") {
		secrets = cred.Live(v.Now.Add(-100 * time.Hour))
	}
	for i, secret := range secrets {
		got, want := all["sum"], d.sum(secret, all["at"], req.Body)
		if d.has("looks at half a sum") {
			got, want = got[:len(got)/2], want[:len(want)/2]
		}
		if subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 || got == "" {
			match = i
		} else if d.has("tells the secret") {
			return dialect.Proof{}, fmt.Errorf("%w: secret %s", dialect.ErrSignature, secret)
		}
	}
	if match < 0 {
		return dialect.Proof{}, dialect.ErrSignature
	}
	at, err := strconv.ParseInt(all["at"], 10, 64)
	if age := v.Now.Sub(time.Unix(at, 0)); !d.has("accepts stale") && err == nil && v.MaxAge > 0 && age.Abs() > v.MaxAge {
		return dialect.Proof{}, dialect.ErrStale
	}
	return dialect.Proof{Once: all["at"] + all["sum"], Secret: match}, nil
}

func (d *toy) Decode(req *dialect.Request) ([]*event.Event, error) {
	command := toySpec.Commands[0]
	if req.Path == "/ask" {
		command = toySpec.Commands[1]
	}
	var b toyBody
	if err := dialect.Unmarshal("toy", command.Name, req.Body, &b); err != nil {
		switch {
		case d.has("panics on broken JSON"):
			panic("broken JSON")
		case d.has("bare error"):
			return nil, errors.New("broken")
		case d.has("swallows broken JSON"):
			b = toyBody{}
		default:
			return nil, err
		}
	}
	if b.Room == "" && !d.has("swallows broken JSON") {
		return nil, &dialect.DecodeError{Dialect: "toy", Command: command.Name, Field: "room", Err: errors.New("is missing")}
	}
	body := bytes.Clone(req.Body)
	if d.has("keeps the argument") {
		body = req.Body
	}
	conv := &event.Conversation{Kind: event.KindGroup, ID: b.Room}
	ev := &event.Event{
		Type: event.MessageSend, Phase: command.Phase, Dialect: "toy", Command: command.Name,
		Time: time.UnixMilli(b.At % 1e14).UTC(), Lane: conv.Lane(), Links: []string{"m:" + b.Text},
		Conversation: conv, Actor: &event.Actor{ID: b.From},
		Message: &event.Message{Kind: event.Text, Text: b.Text},
		Raw:     event.Raw{Dialect: "toy", Path: req.Path, ContentType: req.ContentType, Body: body},
	}
	var err error
	if ev.Vendor, err = dialect.Vendor(&toyRest{Mood: b.Mood, Unknown: b.Unknown}); err != nil {
		return nil, &dialect.DecodeError{Dialect: "toy", Err: err}
	}
	switch d.defect {
	case "unknown type":
		ev.Type = "message.sing"
	case "wrong phase":
		ev.Phase = map[event.Phase]event.Phase{event.Before: event.After, event.After: event.Before}[ev.Phase]
	case "wrong command":
		ev.Command = "hum"
	case "no lane":
		ev.Lane = event.Lane("room:" + b.Room)
	case "local time":
		ev.Time = ev.Time.Add(time.Microsecond)
	case "raw without body":
		ev.Raw.Body = nil
	case "raw with signature":
		ev.Raw.Query = req.Query
	case "loses unknown keys":
		ev.Vendor, ev.Raw.Body = nil, []byte(`{"room":"g1","from":"u1","text":"hello"}`)
	case "random":
		ev.Dedupe = event.NewID()
	case "two events":
		return []*event.Event{ev, ev}, nil
	}
	return []*event.Event{ev}, nil
}

func (d *toy) Ack(*dialect.Request, []*event.Event) dialect.Response {
	if d.has("ack is a refusal") {
		return toyAnswer("no")
	}
	return toyAnswer("ok")
}

func (d *toy) Answer(_ *event.Event, v event.Verdict) dialect.Response {
	if v.Action == event.Allow || d.has("cannot deny") {
		return toyAnswer("ok")
	}
	return toyAnswer("no")
}

func (d *toy) Refuse(_ *dialect.Request, status int, _ error) dialect.Response {
	if d.has("refuses with success") {
		return toyAnswer("ok")
	}
	return dialect.Response{Status: status}
}

func toyAnswer(word string) dialect.Response {
	return dialect.Response{Status: http.StatusOK, ContentType: "text/plain", Body: []byte(word)}
}

func (d *toy) Path(ev *event.Event) string {
	if d.has("no path") || ev.Phase != event.Before {
		return ""
	}
	return "/ask"
}

func (d *toy) Encode(ev *event.Event, _ dialect.Target) ([]dialect.Request, error) {
	if ev.Message == nil || ev.Conversation == nil || ev.Actor == nil || ev.Conversation.Kind != event.KindGroup {
		return nil, dialect.Untranslatable("%s", ev.Type)
	}
	b := toyBody{Room: ev.Conversation.ID, From: ev.Actor.ID, Text: ev.Message.Text, At: ev.Time.UnixMilli()}
	if d.has("encodes another text") {
		b.Text += "!"
	}
	var rest toyRest
	if err := dialect.FromVendor(ev.Vendor, &rest); err != nil {
		return nil, err
	}
	b.Mood, b.Unknown = rest.Mood, rest.Unknown
	body, err := dialect.Marshal(&b)
	return []dialect.Request{{Path: d.Path(ev), ContentType: "application/json", Body: body}}, err
}

func (d *toy) Sign(req *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	secret, ok := cred.Signing(now)
	if !ok && !d.has("signs without secret") {
		return dialect.ErrNoSecret
	}
	at := strconv.FormatInt(now.Unix(), 10)
	sum := d.sum(secret, at, req.Body)
	if d.has("signs something else") {
		at += "0"
	}
	signature := "at=" + at + "&sum=" + sum
	if d.has("signs twice") && req.Query != "" {
		signature += "&" + req.Query
	}
	req.Query = signature
	return nil
}

func (d *toy) Verdict(_ *event.Event, res *dialect.Response) (event.Verdict, error) {
	switch string(res.Body) {
	case "ok":
		return event.Allowed(), nil
	case "no":
		return event.Verdict{Action: event.Deny}, nil
	}
	if d.has("junk is allow") {
		return event.Allowed(), nil
	}
	return event.Verdict{}, dialect.ErrBadReply
}

func (d *toy) Judge(res *dialect.Response) error {
	if string(res.Body) == "no" {
		return dialect.ErrRefused
	}
	return nil
}

func (d *toy) Sample(command string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	c, ok := toySpec.Command(command)
	if !ok && !d.has("samples anything") {
		return dialect.Request{}, dialect.ErrUnknownCommand
	}
	if d.has("sample of another command") {
		c.Path = ""
	}
	n := r.IntN(1000)
	if d.has("sample not from r") {
		n = rand.IntN(1 << 40)
	}
	body, err := dialect.Marshal(&toyBody{Room: "g" + strconv.Itoa(n), From: "u1", Text: "hello", At: now.UnixMilli()})
	return dialect.Request{Path: c.Path, ContentType: "application/json", Body: body}, err
}
