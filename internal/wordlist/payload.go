package wordlist

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// again returns a payload that says was, with now in its place: some dialects keep the
// whole of a quote or a card there, its text among it. All else stays byte for byte.
func again(payload, was, now string) string {
	if was == "" || was == now {
		return payload
	}
	if payload == was {
		return now
	}
	quoted, err := jsontext.AppendQuote(nil, now)
	if err != nil {
		return payload
	}
	dec := jsontext.NewDecoder(strings.NewReader(payload), jsontext.AllowDuplicateNames(true))
	var b strings.Builder
	for done := 0; ; {
		if dec.PeekKind() != '"' {
			if _, err := dec.ReadToken(); err != nil { // its end, or no JSON
				b.WriteString(payload[done:])
				return b.String()
			}
			continue
		}
		v, err := dec.ReadValue()
		if err != nil {
			b.WriteString(payload[done:])
			return b.String()
		}
		if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 {
			continue // a name
		}
		if text, err := jsontext.AppendUnquote(nil, v); err == nil && string(text) == was {
			end := int(dec.InputOffset())
			b.WriteString(payload[done : end-len(v)])
			b.Write(quoted)
			done = end
		}
	}
}
