package wildfirechat

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// absent stands in numbers that tell by their absence.
const absent = math.MinInt32

// payload is the content of a message, MessagePayload on the wire.
type payload struct {
	Type              int32    `json:"type"`
	SearchableContent string   `json:"searchableContent"`
	PushContent       string   `json:"pushContent"`
	PushData          string   `json:"pushData"`
	Content           string   `json:"content"`
	Base64            string   `json:"base64edData,omitzero"`
	MediaType         int32    `json:"mediaType"`
	RemoteMediaURL    string   `json:"remoteMediaUrl"`
	PersistFlag       int32    `json:"persistFlag"`
	ExpireDuration    int64    `json:"expireDuration"`
	MentionedType     int32    `json:"mentionedType"`
	MentionedTarget   []string `json:"mentionedTarget"`
	Extra             string   `json:"extra"`
	payloadRest
}

// payloadRest is what of a payload has no canonical place. The known fields
// stand here only where they differ from what the canonical message writes.
type payloadRest struct {
	SearchableContent *string        `json:"searchableContent,omitzero"`
	Content           *string        `json:"content,omitzero"`
	Base64            *string        `json:"base64edData,omitzero"`
	MediaType         *int32         `json:"mediaType,omitzero"`
	RemoteMediaURL    *string        `json:"remoteMediaUrl,omitzero"`
	PersistFlag       *int32         `json:"persistFlag,omitzero"`
	MentionedType     *int32         `json:"mentionedType,omitzero"`
	Unknown           jsontext.Value `json:",embed"`
}

// message reads the payload into m and keeps in payloadRest what m does not
// hold.
func (p *payload) message(m *event.Message) {
	rest := &p.payloadRest
	m.Kind, m.Code = contentKind(p.Type), codeText(p.Type)
	wire := form{p.SearchableContent, p.Content, p.Base64, p.RemoteMediaURL}
	wire.read(p.Type, m)
	written := formOf(m, p.Type, true)
	rest.SearchableContent = pointer(wire.searchable, written.searchable)
	rest.Content = pointer(wire.content, written.content)
	rest.Base64 = pointer(wire.base64, written.base64)
	rest.RemoteMediaURL = pointer(wire.url, written.url)
	if p.PushContent != "" || p.PushData != "" {
		m.Push = &event.Push{Content: p.PushContent, Data: p.PushData}
	}
	m.Extra = p.Extra
	rest.MediaType = pointer(p.MediaType, usualMedia(m.Kind))

	if p.PersistFlag == absent {
		p.PersistFlag = usualPersist(m.Kind)
	}
	passing := p.PersistFlag == transparent || p.PersistFlag == notStored
	if passing || p.ExpireDuration != 0 {
		m.Options = &event.MessageOptions{Transient: passing, ExpiresIn: p.ExpireDuration}
	}
	rest.PersistFlag = pointer(p.PersistFlag, persist(m))

	if p.MentionedType == 2 || len(p.MentionedTarget) > 0 {
		m.Mentions = &event.Mentions{All: p.MentionedType == 2, Users: p.MentionedTarget}
		if m.Mentions.Users == nil {
			m.Mentions.Users = []string{}
		}
	}
	rest.MentionedType = pointer(p.MentionedType, mentioned(m))
}

// write is the inverse of message: m says what is canonical, rest what the event
// kept beside it.
func (p *payload) write(m *event.Message, rest *payloadRest, own bool) error {
	code, err := contentCode(m, own)
	if err != nil {
		return err
	}
	f := formOf(m, code, own)
	*p = payload{
		Type:              code,
		SearchableContent: or(rest.SearchableContent, f.searchable),
		Content:           or(rest.Content, f.content),
		Base64:            or(rest.Base64, f.base64),
		RemoteMediaURL:    or(rest.RemoteMediaURL, f.url),
		Extra:             m.Extra,
		MediaType:         or(rest.MediaType, usualMedia(m.Kind)),
		PersistFlag:       or(rest.PersistFlag, persist(m)),
		MentionedType:     or(rest.MentionedType, mentioned(m)),
		payloadRest:       *rest,
	}
	if m.Push != nil {
		p.PushContent, p.PushData = m.Push.Content, m.Push.Data
	}
	if m.Options != nil {
		p.ExpireDuration = m.Options.ExpiresIn
		if !own {
			p.ExpireDuration = min(p.ExpireDuration, math.MaxInt32)
		}
	}
	if m.Mentions != nil {
		p.MentionedTarget = m.Mentions.Users
	}
	return nil
}

// persist is the persistFlag that a message without one of its own gets.
func persist(m *event.Message) int32 {
	if m.Options != nil && m.Options.Transient {
		return transparent
	}
	return usualPersist(m.Kind)
}

// mentioned is the mentionedType of a message without one of its own.
func mentioned(m *event.Message) int32 {
	switch {
	case m.Mentions == nil:
		return 0
	case m.Mentions.All:
		return 2
	case len(m.Mentions.Users) > 0:
		return 1
	}
	return 0
}

// codeText spares the commonest codes an allocation: strconv keeps the strings
// of numbers below 100.
func codeText(code int32) string { return strconv.Itoa(int(code)) }
