package easemob

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// mentionKey is where the vendor's UI kits put whom a message mentions: an array
// of user ids, or "ALL".
const mentionKey = "em_at_list"

// readExt moves the application's own object into msg.
func readExt(p *payload, msg *event.Message) error {
	switch p.Ext.Kind() {
	case 'n':
		p.Ext = nil
	case '{':
		if string(p.Ext) != "{}" {
			ext, err := dialect.Tidy(p.Ext)
			if err != nil {
				return err
			}
			if string(ext) != "{}" {
				msg.Extra = string(ext)
				msg.Mentions = mentions(msg.Extra)
			}
		}
		p.Ext = nil
	}
	return nil
}

// mentions reads whom ext says that the message mentions.
func mentions(ext string) *event.Mentions {
	if !strings.Contains(ext, mentionKey) {
		return nil
	}
	list := object(ext)[mentionKey]
	var users []string
	switch list.Kind() {
	case '"':
		if !strings.EqualFold(plain(list), "all") {
			return nil
		}
		return &event.Mentions{All: true, Users: []string{}}
	case '[':
		if dialect.Unmarshal(Name, "", list, &users) != nil || users == nil {
			return nil
		}
		return &event.Mentions{Users: users}
	}
	return nil
}

// writeExt says the application's own text as the object that ext must be: as it
// is when it is an object already, else under one name. What another dialect knows
// of mentions and quotes is added where the vendor's clients look for it.
func writeExt(msg *event.Message, own bool) (jsontext.Value, error) {
	added := !own && (msg.Mentions != nil || msg.Kind == event.Quote)
	if msg.Extra == "" && !added {
		return emptyObject, nil
	}
	if !added && msg.Extra[0] == '{' {
		if ext, err := dialect.Tidy(jsontext.Value(msg.Extra)); err == nil {
			return ext, nil
		}
	}
	members := pairsRaw(msg.Extra)
	if members == nil && msg.Extra != "" {
		members = []rawPair{{"extra", dialect.AppendString(nil, msg.Extra)}}
	}
	if added {
		has := func(name string) bool {
			for _, m := range members {
				if m.name == name {
					return true
				}
			}
			return false
		}
		if m := msg.Mentions; m != nil && (m.All || len(m.Users) > 0) && !has(mentionKey) {
			list := jsontext.Value(`"ALL"`)
			if !m.All {
				var err error
				if list, err = dialect.Marshal(m.Users); err != nil {
					return nil, err
				}
			}
			members = append(members, rawPair{mentionKey, list})
		}
		if msg.Kind == event.Quote && msg.Custom != nil && !has("quote") {
			members = append(members, rawPair{"quote", dialect.AppendString(nil, msg.Custom.Data)})
		}
	}
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(dialect.AppendString(b, m.name), ':'), m.value...)
	}
	return append(b, '}'), nil
}

type rawPair struct {
	name  string
	value jsontext.Value
}

// pairsRaw are the members of the JSON object in text; nil when it is none.
func pairsRaw(text string) []rawPair {
	if text == "" || text[0] != '{' {
		return nil
	}
	tidy, err := dialect.Tidy(jsontext.Value(text))
	if err != nil {
		return nil
	}
	dec := jsontext.NewDecoder(strings.NewReader(string(tidy)))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	members := []rawPair{}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		members = append(members, rawPair{key, value.Clone()})
	}
	return members
}
