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
	"strings"
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
	Generations:     []string{"loud", "quiet"},
}

type toyBody struct {
	Room    string         `json:"room"`
	From    string         `json:"from"`
	Text    string         `json:"text"`
	At      int64          `json:"at"`
	To      []string       `json:"to,omitzero"`
	Quiet   bool           `json:"quiet,omitzero"`
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
	if b.Quiet {
		ev.Generation = "quiet"
	}
	for _, id := range b.To {
		ev.Members = append(ev.Members, event.Member{ID: id})
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

// toyText is how long a new text may be.
const toyText = 50

// say is an answer: ok, ok and who is refused, a new text behind a colon, or no,
// which in the quiet generation is hm.
func (d *toy) say(ev *event.Event, v event.Verdict) (string, error) {
	no := "no"
	if ev.Generation == "quiet" {
		no = "hm"
	}
	v, err := dialect.Settle(ev, v)
	if err != nil {
		return no, err
	}
	c := v.Changes
	switch {
	case v.Action == event.Deny && d.has("cannot carry a deny"):
		return no, dialect.Uncarried("toys take no denial")
	case v.Action == event.Deny:
		return no, nil
	case v.Action == event.Drop:
		return no, dialect.Uncarried("toys tell everybody")
	case v.Action == event.Rewrite && (c == nil || c.Message == nil || ev.Message == nil || len(v.Refused) > 0):
		return no, dialect.Uncarried("toys take a new text alone")
	case v.Action == event.Rewrite:
		want, got := *c.Message, *ev.Message
		got.Text = want.Text
		if want.Kind == "" {
			want.Kind = got.Kind
		}
		switch {
		case c.Push != nil || c.Group != nil || c.User != nil || c.Friend != nil:
			return no, dialect.Uncarried("toys take a new text alone")
		case d.has("loses the extra"):
		case d.has("bare refusal") && want.Extra != "":
			return no, errors.New("toys have no extra")
		case dialect.Lost(&want, &got) != "":
			return no, dialect.Uncarried("toys have a text and no %s", dialect.Lost(&want, &got))
		}
		if len(want.Text) > toyText {
			if d.has("cuts the text") {
				return ":" + want.Text[:toyText], nil
			}
			return no, dialect.Oversize("toy", "text", "bytes", len(want.Text), toyText)
		}
		return ":" + want.Text, nil
	case len(v.Refused) > 0 && !d.has("refuses nobody"):
		out := "ok"
		for _, r := range v.Refused {
			out += " -" + r.ID
		}
		return out, nil
	}
	return "ok", nil
}

func (d *toy) Carries(ev *event.Event, v event.Verdict) error {
	_, err := d.say(ev, v)
	switch {
	case d.has("carries anything"):
		return nil
	case d.has("writes into the verdict") && v.Changes != nil && v.Changes.Message != nil:
		v.Changes.Message.Text = "mine"
	case err != nil && d.has("chatters"):
		return dialect.Uncarried("no\nand no again")
	}
	return err
}

func (d *toy) Answer(ev *event.Event, v event.Verdict) dialect.Response {
	word, err := d.say(ev, v)
	if d.has("cannot deny") && (word == "no" || word == "hm") || err != nil && d.has("allows what it cannot say") {
		word = "ok"
	}
	return toyAnswer(word)
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

func (d *toy) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	if ev.Message == nil || ev.Conversation == nil || ev.Actor == nil || ev.Conversation.Kind != event.KindGroup {
		return nil, dialect.Untranslatable("%s", ev.Type)
	}
	b := toyBody{Room: ev.Conversation.ID, From: ev.Actor.ID, Text: ev.Message.Text, At: ev.Time.UnixMilli(), Quiet: to.Generation == "quiet"}
	for _, m := range ev.Members {
		b.To = append(b.To, m.ID)
	}
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

func (d *toy) Verdict(ev *event.Event, res *dialect.Response, to dialect.Target) (event.Verdict, error) {
	no := "no"
	if to.Asked(ev, "toy") == "quiet" && !d.has("reads one generation alone") {
		no = "hm"
	}
	word := string(res.Body)
	text, rewritten := strings.CutPrefix(word, ":")
	refused, allowed := strings.CutPrefix(word, "ok")
	switch {
	case word == no:
		return event.Verdict{Action: event.Deny}, nil
	case rewritten:
		m := *ev.Message
		m.Text = text
		return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &m}}, nil
	case allowed:
		v := event.Allowed()
		for id := range strings.FieldsSeq(refused) {
			v.Refused = append(v.Refused, event.Refusal{ID: strings.TrimPrefix(id, "-")})
		}
		return v, nil
	case d.has("junk is allow"):
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
	say := toyBody{Room: "g" + strconv.Itoa(n), From: "u1", Text: "hello", At: now.UnixMilli()}
	if command == "ask" && n%2 == 0 {
		say.To = []string{"u2", "u3"}
	}
	body, err := dialect.Marshal(&say)
	return dialect.Request{Path: c.Path, ContentType: "application/json", Body: body}, err
}
