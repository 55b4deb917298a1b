package easemob

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

type reactionPayload struct {
	Data        []reactionData `json:"data"`
	Num         int            `json:"num"`
	ChannelType string         `json:"channel_type"`
	Type        string         `json:"type"`
	Unknown     jsontext.Value `json:",embed"`
}

// reactionData are the reactions of one message.
type reactionData struct {
	MessageID   string         `json:"messageId"`
	From        string         `json:"from"`
	Reactions   []reactionItem `json:"reactions"`
	To          string         `json:"to"`
	ChannelType string         `json:"channel_type"`
	TS          int64          `json:"ts"`
	Unknown     jsontext.Value `json:",embed"`
}

// reactionItem is one reaction as it is now; Op is there only on what changed.
type reactionItem struct {
	Reaction string         `json:"reaction"`
	Op       []reactionOp   `json:"op,omitzero"`
	UserList []string       `json:"userList"`
	Count    int            `json:"count"`
	Unknown  jsontext.Value `json:",embed"`
}

// reactionOp is who did what. The pages know "create" alone; "delete" is what the
// vendor's clients call the opposite.
type reactionOp struct {
	ReactionType string         `json:"reactionType"`
	Operator     string         `json:"operator"`
	Unknown      jsontext.Value `json:",embed"`
}

func reactionCommands() []command {
	return []command{{
		spec:   after(notify+":reaction", "the reactions of a message changed (unsigned)", event.MessageReact),
		says:   []event.Type{event.MessageReact},
		decode: decodeReaction, split: splitReaction, encode: encodeReaction, sample: (*draw).reaction,
	}}
}

// splitReaction gives each message a body of its own. The body of one message
// stays as it is.
func splitReaction(in *input) ([][]byte, error) {
	w, err := read[report[reactionPayload]](in)
	if err != nil {
		return nil, err
	}
	all := w.Payload.Data
	if len(all) < 2 {
		return [][]byte{in.body}, nil
	}
	bodies := make([][]byte, len(all))
	for i := range all {
		w.Payload.Data = all[i : i+1]
		w.Security = ""
		b, err := dialect.Marshal(w)
		if err == nil {
			b, err = dialect.Tidy(b)
		}
		if err != nil {
			return nil, &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Err: err}
		}
		bodies[i] = b
	}
	return bodies, nil
}

func decodeReaction(in *input, ev *event.Event) (bool, error) {
	w, err := read[report[reactionPayload]](in)
	if err != nil {
		return false, err
	}
	p := &w.Payload
	if len(p.Data) != 1 || p.Data[0].MessageID == "" {
		return false, nil
	}
	d := &p.Data[0]
	who := w.From
	for _, item := range d.Reactions {
		if len(item.Op) > 0 && item.Op[0].Operator != "" {
			who = item.Op[0].Operator
			break
		}
	}
	from, to := bareID(w.AppKey, d.From), bareID(w.AppKey, d.To)
	var place event.Conversation
	switch {
	case to == "":
		return false, nil
	case or(d.ChannelType, p.ChannelType) == chatGroup:
		place = event.Conversation{Kind: event.KindGroup, ID: to}
	case from == "":
		return false, nil
	default:
		place = event.Direct(from, to)
	}
	ev.Type = event.MessageReact
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Links = []string{"msg:" + d.MessageID}
	if w.MsgID != "" {
		ev.Dedupe = w.MsgID + "/" + d.MessageID + "/" + strconv.FormatInt(d.TS, 10)
	}
	reacted, actorKept := actor(w.AppKey, who)
	ev.Actor = reacted
	person := actorID(ev.Actor, systemUser)

	ev.Message = &event.Message{ID: d.MessageID}
	r := &event.Reaction{Message: d.MessageID}
	ev.Reaction = r
	kept := false
	for i := range d.Reactions {
		item := &d.Reactions[i]
		one := event.ReactionCount{Name: item.Reaction, Count: item.Count}
		for _, u := range bareIDs(w.AppKey, item.UserList) {
			one.Users = append(one.Users, u.ID)
		}
		if len(item.Op) > 0 {
			op := item.Op[0]
			switch op.ReactionType {
			case "create":
				one.Change = "add"
			case "delete", "remove":
				one.Change = "remove"
			}
			if len(item.Op) == 1 && len(op.Unknown) == 0 && op.ReactionType == changeWord(one.Change) && op.Operator == person {
				item.Op = nil
			}
		}
		r.Items = append(r.Items, one)
		item.Reaction, item.Count, item.UserList = "", 0, nil
		kept = kept || item.Op != nil || len(item.Unknown) > 0
	}
	if p.Num == len(r.Items) {
		p.Num = 0
	}
	if !kept {
		d.Reactions = nil
	}
	if w.From == person || (who == w.From && actorKept == "") {
		w.From = ""
	}
	w.To = stripped(w.To, d.To)
	if p.ChannelType == d.ChannelType {
		p.ChannelType = ""
	}
	d.ChannelType = stripped(d.ChannelType, channelType(place.Kind))
	d.From = stripped(d.From, person)
	d.To = stripped(d.To, reactionTo(&place, or(d.From, person), to))
	if d.TS == w.Timestamp {
		d.TS = 0
	}
	d.MessageID, p.Type = "", ""
	if d.isZero() {
		p.Data = nil
	}
	return true, w.keep(ev)
}

func (d *reactionData) isZero() bool {
	return d.MessageID == "" && d.From == "" && d.Reactions == nil && d.To == "" && d.ChannelType == "" && d.TS == 0 && len(d.Unknown) == 0
}

// reactionTo is the other end of the conversation.
func reactionTo(place *event.Conversation, from, to string) string {
	if place.Kind != event.KindDirect {
		return place.ID
	}
	if peer, ok := place.Peer(from); ok {
		return peer
	}
	return to
}

func channelType(kind event.Kind) string {
	if kind == event.KindDirect {
		return chatDirect
	}
	return chatGroup
}

// changeWord is the vendor's word for a change.
func changeWord(change string) string {
	switch change {
	case "add":
		return "create"
	case "remove":
		return "delete"
	}
	return ""
}

// encodeReaction writes callId and security as well, as the page's table of common
// keys has them: its example lacks both, and who checks them finds them right.
func encodeReaction(out *output) error {
	ev := out.ev
	var w report[reactionPayload]
	if err := out.kept(&w); err != nil {
		return err
	}
	if ev.Reaction == nil || ev.Reaction.Message == "" {
		return dialect.Untranslatable("it names no message")
	}
	if ev.Conversation == nil || (ev.Conversation.Kind != event.KindDirect && ev.Conversation.Kind != event.KindGroup) {
		return dialect.Untranslatable("there are reactions in direct chats and groups only")
	}
	p := &w.Payload
	if len(p.Data) == 0 {
		p.Data = make([]reactionData, 1)
	}
	d := &p.Data[0]
	person := actorID(ev.Actor, systemUser)
	if person == "" && !out.own {
		return dialect.Untranslatable("it does not say who reacted")
	}
	rest := d.Reactions
	d.Reactions = make([]reactionItem, len(ev.Reaction.Items))
	for i, one := range ev.Reaction.Items {
		item := &d.Reactions[i]
		if i < len(rest) {
			*item = rest[i]
		}
		item.Reaction, item.Count, item.UserList = one.Name, one.Count, one.Users
		if item.UserList == nil {
			item.UserList = []string{}
		}
		if word := changeWord(one.Change); word != "" && item.Op == nil {
			item.Op = []reactionOp{{ReactionType: word, Operator: person}}
		}
	}
	d.MessageID = ev.Reaction.Message
	d.From = or(d.From, person)
	d.To = or(d.To, reactionTo(ev.Conversation, bareID(w.AppKey, d.From), ""))
	d.ChannelType = or(d.ChannelType, channelType(ev.Conversation.Kind))
	if d.TS == 0 {
		d.TS = out.millis()
	}
	if p.Num == 0 {
		p.Num = len(d.Reactions)
	}
	p.ChannelType = or(p.ChannelType, d.ChannelType)
	p.Type = "reaction"
	w.ChatType = notify
	w.EventType = or(w.EventType, typeChat)
	w.From, w.To = or(w.From, person), or(w.To, d.To)
	out.fill(&w.envelope, 0, 1)
	return out.post(&w)
}
