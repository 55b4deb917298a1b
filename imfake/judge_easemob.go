package imfake

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of Easemob's pre-send answers: of the whole, in characters, and of a text,
// in bytes.
const (
	easemobAnswer = 1000
	easemobText   = 1 << 10
)

type easemobVerdict struct {
	Valid   *bool          `json:"valid"`
	Code    *string        `json:"code"`
	Payload jsontext.Value `json:"payload"`
	Level   *string        `json:"chatroom_msg_level"`
}

// easemob takes a longer answer for an attack, and one without valid for none.
func (b *bench) easemob() {
	if b.answer.Status != 200 {
		b.failed("status %d is not 200", b.answer.Status)
		return
	}
	if n := utf8.RuneCount(b.answer.Body); n > easemobAnswer {
		b.failed("the answer has %d characters, more than %d", n, easemobAnswer)
		return
	}
	var v easemobVerdict
	if err := json.Unmarshal(b.answer.Body, &v); err != nil || v.Valid == nil {
		b.failed("the answer is not of the form: %v", err)
		return
	}
	if !*v.Valid {
		switch {
		case v.Code == nil:
			b.refuse(0, "custom logic denied")
		case *v.Code == "":
			b.refuse(0, "Message blocked by external logic")
		default:
			b.refuse(0, *v.Code)
		}
		return
	}
	asked := object(b.Request.Body)
	if v.Level != nil {
		switch *v.Level {
		case "high", "normal", "low":
			b.set("chatroom_msg_level", nil, *v.Level)
		default:
			b.failed("chatroom_msg_level %q is none", *v.Level)
		}
	}
	if len(v.Payload) == 0 || v.Payload.Kind() == 'n' {
		return
	}
	was, now := easemobBody(asked["payload"]), easemobBody(v.Payload)
	switch {
	case now.body == nil || was.whole != now.whole:
		b.failed("payload is not of the shape that was asked about")
	case was.kind == "cmd" || was.kind != now.kind:
		b.failed("a %s cannot become a %s", was.kind, now.kind)
	case len(now.text) > easemobText:
		b.failed("a text of %d bytes is over %d", len(now.text), easemobText)
	default:
		b.set("payload", asked["payload"], v.Payload)
	}
}

// easemobShape is a payload: flat, or whole with bodies and ext.
type easemobShape struct {
	body       map[string]jsontext.Value
	whole      bool
	kind, text string
}

func easemobBody(payload jsontext.Value) (s easemobShape) {
	s.body = object(payload)
	if bodies, ok := s.body["bodies"]; ok {
		var list []map[string]jsontext.Value
		s.whole = true
		if json.Unmarshal(bodies, &list) != nil || len(list) == 0 {
			s.body = nil
			return s
		}
		s.body = list[0]
	}
	s.kind, s.text = say(s.body["type"]), say(s.body["msg"])
	return s
}
