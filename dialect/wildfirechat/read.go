package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// read is OutputReadData: a user has read a conversation up to a time.
type read struct {
	User         string `json:"user"`
	Conversation conv   `json:"conversation"`
	ReadTime     int64  `json:"readTime"`
	readRest
}

type readRest struct {
	ReadTime int64          `json:"readTime,omitzero"`
	Unknown  jsontext.Value `json:",embed"`
}

type readVendor struct {
	Conversation convRest `json:"conversation"`
	readRest
}

func decodeRead(in input) (*event.Event, error) {
	var w read
	w.Conversation.Type = absent
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.User == "":
		return nil, in.missing("user")
	case w.Conversation.Type == absent:
		return nil, in.missing("conversation.type")
	case w.Conversation.Target == "":
		return nil, in.missing("conversation.target")
	}
	c := &w.Conversation
	ev := &event.Event{
		Type: event.MessageRead, Generation: current,
		Actor: actor(w.User), Receipt: &event.Receipt{},
	}
	if w.ReadTime != 0 {
		ev.Dedupe = dedupe(w.User, codeText(c.Type), c.Target, codeText(c.Line), idText(w.ReadTime))
	}
	ev.Receipt.UpTo, w.readRest.ReadTime = fromMillis(w.ReadTime)
	var place event.Conversation
	if place, ev.Lane = c.place(w.User); place.Kind != "" {
		ev.Conversation = &place
	}
	v := readVendor{Conversation: c.convRest, readRest: w.readRest}
	var err error
	ev.Vendor, err = vendor(in, &v)
	return ev, err
}

func encodeRead(out *output) error {
	ev := out.ev
	var kept readVendor
	if err := out.kept(&kept); err != nil {
		return err
	}
	user := actorID(ev)
	if user == "" {
		return dialect.Untranslatable("nobody read it")
	}
	c, err := writeConv(ev.Conversation, user, kept.Conversation)
	if err != nil {
		return err
	}
	w := read{User: user, Conversation: c, readRest: kept.readRest}
	if ev.Receipt != nil {
		w.ReadTime = toMillis(ev.Receipt.UpTo, kept.ReadTime)
	}
	if w.ReadTime == 0 && !out.own {
		// Receipts of single messages: read up to when the receipt was made.
		if w.ReadTime = toMillis(ev.Time, 0); w.ReadTime == 0 {
			return dialect.Untranslatable("it does not say up to when")
		}
	}
	return out.post("", &w)
}
