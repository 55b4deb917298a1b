package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// moderation is the body of a content moderator's finding.
type moderation struct {
	CallID      string         `json:"callId"`
	EventType   string         `json:"eventType"`
	Timestamp   int64          `json:"timestamp"`
	Result      string         `json:"moderationResult"`
	Provider    string         `json:"providerResult"`
	MessageID   string         `json:"messageId"`
	MessageType string         `json:"messageType"`
	TargetType  string         `json:"targetType"`
	From        string         `json:"from"`
	To          string         `json:"to"`
	RiskType    string         `json:"riskType"`
	Msg         string         `json:"msg"`
	URL         string         `json:"url"`
	Source      jsontext.Value `json:"source,omitzero"`
	Security    string         `json:"security"`
	AppKey      string         `json:"appkey"`
	Unknown     jsontext.Value `json:",embed"`
}

// moderationKind is one result with its verdict.
type moderationKind struct{ result, verdict, line string }

var moderationKinds = []moderationKind{
	{"PASS", "pass", "a moderator found nothing"},
	{"REJECT", "refuse", "a moderator refused a message"},
	{"EXCHANGE", "replace", "a moderator replaced parts of a message"},
	{"RECALL", "recall", "a moderator had a message taken back"},
}

func moderationCommands() []command {
	all := make([]command, len(moderationKinds))
	for i := range moderationKinds {
		kind := &moderationKinds[i]
		all[i] = command{
			spec:   after(typeModeration+":"+kind.result, kind.line, event.ModerationResult),
			decode: func(in *input, ev *event.Event) (bool, error) { return decodeModeration(in, ev, kind) },
			encode: func(out *output) error { return encodeModeration(out, kind) },
			sample: func(d *draw) *event.Event { return d.moderation(kind) },
			instead: func(ev *event.Event) string {
				for i := range moderationKinds {
					if ev.Moderation != nil && ev.Moderation.Verdict == moderationKinds[i].verdict {
						return typeModeration + ":" + moderationKinds[i].result
					}
				}
				return ""
			},
		}
		if kind.result == "PASS" {
			all[i].says = []event.Type{event.ModerationResult}
		}
	}
	return all
}

func decodeModeration(in *input, ev *event.Event, kind *moderationKind) (bool, error) {
	w, err := read[moderation](in)
	if err != nil {
		return false, err
	}
	from, to := bareID(w.AppKey, w.From), bareID(w.AppKey, w.To)
	if from == "" || to == "" {
		return false, nil
	}
	place := event.Direct(from, to)
	switch w.TargetType {
	case chatDirect:
	case chatGroup:
		place = event.Conversation{Kind: event.KindGroup, ID: to}
	case chatRoom:
		place = event.Conversation{Kind: event.KindChatroom, ID: to}
	default:
		return false, nil
	}
	ev.Type, ev.Dedupe = event.ModerationResult, w.CallID
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Actor, w.From = actor(w.AppKey, w.From)
	ev.Moderation = &event.Moderation{Verdict: kind.verdict, Label: w.RiskType, Detail: w.Provider}
	msg := &event.Message{ID: w.MessageID, Text: w.Msg}
	if w.MessageID != "" {
		ev.Links = []string{"msg:" + w.MessageID}
	}
	if contentOf(w.MessageType) != nil {
		msg.Kind, msg.Code, w.MessageType = canonical(w.MessageType), w.MessageType, ""
	}
	if w.URL != "" {
		msg.Media = &event.Media{URL: w.URL}
	}
	ev.Message = msg
	if string(w.Source) == "{}" {
		w.Source = nil
	}
	w.To = stripped(w.To, to)
	w.EventType, w.Timestamp, w.Result, w.TargetType, w.Security = "", 0, "", "", ""
	w.MessageID, w.Msg, w.URL, w.RiskType, w.Provider = "", "", "", "", ""
	return true, keep(ev, w)
}

// providerResults are what the vendor writes of a provider's own result, for a
// verdict of which only that is known.
var providerResults = map[string]string{"pass": "PASS", "refuse": "REJECT", "replace": "REVIEWED", "recall": "REJECT"}

func encodeModeration(out *output, kind *moderationKind) error {
	ev := out.ev
	var w moderation
	if err := out.kept(&w); err != nil {
		return err
	}
	if ev.Conversation == nil {
		return dialect.Untranslatable("it names no conversation")
	}
	var msg event.Message
	if ev.Message != nil {
		msg = *ev.Message
	}
	if !out.own {
		w.AppKey = out.appKey()
		if ev.Moderation == nil || ev.Moderation.Verdict != kind.verdict {
			return dialect.Untranslatable("it has no verdict that Easemob knows")
		}
	}
	w.From = or(w.From, actorID(ev.Actor, systemUser), msg.Sender)
	if w.From == "" {
		return dialect.Untranslatable("it names no author")
	}
	to := ev.Conversation.ID
	switch ev.Conversation.Kind {
	case event.KindDirect:
		peer, ok := ev.Conversation.Peer(bareID(w.AppKey, w.From))
		if !ok {
			return dialect.Untranslatable("its author is not in the direct conversation")
		}
		w.TargetType, to = chatDirect, peer
	case event.KindGroup:
		w.TargetType = chatGroup
	case event.KindChatroom:
		w.TargetType = chatRoom
	default:
		return dialect.Untranslatable("there are no messages to a %s here", ev.Conversation.Kind)
	}
	w.To = or(w.To, to)
	w.EventType, w.Timestamp, w.Result, w.Security = typeModeration, out.millis(), kind.result, ""
	if m := ev.Moderation; m != nil {
		w.RiskType, w.Provider = m.Label, m.Detail
	}
	if !out.own && w.Provider != "PASS" && w.Provider != "REVIEWED" && w.Provider != "REJECT" {
		w.Provider = providerResults[kind.verdict]
	}
	w.MessageID, w.Msg = msg.ID, msg.Text
	if w.MessageType == "" {
		w.MessageType = or(kinds[msg.Kind].wire, wireText)
		if out.own && msg.Kind == "" {
			w.MessageType = ""
		}
	}
	if msg.Media != nil {
		w.URL = msg.Media.URL
	}
	if len(w.Source) == 0 {
		w.Source = emptyObject
	}
	w.CallID = out.callID(w.CallID, w.AppKey, 0, 1)
	return out.post(&w)
}
