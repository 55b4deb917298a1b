package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// rosterOp is one operation on a user's contacts.
type rosterOp struct {
	name string
	line string
	t    event.Type
	// says are further types that are written so.
	says []event.Type
	// reason, version and status say which keys the vendor's example has.
	reason, version, status bool
	// copied marks the applicant's copy of what the other user's report says.
	copied bool
}

// rosterOps are all operations, in the order of the vendor's page. The page calls
// "add" the adding of a friend; as accept and decline exist, it is the request.
var rosterOps = []rosterOp{
	{name: "add", line: "somebody asks for friendship", t: event.FriendRequest, reason: true},
	{name: "remove", line: "a contact was removed", t: event.FriendRemove, version: true},
	{name: "accept", line: "a request was accepted", t: event.FriendAccept, says: []event.Type{event.FriendAdd, event.FriendImport}, version: true},
	{name: "decline", line: "a request was declined", t: event.FriendDecline, version: true},
	{name: "remote_accept", line: "the applicant's copy of an acceptance", t: event.FriendAccept, version: true, copied: true},
	{name: "remote_decline", line: "the applicant's copy of a refusal", t: event.FriendDecline, version: true, copied: true},
	{name: "ban", line: "somebody was put on a block list", t: event.BlockAdd, status: true},
	{name: "allow", line: "somebody was taken off a block list", t: event.BlockRemove, status: true},
}

type rosterPayload struct {
	Reason    *loose         `json:"reason,omitzero"`
	Version   *string        `json:"roster_ver,omitzero"`
	Operation string         `json:"operation"`
	Status    *rosterStatus  `json:"status,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

type rosterStatus struct {
	ErrorCode string         `json:"error_code,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

func rosterCommands() []command {
	all := make([]command, len(rosterOps))
	for i := range rosterOps {
		op := &rosterOps[i]
		all[i] = command{
			spec:   after(roster+":"+op.name, op.line, op.t),
			decode: func(in *input, ev *event.Event) (bool, error) { return decodeRoster(in, ev, op) },
			encode: func(out *output) error { return encodeRoster(out, op) },
			sample: func(d *draw) *event.Event { return d.roster(op) },
		}
		if !op.copied {
			all[i].says = append([]event.Type{op.t}, op.says...)
		}
	}
	return all
}

func decodeRoster(in *input, ev *event.Event, op *rosterOp) (bool, error) {
	w, err := read[report[rosterPayload]](in)
	if err != nil {
		return false, err
	}
	p := &w.Payload
	from, to := bareID(w.AppKey, w.From), bareID(w.AppKey, w.To)
	if from == "" || to == "" || (p.Status != nil && p.Status.ErrorCode != "" && p.Status.ErrorCode != "ok") {
		return false, nil
	}
	ev.Type, ev.Dedupe, ev.Echo = op.t, w.dedupe(), op.copied
	ev.Conversation = new(event.Direct(from, to))
	ev.Lane = ev.Conversation.Lane()
	ev.Actor, w.From = actor(w.AppKey, w.From)
	ev.Members = []event.Member{{ID: to}}
	if p.Reason != nil {
		if op.name == "add" {
			if *p.Reason != "" {
				ev.Friend = &event.Friend{Text: string(*p.Reason)}
			}
			p.Reason = nil
		} else if *p.Reason == "" {
			p.Reason = nil
		}
	}
	if p.Version != nil && *p.Version == "" {
		p.Version = nil
	}
	if p.Status != nil && len(p.Status.Unknown) == 0 {
		p.Status = nil
	}
	w.To = stripped(w.To, to)
	p.Operation = ""
	return true, w.keep(ev)
}

// encodeRoster writes a request for each member.
func encodeRoster(out *output, op *rosterOp) error {
	ev := out.ev
	members := ev.Members
	if len(members) == 0 && ev.Conversation != nil && ev.Actor != nil {
		if peer, ok := ev.Conversation.Peer(ev.Actor.ID); ok {
			members = []event.Member{{ID: peer}}
		}
	}
	from := actorID(ev.Actor, "")
	if !out.own {
		if ev.Friend != nil {
			from = or(from, ev.Friend.Owner)
		}
		if from == "" {
			return dialect.Untranslatable("it does not say whose contact list it is")
		}
	}
	if len(members) == 0 {
		return dialect.Untranslatable("it does not name the other user")
	}
	for k := range members {
		var w report[rosterPayload]
		if err := out.kept(&w); err != nil {
			return err
		}
		p := &w.Payload
		w.ChatType = roster
		w.EventType = or(w.EventType, typeChat)
		if w.From == "" {
			w.From = from
			if !out.own {
				w.From = out.wrap(from)
			}
		}
		w.To = or(w.To, members[k].ID)
		p.Operation = op.name
		if op.reason && p.Reason == nil {
			p.Reason = new(loose(""))
			if ev.Friend != nil {
				*p.Reason = loose(ev.Friend.Text)
			}
		}
		if op.version && p.Version == nil {
			p.Version = new("")
		}
		if op.status {
			if p.Status == nil {
				p.Status = &rosterStatus{}
			}
			p.Status.ErrorCode = "ok"
		}
		out.fill(&w.envelope, k, len(members))
		if err := out.post(&w); err != nil {
			return err
		}
	}
	return nil
}
