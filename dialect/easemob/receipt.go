package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func receiptCommands() []command {
	one := func(name, line string, t event.Type) command {
		return command{
			spec: after(name, line, t), whole: true, says: []event.Type{t},
			decode: decodeReceipt, encode: encodeReceipt, sample: (*draw).receipt,
		}
	}
	read := one(readAck, "somebody read a message", event.MessageRead)
	read.instead = func(ev *event.Event) string {
		if ev.Receipt != nil && !ev.Receipt.UpTo.IsZero() && len(ev.Receipt.Messages) < 2 {
			return channelAck
		}
		return ""
	}
	channel := one(channelAck, "somebody read a conversation", event.MessageRead)
	channel.says = nil
	return []command{read, channel, one(deliveryAck, "a message reached somebody's device", event.MessageDeliver)}
}

// decodeReceipt reads receipts of all kinds. No body of delivery_ack is published;
// it is read like read_ack.
func decodeReceipt(in *input, ev *event.Event) (bool, error) {
	m := &in.m
	about := m.Payload.AckID
	if about == "" && m.ChatType != channelAck {
		return false, nil
	}
	group := m.Channel != ""
	if group && m.GroupID == "" {
		m.GroupID = bareID(m.AppKey, m.Channel)
	}
	who := m.From
	if group {
		who = or(m.ChannelUser, m.From)
	}
	from, to := bareID(m.AppKey, who), bareID(m.AppKey, m.To)
	place, ok := m.where(from, to)
	if !ok || from == "" {
		return false, nil
	}
	ev.Type, ev.Dedupe = in.command.spec.Types[0], m.dedupe()
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Receipt = &event.Receipt{}
	if about != "" {
		ev.Receipt.Messages = []string{about}
		ev.Links = []string{"msg:" + about}
	}
	if m.ChatType == channelAck {
		ev.Receipt.UpTo = ev.Time
	}
	reader, kept := actor(m.AppKey, who)
	ev.Actor = reader
	if group {
		if m.ChannelUser == wrapUser(m.AppKey, from) {
			m.ChannelUser = ""
		}
		if !system(from) {
			m.From = stripped(m.From, from)
		}
		if m.Channel == wrapGroup(m.AppKey, place.ID) {
			m.Channel = ""
		}
	} else {
		m.From = kept
	}
	m.Payload.AckID = ""
	if m.Payload.Type == m.ChatType {
		m.Payload.Type = ""
	}
	if string(m.Payload.Ext) == "{}" {
		m.Payload.Ext = nil
	}
	if place.Kind != event.KindDirect {
		to = place.ID
	}
	return true, m.settle(ev, place, to)
}

func encodeReceipt(out *output) error {
	ev := out.ev
	if ev.Conversation == nil {
		return dialect.Untranslatable("it names no conversation")
	}
	var about []string
	if ev.Receipt != nil {
		about = ev.Receipt.Messages
	}
	name := out.command.spec.Name
	if len(about) == 0 {
		if name != channelAck {
			return dialect.Untranslatable("it names no message")
		}
		about = []string{""}
	}
	for k, id := range about {
		if err := encodeReceiptOf(out, name, id, k, len(about)); err != nil {
			return err
		}
	}
	return nil
}

func encodeReceiptOf(out *output, name, about string, k, n int) error {
	ev := out.ev
	var m message
	if err := out.kept(&m); err != nil {
		return err
	}
	who := actorID(ev.Actor, systemUser)
	if who == "" {
		return dialect.Untranslatable("it does not say who")
	}
	m.ChatType = name
	m.EventType = or(m.EventType, typeChat)
	m.From = or(m.From, who)
	if ev.Conversation.Kind == event.KindChatroom && !out.own {
		return dialect.Untranslatable("chatrooms have no receipts here")
	}
	if err := m.toPlace(ev.Conversation, bareID(m.AppKey, m.From), out.own); err != nil {
		return err
	}
	m.Payload.AckID = about
	if name == channelAck {
		m.Payload.Type = channelAck
	} else if len(m.Payload.Ext) == 0 {
		m.Payload.Ext = emptyObject
	}
	if name == readAck && ev.Conversation.Kind != event.KindDirect {
		// The page's example has the group wrapped here, and in to; not in group_id.
		appKey := m.AppKey
		if !out.own {
			appKey = out.appKey()
		}
		m.GroupID = ""
		m.Channel = or(m.Channel, wrapGroup(appKey, ev.Conversation.ID))
		m.ChannelUser = or(m.ChannelUser, wrapUser(appKey, who))
		m.Payload.Type = readAck
		if !out.own {
			m.ContentType = "chat:ack:read"
			m.Unknown = jsontext.Value(`{"writed_channel":false}`)
			m.Payload.Unknown = jsontext.Value(`{"msg_config":{"allow_group_ack":true}}`)
		}
	}
	out.fill(&m.envelope, k, n)
	return out.message(&m)
}
