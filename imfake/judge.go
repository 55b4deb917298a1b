package imfake

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Effect is what an IM server does with what it asked about.
type Effect string

// The effects.
const (
	// Passed: it is done as proposed, but for the members in Judgement.Members.
	Passed Effect = "passed"
	// Changed: it is done with other fields, and without the members in
	// Judgement.Members.
	Changed Effect = "changed"
	// Refused: it is not done, and who proposed it is told.
	Refused Effect = "refused"
	// Dropped: it is not done, and who proposed it believes that it was.
	Dropped Effect = "dropped"
)

// Judgement is what an IM server makes of the answer to a before-callback.
type Judgement struct {
	Effect Effect
	// Failed is why the server took the answer for none, or that none came; Effect is
	// then what it does without one. Empty when the answer decided.
	Failed string
	// Code and Text are what the one who is refused sees; zero and empty where the
	// vendor shows none.
	Code int
	Text string
	// Fields are the vendor's fields that are not as proposed any more: a text as it
	// is, anything else as JSON, empty for what is gone. Nil when Effect is not Changed.
	Fields map[string]string
	// Members are those who are left out while it is done for the others, in the
	// order of the answer; with Code and Text where the vendor has them for each.
	Members []event.Refusal
	// Answer is what came; only [Server.Ask] sets it.
	Answer Answer
}

// Settings are what the operator of an IM server chose. The zero value tells whoever
// is refused, and goes on where no answer came; the vendors whose servers know no
// other way are not moved by it.
type Settings struct {
	// FailClosed refuses where no answer came: Tencent's and Easemob's choice of their
	// consoles, callbackFailedContinue: false of OpenIM up to v3.6. OpenIM from v3.7 on
	// and Nexconn always do, WildfireChat and RongCloud never.
	FailClosed bool
	// Untold keeps a refusal from whoever is refused: WildfireChat without
	// sensitive.remote_fail_when_matched, RongCloud without notices of blocked
	// messages, Easemob's "do not report". The others always tell.
	Untold bool
}

// Question is what a server asked.
type Question struct {
	// Dialect is the vendor's name, Generation that of the server's release; empty is
	// the newest.
	Dialect, Generation string
	Request             *dialect.Request
	Settings            Settings
}

// Judge says what the vendor's server does with the answer to q; nil means that none
// came in time. It reads answers by the vendors' documents and OpenIM's source, and
// not with the dialects, so that the one can be held against the other.
//
// The Content-Length header of res has to be there, as on the wire: WildfireChat takes
// an answer without one for empty. An unknown dialect is judged as cloudevents.
func Judge(q Question, res *dialect.Response) Judgement {
	b := bench{Question: q, answer: res}
	judge, ok := judges[q.Dialect]
	if !ok {
		judge = (*bench).cloudevents
	}
	if res == nil {
		b.failed("no answer came")
	} else {
		judge(&b)
	}
	return b.judgement()
}

var judges = map[string]func(*bench){
	"wildfirechat": (*bench).wildfirechat,
	"openim":       (*bench).openim,
	"rongcloud":    (*bench).rongcloud,
	"tencent":      (*bench).tencent,
	"easemob":      (*bench).easemob,
	"cloudevents":  (*bench).cloudevents,
}

// bench is one judgement in the making.
type bench struct {
	Question
	answer  *dialect.Response
	out     Judgement
	refused bool
	dropped bool
}

func (b *bench) failed(format string, args ...any) { b.out.Failed = fmt.Sprintf(format, args...) }

func (b *bench) refuse(code int, text string) {
	b.refused, b.out.Code, b.out.Text = true, code, text
}

// without leaves a member out.
func (b *bench) without(r event.Refusal) { b.out.Members = append(b.out.Members, r) }

// set notes that a field goes from one value to another. A value is a text, or what
// is written as JSON; nil is none.
func (b *bench) set(field string, was, now any) {
	before, after := say(was), say(now)
	if before == after {
		return
	}
	if b.out.Fields == nil {
		b.out.Fields = make(map[string]string)
	}
	b.out.Fields[field] = after
}

// say prints a value so that two of the same meaning are equal.
func say(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case jsontext.Value:
		if t = bytes.Clone(t); len(t) == 0 || t.Kind() == 'n' {
			return ""
		}
		if t.Kind() == '"' {
			var s string
			if json.Unmarshal(t, &s) == nil {
				return s
			}
		}
		_ = t.Canonicalize()
		return string(t)
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // the values are ours
		return err.Error()
	}
	return string(text)
}

// tells reports whether the vendor's server tells of refusals.
func (b *bench) tells() bool {
	switch b.Dialect {
	case "wildfirechat", "rongcloud", "easemob":
		return !b.Settings.Untold
	}
	return true
}

// failsClosed reports whether the vendor's server refuses where no answer came.
func (b *bench) failsClosed() bool {
	switch b.Dialect {
	case "wildfirechat":
		return false
	case "rongcloud":
		return b.Generation == nexconn
	case "openim":
		return b.Settings.FailClosed || b.openimRelease() == openimV37
	}
	return b.Settings.FailClosed
}

func (b *bench) judgement() Judgement {
	j := b.out
	if j.Failed != "" {
		j = Judgement{Failed: j.Failed}
		if b.refused = b.failsClosed(); b.refused && b.Dialect == "easemob" {
			j.Text = "custom internal error"
		}
	}
	switch {
	case b.dropped, b.refused && !b.tells():
		return Judgement{Effect: Dropped, Failed: j.Failed}
	case b.refused:
		return Judgement{Effect: Refused, Failed: j.Failed, Code: j.Code, Text: j.Text}
	case len(j.Fields) > 0:
		j.Effect = Changed
	default:
		j.Effect = Passed
	}
	return j
}

// object reads a JSON object; nil when it is none.
func object(body []byte) map[string]jsontext.Value {
	var o map[string]jsontext.Value
	if jsontext.Value(body).Kind() != '{' || json.Unmarshal(body, &o) != nil {
		return nil
	}
	return o
}

// texts reads a list of texts, or of objects with a text by that name.
func texts(list jsontext.Value, name string) []string {
	var items []jsontext.Value
	if json.Unmarshal(list, &items) != nil {
		return nil
	}
	ids := make([]string, len(items))
	for i, item := range items {
		if name != "" {
			item = object(item)[name]
		}
		ids[i] = say(item)
	}
	return ids
}
