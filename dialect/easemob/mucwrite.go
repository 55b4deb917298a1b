package easemob

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// encodeMuc writes a request for each member where the operation takes one, for
// each file where it takes one of those, else the only one.
func encodeMuc(out *output, op *mucOp) error {
	ev := out.ev
	kind := event.KindGroup
	if ev.Type == op.room {
		kind = event.KindChatroom
	}
	id, err := place(ev, kind)
	if err != nil {
		return err
	}
	members := ev.Members
	switch op.whom {
	case himself, otherOrHimself, gone:
		members = out.concerned()
	case other:
		if len(members) == 0 && ev.Type == event.GroupTransfer && ev.Group != nil && ev.Group.Owner != "" {
			members = []event.Member{{ID: ev.Group.Owner}}
		}
	case attributes, nobody:
	}
	n := len(members)
	switch {
	case op.whom == nobody || (op.whom == attributes && kind == event.KindChatroom):
		members, n = nil, 1
		if ev.Group != nil && (op.name == "upload_file" || op.name == "delete_file") {
			n = max(n, len(ev.Group.Files))
		}
		if !out.own && (op.name == "upload_file" || op.name == "delete_file") && (ev.Group == nil || len(ev.Group.Files) == 0) {
			return dialect.Untranslatable("it names no file")
		}
	case n == 0 && !out.own:
		return dialect.Untranslatable("it names no member")
	case n == 0:
		n = 1
	}
	for k := range n {
		m := event.Member{}
		if k < len(members) {
			m = members[k]
		}
		if err := encodeMucOf(out, op, kind, id, m, k, n); err != nil {
			return err
		}
	}
	return nil
}

func encodeMucOf(out *output, op *mucOp, kind event.Kind, id string, m event.Member, k, n int) error {
	ev := out.ev
	var w report[mucPayload]
	if err := out.kept(&w); err != nil {
		return err
	}
	p := &w.Payload
	w.ChatType = muc
	w.EventType = or(w.EventType, typeChat)
	w.GroupID = or(w.GroupID, id)
	from := actorID(ev.Actor, systemUser)
	switch op.whom {
	case himself:
		if m.ID != "" {
			from = m.ID
		}
	case gone:
		from = m.ID
	case attributes:
		if out.own && from != "" && w.From == "" && attributeFacts(p.EventInfo).operator == "" {
			break // it came from the actor himself
		}
		from = id
	case nobody, other, otherOrHimself:
	}
	if w.From == "" {
		w.From = from
		if !out.own && from != id {
			w.From = out.wrap(from)
		}
	}
	w.To = or(w.To, mucTo(op, id, bareID(or(w.AppKey, out.appKey()), w.From), m.ID))
	if op.whom == attributes && w.To == "" {
		w.To = id
		if !out.own { // a member, says the page
			w.To = or(actorID(ev.Actor, ""), id)
		}
	}
	p.Operation, p.IsChatroom = op.name, kind == event.KindChatroom
	if op.reason || (out.own && m.Reason != "") {
		reason, err := writeReason(ev, op, &m, k)
		if err != nil {
			return dialect.Untranslatable("writing the reason: %v", err)
		}
		if p.Reason == nil {
			p.Reason = new(loose(reason))
		}
	}
	if op.status && p.Status == nil {
		p.Status = &mucStatus{ErrorCode: "ok"}
	}
	if op.whom == attributes && p.EventInfo == nil && !out.own {
		info, err := writeAttributes(ev, kind, &m)
		if err != nil {
			return dialect.Untranslatable("writing the attributes: %v", err)
		}
		p.EventInfo = info
	}
	out.fill(&w.envelope, k, n)
	p.MucID = or(p.MucID, wrapGroup(w.AppKey, id))
	return out.post(&w)
}

// writeAttributes says a chatroom's attributes, or a member's card, as event_info.
func writeAttributes(ev *event.Event, kind event.Kind, m *event.Member) (*eventInfo, error) {
	text := attributeText{Properties: jsontext.Value("{}"), NeedNotify: true, Operator: actorID(ev.Actor, systemUser)}
	text.Result.SuccessKeys = []string{}
	if kind == event.KindChatroom {
		if ev.Chatroom != nil && len(ev.Chatroom.Attributes) > 0 {
			text.MucName = ev.Chatroom.Name
			text.Result.SuccessKeys = slices.Sorted(maps.Keys(ev.Chatroom.Attributes))
			values := make([]pair, len(text.Result.SuccessKeys))
			for i, name := range text.Result.SuccessKeys {
				values[i] = pair{name, ev.Chatroom.Attributes[name]}
			}
			text.Properties = newExts(values)
		}
	} else {
		text.UserName = m.ID
		values := pairs(jsontext.Value(m.Extra))
		if values == nil && m.Extra != "" {
			values = []pair{{"extra", m.Extra}}
		}
		if m.Alias != "" {
			values = append(values, pair{"nickname", m.Alias})
		}
		if m.Role != "" {
			values = append(values, pair{"role", m.Role})
		}
		for _, v := range values {
			text.Result.SuccessKeys = append(text.Result.SuccessKeys, v.name)
		}
		text.Properties = newExts(values)
	}
	b, err := dialect.Marshal(&text)
	if err != nil {
		return nil, err
	}
	return &eventInfo{Ext: loose(b), Type: "event_none"}, nil
}
