package easemob

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// uriPrefix stands before the message's id in contentUri.
const uriPrefix = "msync:"

// alert is the body of a hit of the word list. Its chatType is a content type,
// "chat:user:text", and spelt unlike everywhere else.
type alert struct {
	CallID      string         `json:"callId"`
	EventType   string         `json:"eventType"`
	Timestamp   int64          `json:"timestamp"`
	ChatType    string         `json:"chatType"`
	AlertReason string         `json:"alertReason"`
	Owner       string         `json:"contentOwner"`
	Receiver    string         `json:"contentReceiver"`
	ContentType string         `json:"contentType"`
	ContentURI  string         `json:"contentUri"`
	Words       []string       `json:"sensitiveWords"`
	Status      string         `json:"status,omitzero"`
	Security    string         `json:"security"`
	AppKey      string         `json:"appkey"`
	Host        string         `json:"host"`
	Unknown     jsontext.Value `json:",embed"`
}

// alertKind is one outcome of a hit.
type alertKind struct {
	// reason is alertReason and the command, status and verdict say the same.
	reason, status, verdict, line string
}

var alertKinds = []alertKind{
	{"through", "pass", "pass", "a word of the list was found and let through"},
	{"intercepted", "refuse", "refuse", "a message was stopped for a word of the list"},
	{"replaced", "replace", "replace", "words of the list were replaced"},
}

func alertCommands() []command {
	all := make([]command, len(alertKinds))
	for i := range alertKinds {
		kind := &alertKinds[i]
		all[i] = command{
			spec:   after(wordsPrefix+kind.reason, kind.line, event.MessageIntercept),
			decode: func(in *input, ev *event.Event) (bool, error) { return decodeAlert(in, ev, kind) },
			encode: func(out *output) error { return encodeAlert(out, kind) },
			sample: func(d *draw) *event.Event { return d.alert(kind) },
			instead: func(ev *event.Event) string {
				for i := range alertKinds {
					if ev.Moderation != nil && ev.Moderation.Verdict == alertKinds[i].verdict {
						return wordsPrefix + alertKinds[i].reason
					}
				}
				return ""
			},
		}
		if kind.reason == "intercepted" {
			all[i].says = []event.Type{event.MessageIntercept}
		}
	}
	return all
}

func decodeAlert(in *input, ev *event.Event, kind *alertKind) (bool, error) {
	w, err := read[alert](in)
	if err != nil {
		return false, err
	}
	owner, receiver := bareID(w.AppKey, w.Owner), bareID(w.AppKey, w.Receiver)
	if owner == "" || receiver == "" {
		return false, nil
	}
	place := event.Direct(owner, receiver)
	if isRoom(w.ChatType) {
		place = event.Conversation{Kind: event.KindChatroom, ID: receiver}
	} else if strings.HasPrefix(w.ChatType, groupContent) {
		place = event.Conversation{Kind: event.KindGroup, ID: receiver}
	}
	ev.Type, ev.Dedupe = event.MessageIntercept, w.CallID
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Actor, w.Owner = actor(w.AppKey, w.Owner)
	if w.Owner == wrapUser(w.AppKey, owner) && !system(owner) {
		w.Owner = ""
	}
	ev.Moderation = &event.Moderation{Verdict: kind.verdict, Words: w.Words}
	ev.Message = &event.Message{}
	if id, ok := strings.CutPrefix(w.ContentURI, uriPrefix); ok && id != "" {
		ev.Message.ID = id
		ev.Links = []string{"msg:" + id}
		w.ContentURI = ""
	}
	if word, ok := strings.CutPrefix(w.ChatType, roomOf(place.Kind)); ok {
		for i := range contents {
			if contents[i].word == word {
				ev.Message.Kind = canonical(contents[i].wire)
				w.ChatType = ""
			}
		}
	}
	if w.ContentType == "message" {
		w.ContentType = ""
	}
	w.AlertReason = stripped(w.AlertReason, kind.reason)
	w.Status = stripped(w.Status, kind.status)
	if usual := wrapReceiver(w.AppKey, &place, receiver); w.Receiver == usual {
		w.Receiver = ""
	}
	w.EventType, w.Timestamp, w.Words, w.Security = "", 0, nil, ""
	return true, keep(ev, w)
}

// wrapReceiver is how the vendor's examples have the other user. There is none of a
// group or chatroom: its id stays as it is.
func wrapReceiver(appKey string, place *event.Conversation, id string) string {
	if place.Kind == event.KindDirect {
		return wrapUser(appKey, id)
	}
	return id
}

// canonical is the kind that a type of body is read as.
func canonical(wire string) event.ContentKind {
	var m event.Message
	contentOf(wire).read(&body{}, &m)
	return m.Kind
}

func encodeAlert(out *output, kind *alertKind) error {
	ev := out.ev
	var w alert
	if err := out.kept(&w); err != nil {
		return err
	}
	if ev.Conversation == nil {
		return dialect.Untranslatable("it names no conversation")
	}
	if !out.own {
		w.AppKey, w.Host = out.appKey(), host
	}
	owner := actorID(ev.Actor, "")
	if owner == "" && ev.Message != nil {
		owner = ev.Message.Sender
	}
	if owner = or(bareID(w.AppKey, w.Owner), owner); owner == "" {
		return dialect.Untranslatable("it names no author")
	}
	w.Owner = or(w.Owner, wrapUser(w.AppKey, owner))
	receiver := ev.Conversation.ID
	switch ev.Conversation.Kind {
	case event.KindDirect:
		peer, ok := ev.Conversation.Peer(owner)
		if !ok {
			return dialect.Untranslatable("its author is not in the direct conversation")
		}
		receiver = peer
	case event.KindGroup, event.KindChatroom:
	default:
		return dialect.Untranslatable("there are no messages to a %s here", ev.Conversation.Kind)
	}
	w.Receiver = or(w.Receiver, wrapReceiver(w.AppKey, ev.Conversation, receiver))
	w.EventType, w.Timestamp, w.Security = typeKeywordAlert, out.millis(), ""
	w.ContentType = or(w.ContentType, "message")
	w.AlertReason, w.Status = or(w.AlertReason, kind.reason), or(w.Status, kind.status)
	w.Words = []string{}
	if ev.Moderation != nil && ev.Moderation.Words != nil {
		w.Words = ev.Moderation.Words
	}
	var msg event.Message
	if ev.Message != nil {
		msg = *ev.Message
	}
	if w.ContentURI == "" && msg.ID != "" {
		w.ContentURI = uriPrefix + msg.ID
	}
	if w.ChatType == "" {
		word := "text"
		if c := contentOf(kinds[msg.Kind].wire); c != nil {
			word = c.typeWord(msg.Kind)
		}
		w.ChatType = roomOf(ev.Conversation.Kind) + word
	}
	w.CallID = out.callID(w.CallID, w.AppKey, 0, 1)
	return out.post(&w)
}
