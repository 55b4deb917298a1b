package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// channelEvent is ChannelUpdateEvent.
type channelEvent struct {
	OperatorID string `json:"operatorId,omitzero"`
	ChannelID  string `json:"channelId"`
	Type       *int32 `json:"type"`
	channelRest
}

type channelRest struct {
	Unknown jsontext.Value `json:",embed"`
}

// channelTypes are the event types in the order of their numbers.
var channelTypes = [...]event.Type{
	event.ChannelCreate, event.ChannelUpdate, event.ChannelTransfer, event.ChannelDestroy,
}

func decodeChannel(in input) (*event.Event, error) {
	var w channelEvent
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.ChannelID == "":
		return nil, in.missing("channelId")
	case w.Type == nil:
		return nil, in.missing("type")
	}
	place, lane := placed(event.KindChannel, w.ChannelID)
	t, ok := numbered(channelTypes[:], *w.Type)
	if !ok {
		return in.unknown(lane), nil
	}
	ev := &event.Event{
		Type: t, Lane: lane, Conversation: &place, Actor: actor(w.OperatorID), Channel: &event.Channel{ID: w.ChannelID},
	}
	var err error
	ev.Vendor, err = vendor(in, &w.channelRest)
	return ev, err
}

func encodeChannel(out *output) error {
	w := channelEvent{
		OperatorID: actorID(out.ev), ChannelID: channelID(out.ev),
		Type: new(number(channelTypes[:], out.ev.Type, 1)),
	}
	if err := out.kept(&w.channelRest); err != nil {
		return err
	}
	if w.ChannelID == "" {
		return dialect.Untranslatable("it names no channel")
	}
	return out.post("", &w)
}

// subscription is OutputNotifyChannelSubscribeStatus.
type subscription struct {
	UserID    string `json:"userId"`
	ChannelID string `json:"channelId"`
	Status    *int32 `json:"status"`
	channelRest
}

func decodeSubscribe(in input) (*event.Event, error) {
	var w subscription
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.ChannelID == "" {
		w.ChannelID = in.id
	}
	switch {
	case w.UserID == "":
		return nil, in.missing("userId")
	case w.ChannelID == "":
		return nil, in.missing("channelId")
	case w.Status == nil:
		return nil, in.missing("status")
	}
	place, lane := placed(event.KindChannel, w.ChannelID)
	ev := &event.Event{
		Lane: lane, Conversation: &place, Actor: actor(w.UserID), Members: members([]string{w.UserID}),
		Channel: &event.Channel{ID: w.ChannelID},
	}
	switch *w.Status {
	case 0:
		ev.Type = event.ChannelUnsubscribe
	case 1:
		ev.Type = event.ChannelSubscribe
	default:
		return in.unknown(lane), nil
	}
	var err error
	ev.Vendor, err = vendor(in, &w.channelRest)
	return ev, err
}

func encodeSubscribe(out *output) error {
	w := subscription{ChannelID: channelID(out.ev), Status: new(int32(0))}
	if err := out.kept(&w.channelRest); err != nil {
		return err
	}
	if out.ev.Type == event.ChannelSubscribe {
		*w.Status = 1
	}
	ids := out.concerned()
	if w.ChannelID == "" || len(ids) == 0 {
		return dialect.Untranslatable("it does not name channel and subscriber")
	}
	for _, w.UserID = range ids {
		if err := out.post("", &w); err != nil {
			return err
		}
	}
	return nil
}
