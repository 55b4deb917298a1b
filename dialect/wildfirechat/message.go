package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// outputMessage is OutputMessageData: a message that was, or is to be, sent.
type outputMessage struct {
	MessageID int64    `json:"messageId"`
	Sender    string   `json:"sender"`
	Conv      conv     `json:"conv"`
	Payload   payload  `json:"payload"`
	ToUsers   []string `json:"toUsers"`
	Timestamp int64    `json:"timestamp"`
	Client    *client  `json:"client,omitzero"`
	ToRobotID string   `json:"toRobotId,omitzero"`
	messageRest
}

// client is the sending device, where the server is told to say it.
type client struct {
	Platform int32  `json:"platform"`
	ClientID string `json:"clientId"`
	clientRest
}

type clientRest struct {
	Unknown jsontext.Value `json:",embed"`
}

// messageRest is what of a message has no canonical place. ToUsers, Client and
// ToRobotID stand here for the commands that do not give them one.
type messageRest struct {
	ToUsers   []string `json:"toUsers,omitzero"`
	Timestamp int64    `json:"timestamp,omitzero"`
	Client    *client  `json:"client,omitzero"`
	ToRobotID string   `json:"toRobotId,omitzero"`

	SenderUserInfo    jsontext.Value `json:"senderUserInfo,omitzero"`
	TargetUserInfo    jsontext.Value `json:"targetUserInfo,omitzero"`
	TargetGroupInfo   jsontext.Value `json:"targetGroupInfo,omitzero"`
	TargetChannelInfo jsontext.Value `json:"targetChannelInfo,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// messageVendor is Event.Vendor of the message commands.
type messageVendor struct {
	Conv    convRest    `json:"conv"`
	Payload payloadRest `json:"payload"`
	messageRest
}

func (w *outputMessage) vendor() messageVendor {
	return messageVendor{Conv: w.Conv.convRest, Payload: w.Payload.payloadRest, messageRest: w.messageRest}
}

// reset makes w ready to be read into.
func (w *outputMessage) reset() {
	*w = outputMessage{}
	w.Conv.Type, w.Payload.Type, w.Payload.PersistFlag = absent, absent, absent
}

// check returns the field without which the message means nothing, or "".
func (w *outputMessage) check() string {
	switch {
	case w.Sender == "":
		return "sender"
	case w.Conv.Type == absent:
		return "conv.type"
	case w.Conv.Target == "":
		return "conv.target"
	case w.Payload.Type == absent:
		return "payload.type"
	}
	return ""
}

// generation tells the bodies of the old documents from those that are sent. It
// is asked before anything is moved to the canonical form.
func (w *outputMessage) generation() string {
	if w.ToUsers == nil && w.Payload.PersistFlag == absent && w.Payload.Extra == "" && w.Client == nil && w.ToRobotID == "" &&
		w.SenderUserInfo == nil && w.TargetUserInfo == nil && w.TargetGroupInfo == nil && w.TargetChannelInfo == nil {
		return legacy
	}
	return current
}

// carrier is a message event with its bodies in one piece of memory.
type carrier struct {
	event   event.Event
	actor   event.Actor
	conv    event.Conversation
	message event.Message
	link    [1]string
}

// decodeMessage reads the commands whose body is a message.
func decodeMessage(in input) (*event.Event, error) {
	w := in.d.outputs.Get().(*outputMessage)
	defer in.d.outputs.Put(w)
	w.reset()
	if !w.scan(in.body) {
		w.reset()
		if err := in.read(w); err != nil {
			return nil, err
		}
	}
	if field := w.check(); field != "" {
		return nil, in.missing(field)
	}
	name := in.command.spec.Name

	c := new(carrier)
	ev, m := &c.event, &c.message
	ev.Type = in.command.spec.Types[0]
	ev.Generation = w.generation()
	ev.Time, w.messageRest.Timestamp = fromMillis(w.Timestamp)
	ev.Actor, ev.Message = &c.actor, m

	c.actor.ID = w.Sender
	w.readClient(&c.actor)
	w.Payload.message(m)
	if c.link[0], m.ID = linkText(w.MessageID); m.ID != "" {
		ev.Links, ev.Dedupe = c.link[:], m.ID
	}

	switch name {
	case "channel_message":
		c.conv, ev.Lane = w.Conv.placeAs(event.KindChannel, convChannel)
	case "things_message":
		c.conv, ev.Lane = w.Conv.placeAs(event.KindUser, convThings)
	default:
		c.conv, ev.Lane = w.Conv.place(w.Sender)
	}
	if c.conv.Kind != "" {
		ev.Conversation = &c.conv
	}

	if name == "robot_message" {
		robot := w.ToRobotID
		if robot == "" {
			robot = in.id
		}
		if robot == "" && w.Conv.Type == convPrivate {
			robot = w.Conv.Target
		}
		if robot != "" {
			ev.Members = []event.Member{{ID: robot}}
			ev.Dedupe = dedupe(m.ID, robot)
		}
		w.messageRest.ToUsers = nonEmpty(w.ToUsers)
	} else {
		ev.Members = members(w.ToUsers)
		w.messageRest.ToRobotID = w.ToRobotID
	}
	switch name {
	case "message_mention", "channel_message", "robot_message":
		ev.Echo = true
	}
	if err := w.readProfiles(ev); err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Err: err}
	}

	if isZero(&w.Conv.convRest) && isZero(&w.Payload.payloadRest) && isZero(&w.messageRest) {
		return ev, nil
	}
	v := w.vendor()
	var err error
	ev.Vendor, err = vendor(in, &v)
	return ev, err
}

// readClient moves the device to the actor; what the actor cannot hold stays.
func (w *outputMessage) readClient(a *event.Actor) {
	if w.Client == nil {
		return
	}
	a.Platform, a.Client = platformWord(w.Client.Platform), w.Client.ClientID
	if w.Client.Unknown != nil {
		w.messageRest.Client = w.Client
	}
}

// writeClient is the inverse: an actor has a client when its platform is known,
// if only as unknown.
func writeClient(a *event.Actor, kept *client) *client {
	if a == nil || a.Platform == "" && a.Client == "" {
		return nil
	}
	c := &client{Platform: platformCode(a.Platform), ClientID: a.Client}
	if kept != nil {
		c.clientRest = kept.clientRest
	}
	return c
}

func nonEmpty(ids []string) []string {
	if len(ids) == 0 {
		return nil
	}
	return ids
}

// encodeMessage writes the commands whose body is a message.
func encodeMessage(out *output) error {
	ev := out.ev
	m := ev.Message
	if m == nil {
		return dialect.Untranslatable("it has no message")
	}
	kept, err := out.keptMessage()
	if err != nil {
		return err
	}
	sender := ""
	if ev.Actor != nil {
		sender = ev.Actor.ID
	}
	if sender == "" {
		sender = m.Sender
	}
	w := out.d.outputs.Get().(*outputMessage)
	defer out.d.outputs.Put(w)
	if err := out.message(w, m, sender, ev.Conversation, kept); err != nil {
		return err
	}
	w.Timestamp = toMillis(ev.Time, kept.Timestamp)
	name := out.command.spec.Name
	if name != "censor" || out.own { // the server never says it there
		w.Client = writeClient(ev.Actor, kept.Client)
	}
	id := pathID(out.command, ev)
	if name == "robot_message" {
		w.ToRobotID, w.ToUsers = id, kept.ToUsers
	} else {
		w.ToUsers, w.ToRobotID = memberIDs(ev.Members), kept.ToRobotID
	}
	if out.legacy() {
		return out.post(id, w.old())
	}
	if err := w.writeProfiles(ev); err != nil {
		return dialect.Untranslatable("writing profiles: %v", err)
	}
	return out.post(id, w)
}

// keptMessage reads the vendor fields of a message; most have none.
func (out *output) keptMessage() (*messageVendor, error) {
	if !out.own || len(out.ev.Vendor) == 0 {
		return &out.d.nothing, nil
	}
	kept := new(messageVendor)
	err := out.kept(kept)
	return kept, err
}

// message writes into w what all bodies with a message have in common.
func (out *output) message(w *outputMessage, m *event.Message, sender string, c *event.Conversation, kept *messageVendor) (err error) {
	*w = outputMessage{Sender: sender}
	if sender == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	if !out.own && c != nil && c.Kind == event.KindUser {
		return dialect.Untranslatable("a conversation of one user is a device here")
	}
	w.messageRest = kept.messageRest
	if w.Conv, err = writeConv(c, sender, kept.Conv); err != nil {
		return err
	}
	if !out.own && len(m.Parts) > 0 {
		m = firstPart(m)
	}
	if err := w.Payload.write(m, &kept.Payload, out.own); err != nil {
		return err
	}
	var exact bool
	w.MessageID, exact = idNumber(m.ID)
	if out.own && exact {
		return nil
	}
	if note := originOf(m, out.own); note != (origin{}) {
		w.Payload.Extra = note.into(m.Extra)
	}
	if m.ID == "" && out.ev.ID != "" {
		w.MessageID, _ = idNumber(out.ev.ID)
	}
	return nil
}

// firstPart is the message with the content of its first part alone.
func firstPart(m *event.Message) *event.Message {
	p := m.Parts[0]
	p.ID, p.Sender, p.Mentions, p.Push, p.Extra, p.Options = m.ID, m.Sender, m.Mentions, m.Push, m.Extra, m.Options
	return &p
}

// oldMessage is the message of the old documents.
type oldMessage struct {
	Sender    string     `json:"sender"`
	Conv      conv       `json:"conv"`
	Payload   oldPayload `json:"payload"`
	MessageID int64      `json:"messageId"`
	Timestamp int64      `json:"timestamp"`

	Unknown jsontext.Value `json:",embed"`
}

type oldPayload struct {
	Type              int32    `json:"type"`
	SearchableContent string   `json:"searchableContent"`
	PushContent       string   `json:"pushContent"`
	PushData          string   `json:"pushData"`
	Content           string   `json:"content"`
	Base64            string   `json:"base64edData,omitzero"`
	MediaType         int32    `json:"mediaType"`
	RemoteMediaURL    string   `json:"remoteMediaUrl"`
	ExpireDuration    int64    `json:"expireDuration"`
	MentionedType     int32    `json:"mentionedType"`
	MentionedTarget   []string `json:"mentionedTarget"`

	Unknown jsontext.Value `json:",embed"`
}

func (w *outputMessage) old() *oldMessage {
	p := &w.Payload
	return &oldMessage{
		Sender: w.Sender, Conv: w.Conv, MessageID: w.MessageID, Timestamp: w.Timestamp, Unknown: w.Unknown,
		Payload: oldPayload{
			Type: p.Type, SearchableContent: p.SearchableContent, PushContent: p.PushContent, PushData: p.PushData,
			Content: p.Content, Base64: p.Base64, MediaType: p.MediaType, RemoteMediaURL: p.RemoteMediaURL,
			ExpireDuration: p.ExpireDuration, MentionedType: p.MentionedType, MentionedTarget: p.MentionedTarget,
			Unknown: p.Unknown,
		},
	}
}
