package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// push is the body of a report of an offline push.
type push struct {
	CallID       string         `json:"callId"`
	Timestamp    int64          `json:"timestamp"`
	ChatType     string         `json:"chat_type"`
	MsgID        string         `json:"msg_id"`
	Step         string         `json:"step"`
	Status       string         `json:"status"`
	GroupID      string         `json:"group_id,omitzero"`
	From         string         `json:"from,omitzero"`
	Target       string         `json:"target"`
	Channel      string         `json:"channel,omitzero"`
	DeviceID     string         `json:"device_id,omitzero"`
	DeviceToken  string         `json:"device_token,omitzero"`
	NotifierName string         `json:"notifier_name,omitzero"`
	Detail       string         `json:"detail,omitzero"`
	Data         jsontext.Value `json:"data,omitzero"`
	Security     string         `json:"security"`
	AppKey       string         `json:"appkey"`
	Unknown      jsontext.Value `json:",embed"`
}

func pushCommands() []command {
	one := func(status, line string, says ...event.Type) command {
		return command{
			spec: after(stepPush+":"+status, line, event.PushReport), says: says,
			decode: decodePush,
			encode: func(out *output) error { return encodePush(out, status) },
			sample: func(d *draw) *event.Event { return d.push(status) },
		}
	}
	success := one("success", "an offline push was handed to the phone maker's channel", event.PushReport)
	success.instead = func(ev *event.Event) string {
		switch r := ev.Report; {
		case r == nil:
		case r.Code == "fail" || r.Code == "error":
			return stepPush + ":" + r.Code
		case r.Code != "success" && r.Text != "":
			return stepPush + ":fail"
		}
		return ""
	}
	return []command{
		success,
		one("fail", "an offline push was not taken"),
		one("error", "an offline push went wrong"),
	}
}

func decodePush(in *input, ev *event.Event) (bool, error) {
	w, err := read[push](in)
	if err != nil {
		return false, err
	}
	target := bareID(w.AppKey, w.Target)
	if target == "" {
		return false, nil
	}
	ev.Type = event.PushReport
	ev.Lane = event.NewLane(event.KindUser, target)
	if id := or(w.CallID, w.MsgID); id != "" {
		ev.Dedupe = (&envelope{CallID: id, To: w.Target + "/" + w.DeviceID}).dedupe()
	}
	ev.Members = []event.Member{{ID: target}}
	ev.Actor, w.From = actor(w.AppKey, w.From)
	ev.Report = &event.Report{Code: w.Status, Text: w.Detail}
	if w.MsgID != "" {
		ev.Message = &event.Message{ID: w.MsgID}
		ev.Links = []string{"msg:" + w.MsgID}
	}
	if group := bareID(w.AppKey, w.GroupID); group != "" {
		ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: group}
		w.GroupID = stripped(w.GroupID, group)
	}
	if w.Channel != "" || w.DeviceID != "" {
		ev.Presence = &event.Presence{Connection: w.Channel, Client: w.DeviceID}
	}
	if isDefaultCallID(w.CallID, w.AppKey, w.MsgID) {
		w.CallID = ""
	}
	if w.ChatType == pushType(ev.Conversation) {
		w.ChatType = ""
	}
	w.Target = stripped(w.Target, target)
	w.Timestamp, w.MsgID, w.Step, w.Status, w.Detail = 0, "", "", "", ""
	w.Channel, w.DeviceID, w.Security = "", "", ""
	return true, keep(ev, w)
}

// pushType is chat_type of the message that was pushed.
func pushType(place *event.Conversation) string {
	if place != nil && place.Kind == event.KindGroup {
		return chatGroup
	}
	return chatDirect
}

// encodePush writes a request for each receiver.
func encodePush(out *output, status string) error {
	ev := out.ev
	if len(ev.Members) == 0 {
		return dialect.Untranslatable("it does not say to whom the push went")
	}
	for k := range ev.Members {
		var w push
		if err := out.kept(&w); err != nil {
			return err
		}
		w.Step, w.Status, w.Timestamp, w.Security = stepPush, status, out.millis(), ""
		w.Target = or(w.Target, ev.Members[k].ID)
		w.From = or(w.From, actorID(ev.Actor, ""))
		if ev.Message != nil {
			w.MsgID = ev.Message.ID
		}
		if ev.Report != nil {
			w.Detail = ev.Report.Text
		}
		if ev.Presence != nil {
			w.Channel, w.DeviceID = ev.Presence.Connection, ev.Presence.Client
		}
		w.ChatType = or(w.ChatType, pushType(ev.Conversation))
		if c := ev.Conversation; c != nil && c.Kind == event.KindGroup {
			w.GroupID = or(w.GroupID, c.ID)
		}
		if !out.own {
			w.AppKey = out.appKey()
			if w.MsgID == "" {
				w.MsgID = out.id(k, len(ev.Members))
			}
		}
		w.CallID = or(w.CallID, defaultCallID(w.AppKey, w.MsgID))
		if err := out.post(&w); err != nil {
			return err
		}
	}
	return nil
}
