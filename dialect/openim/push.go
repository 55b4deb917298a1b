package openim

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// push is CallbackBeforePushReq and CallbackBeforeSuperGroupOnlinePushReq. What an
// offline device is to be shown lies flat in it, and is not there at all when the
// message has none.
type push struct {
	CallbackCommand string   `json:"callbackCommand"`
	OperationID     *string  `json:"operationID"`
	PlatformID      int32    `json:"platformID"`
	Platform        string   `json:"platform"`
	UserIDList      []string `json:"userIDList"`
	Title           *string  `json:"title"`
	Desc            *string  `json:"desc"`
	Ex              *string  `json:"ex"`
	ClientMsgID     string   `json:"clientMsgID"`
	SendID          string   `json:"sendID"`
	GroupID         string   `json:"groupID"`
	ContentType     int32    `json:"contentType"`
	SessionType     int32    `json:"sessionType"`
	AtUserIDList    []string `json:"atUserIDList"`
	Content         string   `json:"content"`
	Seq             int64    `json:"seq"`
	pushRest
}

type pushRest struct {
	OperationID *string `json:"operationID,omitzero"`
	Platform    *string `json:"platform,omitzero"`
	GroupID     string  `json:"groupID,omitzero"`
	SessionType *int32  `json:"sessionType,omitzero"`
	Content     string  `json:"content,omitzero"`
	pushInfoRest
	rest
}

// pushInfoRest is what of OfflinePushInfo has no canonical place.
type pushInfoRest struct {
	IOSPushSound  *string `json:"iOSPushSound,omitzero"`
	IOSBadgeCount *bool   `json:"iOSBadgeCount,omitzero"`
	SignalInfo    *string `json:"signalInfo,omitzero"`
}

func decodePush(in *input) (*event.Event, error) {
	var w push
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.SendID == "" {
		return nil, in.missing("sendID")
	}
	m := &event.Message{ClientID: w.ClientMsgID, Mentions: mentions(w.AtUserIDList)}
	ev := &event.Event{
		Type: in.only(), Message: m, Members: members(w.UserIDList),
		Actor: &event.Actor{ID: w.SendID, Platform: platformWord(w.PlatformID)},
	}
	if w.ClientMsgID != "" {
		ev.Links = []string{"msg:" + w.ClientMsgID}
	}
	if w.Seq != 0 {
		m.Seq = strconv.FormatInt(w.Seq, 10)
	}
	if w.Title != nil || w.Desc != nil || w.Ex != nil {
		m.Push = &event.Push{Title: or(w.Title, ""), Content: or(w.Desc, ""), Data: or(w.Ex, "")}
	}
	if !readContent(w.ContentType, w.Content, second(in.generation), m) {
		w.pushRest.Content = w.Content
	}

	usual := w.SessionType
	peer := ""
	for _, id := range w.UserIDList {
		if id != w.SendID {
			peer = id
			break
		}
	}
	switch {
	case w.GroupID != "":
		ev.Conversation, ev.Lane = group(w.GroupID)
		usual = groupSession(in.generation)
	case w.SessionType == sessionSingle && peer != "":
		ev.Conversation, ev.Lane = direct(w.SendID, peer)
	default:
		ev.Lane = userLane(w.SendID)
		usual = 0
	}
	w.pushRest.SessionType = unless(w.SessionType, usual)
	if w.OperationID != nil && *w.OperationID != "" {
		w.pushRest.OperationID = w.OperationID
	}
	w.pushRest.Platform = unless(w.Platform, platformName(w.PlatformID))
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.pushRest)
}

// The bodies that are written: only some have a list of users, a seq or what is to
// be shown.
type (
	pushHead struct {
		CallbackCommand string `json:"callbackCommand"`
		OperationID     string `json:"operationID"`
		PlatformID      int32  `json:"platformID"`
		Platform        string `json:"platform"`
	}
	pushUsers struct {
		UserIDList []string `json:"userIDList"`
	}
	pushInfo struct {
		Title         string `json:"title"`
		Desc          string `json:"desc"`
		Ex            string `json:"ex"`
		IOSPushSound  string `json:"iOSPushSound"`
		IOSBadgeCount bool   `json:"iOSBadgeCount"`
		SignalInfo    string `json:"signalInfo"`
	}
	pushMessage struct {
		ClientMsgID  string   `json:"clientMsgID"`
		SendID       string   `json:"sendID"`
		GroupID      string   `json:"groupID"`
		ContentType  int32    `json:"contentType"`
		SessionType  int32    `json:"sessionType"`
		AtUserIDList []string `json:"atUserIDList"`
		Content      string   `json:"content"`
		rest
	}
	pushSeq struct {
		Seq int64 `json:"seq"`
	}
)

func encodePush(out *output) error {
	ev := out.ev
	m := ev.Message
	if m == nil {
		return dialect.Untranslatable("it has no message")
	}
	var kept pushRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	sender := firstOf(actorID(ev), m.Sender)
	if sender == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	if !out.own && len(m.Parts) > 0 {
		m = firstPart(m)
	}
	content, code, err := writeContent(m, out.own, second(out.generation), kept.Content)
	if err != nil {
		return err
	}
	head := pushHead{CallbackCommand: out.said(kept.CallbackCommand), OperationID: out.operation(kept.OperationID)}
	if ev.Actor != nil {
		head.PlatformID = platformCode(ev.Actor.Platform)
	}
	head.Platform = or(kept.Platform, platformName(head.PlatformID))
	body := pushMessage{
		ClientMsgID: m.ClientID, SendID: sender, GroupID: kept.GroupID, ContentType: code,
		AtUserIDList: writeMentions(m.Mentions), Content: content, rest: rest{Unknown: kept.Unknown},
	}
	if !out.own {
		body.ClientMsgID = firstOf(m.ClientID, m.ID, ev.ID)
	}
	users := pushUsers{memberIDs(ev.Members)}
	if c := ev.Conversation; c != nil {
		switch c.Kind {
		case event.KindGroup, event.KindChatroom:
			body.GroupID, body.SessionType = c.ID, groupSession(out.generation)
		case event.KindDirect:
			body.SessionType = sessionSingle
			if peer, ok := c.Peer(sender); ok && users.UserIDList == nil {
				users.UserIDList = []string{peer}
			}
		default:
			return dialect.Untranslatable("OpenIM has no messages to a %s", c.Kind)
		}
	}
	body.SessionType = or(kept.SessionType, body.SessionType)
	seq := pushSeq{}
	seq.Seq, _ = strconv.ParseInt(m.Seq, 10, 64)

	info := pushInfo{
		IOSPushSound: or(kept.IOSPushSound, ""), IOSBadgeCount: or(kept.IOSBadgeCount, false), SignalInfo: or(kept.SignalInfo, ""),
	}
	if m.Push != nil {
		info.Title, info.Desc, info.Ex = m.Push.Title, m.Push.Content, m.Push.Data
	}
	shown := m.Push != nil || kept.pushInfoRest != pushInfoRest{}
	switch {
	case out.key == "beforeGroupOnlinePush" && shown && second(out.generation) && seq.Seq == 0:
		return out.post(&struct {
			pushHead
			pushInfo
			pushMessage
		}{head, info, body})
	case out.key == "beforeGroupOnlinePush" && shown && (out.own || second(out.generation)):
		return out.post(&struct {
			pushHead
			pushInfo
			pushMessage
			pushSeq
		}{head, info, body, seq})
	case out.key == "beforeGroupOnlinePush" && second(out.generation) && seq.Seq == 0:
		return out.post(&struct {
			pushHead
			pushMessage
		}{head, body})
	case out.key == "beforeGroupOnlinePush":
		return out.post(&struct {
			pushHead
			pushMessage
			pushSeq
		}{head, body, seq})
	case shown:
		return out.post(&struct {
			pushHead
			pushUsers
			pushInfo
			pushMessage
		}{head, users, info, body})
	}
	return out.post(&struct {
		pushHead
		pushUsers
		pushMessage
	}{head, users, body})
}
