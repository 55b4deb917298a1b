package trail

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// appendRest appends what comes behind the event in an entry's JSON. Every decision
// is written once: through reflection that costs more than to ask a hook.
func (e *Entry) appendRest(b []byte) []byte {
	if len(e.Links) > 0 {
		b = append(b, `,"links":[`...)
		for i, l := range e.Links {
			if i > 0 {
				b = append(b, ',')
			}
			b = quote(b, l)
		}
		b = append(b, ']')
	}
	b = append(e.At.AppendFormat(append(b, `,"at":"`...), time.RFC3339Nano), '"')
	b = decimal(append(b, `,"tookSeconds":`...), e.Took)
	b = quote(append(b, `,"verdict":`...), string(e.Verdict))
	b = appendRefusal(b, e.Code, e.Reason)
	b = appendRefused(b, e.Refused)
	b = text(b, `,"by":`, e.By)
	b = quote(append(b, `,"cause":`...), string(e.Cause))
	if len(e.Hooks) > 0 {
		b = append(b, `,"hooks":[`...)
		for i := range e.Hooks {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.Hooks[i].append(b)
		}
		b = append(b, ']')
	}
	b = appendChanges(b, e.Changes)
	if e.Cut {
		b = append(b, `,"cut":true`...)
	}
	return append(b, '}')
}

func (p *Part) append(b []byte) []byte {
	b = quote(append(b, `{"hook":`...), p.Hook)
	b = quote(append(b, `,"verdict":`...), string(p.Verdict))
	b = appendRefusal(b, p.Code, p.Reason)
	b = appendRefused(b, p.Refused)
	b = quote(append(b, `,"cause":`...), string(p.Cause))
	b = text(b, `,"error":`, string(p.Error))
	b = text(b, `,"detail":`, p.Detail)
	if p.Status != 0 {
		b = strconv.AppendInt(append(b, `,"status":`...), int64(p.Status), 10)
	}
	b = decimal(append(b, `,"tookSeconds":`...), p.Took)
	if p.Shadow {
		b = append(b, `,"shadow":true`...)
	}
	b = text(b, `,"instead":`, string(p.Instead))
	b = text(b, `,"why":`, p.Why)
	return append(appendChanges(b, p.Changes), '}')
}

func appendRefusal(b []byte, code int, reason string) []byte {
	if code != 0 {
		b = strconv.AppendInt(append(b, `,"code":`...), int64(code), 10)
	}
	return text(b, `,"reason":`, reason)
}

func appendRefused(b []byte, all []event.Refusal) []byte {
	if len(all) == 0 {
		return b
	}
	b = append(b, `,"refused":[`...)
	for i, r := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(b, `{"id":`...), r.ID)
		b = append(appendRefusal(b, r.Code, r.Reason), '}')
	}
	return append(b, ']')
}

func appendChanges(b []byte, all []Difference) []byte {
	if len(all) == 0 {
		return b
	}
	b = append(b, `,"changes":[`...)
	for i, d := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(b, `{"path":`...), d.Path)
		if d.Before != nil {
			b = append(append(b, `,"before":`...), d.Before...)
		}
		if d.After != nil {
			b = append(append(b, `,"after":`...), d.After...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// text appends a member that is left out when empty.
func text(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return quote(append(b, name...), s)
}

func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error says that bytes were replaced
	return b
}

// decimal appends a number of seconds: whole microseconds need no exponent.
func decimal(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }
