package openim

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// singleRead is CallbackSingleMsgReadReq; until v3.6 it named a sender and a
// receiver in place of the conversation. ContentType holds the conversation's type.
type singleRead struct {
	CallbackCommand string  `json:"callbackCommand"`
	ConversationID  string  `json:"conversationID"`
	UserID          string  `json:"userID"`
	Seqs            []int64 `json:"Seqs"`
	ContentType     int32   `json:"contentType"`
	singleReadRest
}

type singleReadRest struct {
	ConversationID string `json:"conversationID,omitzero"`
	ContentType    *int32 `json:"contentType,omitzero"`
	SendID         string `json:"sendID,omitzero"`
	ReceiveID      string `json:"receiveID,omitzero"`
	rest
}

func decodeSingleRead(in *input) (*event.Event, error) {
	var w singleRead
	if err := in.read(&w); err != nil {
		return nil, err
	}
	reader := firstOf(w.UserID, w.SendID)
	if reader == "" {
		return nil, in.missing("userID")
	}
	ev := &event.Event{Type: in.only(), Actor: actor(reader), Receipt: &event.Receipt{}}
	for _, n := range w.Seqs {
		seq := strconv.FormatInt(n, 10)
		ev.Receipt.Seqs = append(ev.Receipt.Seqs, seq)
		if w.ConversationID != "" {
			ev.Links = append(ev.Links, seqLink(w.ConversationID, seq))
		}
	}
	var ok bool
	ev.Conversation, ev.Lane, ok = readConversation(w.ConversationID, reader)
	if !ok || conversationID(ev.Conversation) != w.ConversationID {
		w.singleReadRest.ConversationID = w.ConversationID
	}
	w.singleReadRest.ContentType = unless(w.ContentType, conversationType(ev.Conversation))
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.singleReadRest)
}

func conversationType(c *event.Conversation) int32 {
	switch {
	case c == nil:
		return 0
	case c.Kind == event.KindDirect:
		return sessionSingle
	}
	return sessionRead
}

func encodeSingleRead(out *output) error {
	ev := out.ev
	var w singleRead
	if err := out.kept(&w.singleReadRest); err != nil {
		return err
	}
	if w.UserID = actorID(ev); w.UserID == "" {
		return dialect.Untranslatable("it does not say who read")
	}
	var err error
	if w.Seqs, err = out.seqs(); err != nil {
		return err
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	w.ConversationID = firstOf(w.singleReadRest.ConversationID, conversationID(ev.Conversation))
	if w.ConversationID == "" && !out.own {
		return dialect.Untranslatable("it has no conversation that OpenIM has")
	}
	w.ContentType = or(w.singleReadRest.ContentType, conversationType(ev.Conversation))
	if w.SendID != "" {
		if out.name == out.command.name {
			return dialect.Untranslatable("OpenIM v3.5 does not say which conversation was read")
		}
		return out.post(&struct {
			CallbackCommand string `json:"callbackCommand"`
			SendID          string `json:"sendID"`
			ReceiveID       string `json:"receiveID"`
			ContentType     int32  `json:"contentType"`
			rest
		}{w.CallbackCommand, w.SendID, w.ReceiveID, w.ContentType, rest{Unknown: w.Unknown}})
	}
	return out.post(&w)
}

// seqs are the positions that were read. They are not invented: a receipt that
// gives a time or message ids cannot be said.
func (out *output) seqs() ([]int64, error) {
	var list []string
	if out.ev.Receipt != nil {
		list = out.ev.Receipt.Seqs
	}
	if len(list) == 0 && !out.own {
		return nil, dialect.Untranslatable("OpenIM's receipts are by seq, and it has none")
	}
	var seqs []int64
	for _, s := range list {
		n, ok := seqNumber(s)
		if !ok && out.own {
			n, _ = strconv.ParseInt(s, 10, 64)
		} else if !ok {
			return nil, dialect.Untranslatable("seq %q is no number", s)
		}
		seqs = append(seqs, n)
	}
	return seqs, nil
}

// groupRead is CallbackGroupMsgReadReq. The group is not on the wire; sender and
// receiver are both the reader, and UnreadMsgNum is the seq up to which was read.
type groupRead struct {
	CallbackCommand string `json:"callbackCommand"`
	SendID          string `json:"sendID"`
	ReceiveID       string `json:"receiveID"`
	UnreadMsgNum    int64  `json:"unreadMsgNum"`
	ContentType     int64  `json:"contentType"`
	groupReadRest
}

type groupReadRest struct {
	ReceiveID    string `json:"receiveID,omitzero"`
	UnreadMsgNum int64  `json:"unreadMsgNum,omitzero"`
	ContentType  *int64 `json:"contentType,omitzero"`
	rest
}

func decodeGroupRead(in *input) (*event.Event, error) {
	var w groupRead
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.SendID == "" {
		return nil, in.missing("sendID")
	}
	ev := &event.Event{Type: in.only(), Lane: userLane(w.SendID), Actor: actor(w.SendID), Receipt: &event.Receipt{}}
	if w.UnreadMsgNum > 0 {
		ev.Receipt.Seqs = []string{strconv.FormatInt(w.UnreadMsgNum, 10)}
	} else {
		w.groupReadRest.UnreadMsgNum = w.UnreadMsgNum
	}
	if w.ReceiveID != w.SendID {
		w.groupReadRest.ReceiveID = w.ReceiveID
	}
	w.groupReadRest.ContentType = unless(w.ContentType, sessionRead)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.groupReadRest)
}

func encodeGroupRead(out *output) error {
	var w groupRead
	if err := out.kept(&w.groupReadRest); err != nil {
		return err
	}
	if w.SendID = actorID(out.ev); w.SendID == "" {
		return dialect.Untranslatable("it does not say who read")
	}
	seqs, err := out.seqs()
	if err != nil {
		return err
	}
	w.UnreadMsgNum = w.groupReadRest.UnreadMsgNum
	for _, n := range seqs {
		w.UnreadMsgNum = max(w.UnreadMsgNum, n)
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	w.ReceiveID = firstOf(w.groupReadRest.ReceiveID, w.SendID)
	w.ContentType = or(w.groupReadRest.ContentType, sessionRead)
	return out.post(&w)
}

// revoke is CallbackAfterRevokeMsgReq, which some forks send with the time. Its
// command says before and after at once; it is after.
type revoke struct {
	CallbackCommand string `json:"callbackCommand"`
	ConversationID  string `json:"conversationID"`
	Seq             int64  `json:"seq"`
	UserID          string `json:"userID"`
	revokeRest
}

type revokeRest struct {
	ConversationID string `json:"conversationID,omitzero"`
	EventTime      *int64 `json:"eventTime,omitzero"`
	rest
}

func decodeRevoke(in *input) (*event.Event, error) {
	var w revoke
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("conversationID", w.ConversationID); err != nil {
		return nil, err
	}
	if w.Seq <= 0 {
		return nil, in.missing("seq")
	}
	seq := strconv.FormatInt(w.Seq, 10)
	ev := &event.Event{
		Type: in.only(), Actor: actor(w.UserID), Message: &event.Message{Seq: seq},
		Links: []string{seqLink(w.ConversationID, seq)}, Dedupe: dialect.JoinKey(w.ConversationID, seq),
	}
	if w.EventTime != nil {
		ev.Time = fromWire(*w.EventTime)
	}
	var ok bool
	ev.Conversation, ev.Lane, ok = readConversation(w.ConversationID, w.UserID)
	if !ok || conversationID(ev.Conversation) != w.ConversationID {
		w.revokeRest.ConversationID = w.ConversationID
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.revokeRest)
}

func encodeRevoke(out *output) error {
	ev := out.ev
	var w revoke
	if err := out.kept(&w.revokeRest); err != nil {
		return err
	}
	if ev.Message == nil {
		return dialect.Untranslatable("it has no message")
	}
	var ok bool
	if w.Seq, ok = seqNumber(ev.Message.Seq); !ok {
		return dialect.Untranslatable("OpenIM recalls by seq, and it has none")
	}
	w.CallbackCommand, w.UserID = out.said(w.rest.CallbackCommand), actorID(ev)
	w.ConversationID = firstOf(w.revokeRest.ConversationID, conversationID(ev.Conversation))
	if w.ConversationID == "" {
		return dialect.Untranslatable("it has no conversation that OpenIM has")
	}
	return out.post(&w)
}
