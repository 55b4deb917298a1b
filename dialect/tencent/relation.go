package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// responses are the words of ResponseAction.
var responses = [...]struct{ word, wire string }{
	{"accept", "Response_Action_Agree"},
	{"acceptAndAdd", "Response_Action_AgreeAndAdd"},
	{"decline", "Response_Action_Reject"},
}

// asked reads what both questions about friendship have in common: From_Account
// asks, or answers, each of the others. It returns what is left over of each.
func (in *input) asked(t event.Type, list string) (*event.Event, []*object, error) {
	o := &in.o
	from, by := o.text("From_Account"), o.text("Requester_Account")
	if from == "" {
		return nil, nil, in.missing("From_Account")
	}
	if by != from && by != "" {
		o.putText("Requester_Account", by)
	}
	items := o.list(list)
	if len(items) == 0 {
		return nil, nil, in.missing(list)
	}
	ev := &event.Event{
		Type: t, Actor: actor(from), Friend: &event.Friend{Owner: from}, Dedupe: in.dedupe(from, firstOf(by, from)),
		Lane: event.NewLane(event.KindUser, from), Members: make([]event.Member, len(items)),
	}
	left := make([]*object, len(items))
	for i, item := range items {
		one := new(object)
		if err := one.parse(item); err != nil {
			return nil, nil, in.fail(list, err)
		}
		m := &ev.Members[i]
		m.ID, m.Alias = one.text("To_Account"), one.text("Remark")
		switch {
		case one.bad != "":
			return nil, nil, in.fail(list+"."+one.bad, one.why)
		case m.ID == "":
			return nil, nil, in.missing(list + ".To_Account")
		}
		left[i] = one
	}
	if len(items) == 1 {
		c := event.Direct(from, ev.Members[0].ID)
		ev.Conversation, ev.Lane = &c, c.Lane()
		ev.Friend.Alias = ev.Members[0].Alias
	}
	return ev, left, nil
}

// leave keeps what is left over of the targets, as many as there are.
func (in *input) leave(list string, left []*object) error {
	kept, some := []byte{'['}, false
	for i, one := range left {
		if one.bad != "" {
			in.o.bad, in.o.why = list+"."+one.bad, one.why
			return nil
		}
		rest, err := one.rest()
		if err != nil {
			return err
		}
		if i > 0 {
			kept = append(kept, ',')
		}
		if rest == nil {
			rest = []byte("{}")
		} else {
			some = true
		}
		kept = append(kept, rest...)
	}
	if some {
		in.o.put(list, append(kept, ']'))
	}
	return nil
}

// left is the inverse: what was kept of target i.
func (out *output) left(items [][]byte, i int) *object {
	o := new(object)
	if i < len(items) && len(items) == len(out.ev.Members) {
		_ = o.parse(items[i]) // what is none is left out
	}
	return o
}

func decodePrevFriendAdd(in *input) (*event.Event, error) {
	ev, left, err := in.asked(event.FriendRequest, "FriendItem")
	if err != nil {
		return nil, err
	}
	for i, one := range left {
		ev.Members[i].Source = one.text("AddSource")
		if v := one.peek("AddWording"); v != nil && v[0] == '"' {
			text := unquote(v)
			if i == 0 {
				ev.Friend.Text = text
			}
			if text == ev.Friend.Text {
				one.drop("AddWording") // nearly always the same for all
			}
		}
	}
	if len(ev.Members) == 1 {
		ev.Friend.Source = ev.Members[0].Source
	}
	return ev, in.leave("FriendItem", left)
}

func encodePrevFriendAdd(out *output) error {
	ev := out.ev
	from, err := out.asker()
	if err != nil {
		return err
	}
	w := out.begin()
	out.requester(from)
	w.text("From_Account", from)
	if out.kept.peek("AddType") == nil && !out.own {
		w.text("AddType", "Add_Type_Both")
	}
	if out.kept.peek("ForceAddFlags") == nil && !out.own {
		w.int("ForceAddFlags", 0)
	}
	friend := friendOf(ev)
	items := out.kept.list("FriendItem")
	w.begin("FriendItem")
	for i, m := range ev.Members {
		kept := out.left(items, i)
		w.item()
		w.text("To_Account", m.ID)
		w.text("Remark", firstOf(m.Alias, friend.Alias))
		if kept.peek("GroupName") == nil {
			kept.drop("GroupName")
			w.text("GroupName", "")
		}
		w.text("AddSource", firstOf(m.Source, friend.Source, foreignSource(out.own)))
		if kept.peek("AddWording") == nil {
			kept.drop("AddWording")
			w.text("AddWording", friend.Text)
		}
		w.keep(kept)
		w.endItem()
	}
	w.close()
	out.post()
	return nil
}

// foreignSource is a source of friends as the vendor wants them named: the prefix
// is required.
func foreignSource(own bool) string {
	if own {
		return ""
	}
	return "AddSource_Type_Unknown"
}

// asker is whose question it is.
func (out *output) asker() (string, error) {
	ev := out.ev
	from := actorID(ev)
	if from == "" || ev.Actor.System && friendOf(ev).Owner != "" {
		from = friendOf(ev).Owner
	}
	switch {
	case from == "":
		return "", dialect.Untranslatable("it does not say who asks")
	case len(ev.Members) == 0:
		return "", dialect.Untranslatable("it names no other user")
	}
	return from, nil
}

func (out *output) requester(from string) {
	if out.kept.peek("Requester_Account") == nil {
		if id := actorID(out.ev); id != "" {
			from = id
		}
		out.w.text("Requester_Account", from)
	}
}

func friendOf(ev *event.Event) event.Friend {
	if ev.Friend == nil {
		return event.Friend{}
	}
	return *ev.Friend
}

func decodePrevFriendResponse(in *input) (*event.Event, error) {
	ev, left, err := in.asked(event.FriendRespond, "ResponseFriendItem")
	if err != nil {
		return nil, err
	}
	// One word is for all: where the answers differ, there is none.
	for i, one := range left {
		v := one.peek("ResponseAction")
		word := ""
		for _, r := range responses {
			if string(v) == `"`+r.wire+`"` {
				word = r.word
			}
		}
		if i == 0 {
			ev.Friend.Action = word
		} else if word != ev.Friend.Action {
			ev.Friend.Action = ""
			break
		}
	}
	if ev.Friend.Action != "" {
		for _, one := range left {
			one.drop("ResponseAction")
		}
	}
	return ev, in.leave("ResponseFriendItem", left)
}

func encodePrevFriendResponse(out *output) error {
	ev := out.ev
	from, err := out.asker()
	if err != nil {
		return err
	}
	friend := friendOf(ev)
	action := ""
	for _, r := range responses {
		if r.word == friend.Action {
			action = r.wire
		}
	}
	if action == "" && !out.own {
		action = responses[0].wire
	}
	w := out.begin()
	out.requester(from)
	w.text("From_Account", from)
	items := out.kept.list("ResponseFriendItem")
	w.begin("ResponseFriendItem")
	for i, m := range ev.Members {
		kept := out.left(items, i)
		w.item()
		w.text("To_Account", m.ID)
		w.text("Remark", firstOf(m.Alias, friend.Alias))
		if kept.peek("TagName") == nil {
			kept.drop("TagName")
			w.text("TagName", "")
		}
		if kept.peek("ResponseAction") == nil {
			w.textIf("ResponseAction", action)
		}
		w.keep(kept)
		w.endItem()
	}
	w.close()
	out.post()
	return nil
}

// decodePair reads one pair of a PairList: To_Account came onto, or went off, a list
// of From_Account. A friendship of both is two pairs and two facts.
func decodePair(in *input) (*event.Event, error) {
	from, to := in.item.text("From_Account"), in.item.text("To_Account")
	switch {
	case from == "":
		return in.missingItem("From_Account")
	case to == "":
		return in.missingItem("To_Account")
	}
	c := event.Direct(from, to)
	ev := &event.Event{
		Type: in.command.spec.Types[0], Conversation: &c, Lane: c.Lane(), Actor: actor(from), Members: members([]string{to}),
		Friend: &event.Friend{Owner: from}, Dedupe: in.dated(from, to),
	}
	if ev.Type != event.FriendAdd {
		return ev, nil
	}
	ev.Dedupe = in.dated(from, to, firstOf(text(in.o.peek("ClientCmd")), "-"))
	by := in.item.text("Initiator_Account")
	if by == "" {
		if by = in.o.text("Admin_Account"); by != "" {
			ev.Actor = &event.Actor{ID: by, System: true}
			in.o.putText("Admin_Account", by)
			return ev, nil
		}
		ev.Actor = nil
		return ev, nil
	}
	if by == to {
		// Of the second pair of a friendship, whose list it is: nobody is among the
		// members of what he does himself.
		in.item.putText("Initiator_Account", by)
	} else {
		ev.Actor = actor(by)
	}
	if v := in.o.peek("Admin_Account"); string(v) == `""` {
		in.o.drop("Admin_Account")
	}
	return ev, nil
}

func encodePair(out *output) error {
	ev := out.ev
	friend := friendOf(ev)
	from := friend.Owner
	if from == "" || !out.own && ev.Type != event.FriendAdd && ev.Type != event.FriendImport && actorID(ev) != "" && !ev.Actor.System {
		from = actorID(ev)
	}
	switch {
	case from == "":
		return dialect.Untranslatable("it names no user on whose list the relation stands")
	case len(ev.Members) == 0:
		return dialect.Untranslatable("it names no other user")
	}
	add := out.command.spec.Name == "Sns.CallbackFriendAdd"
	system := ev.Actor != nil && ev.Actor.System
	kept := out.keptItem()
	w := out.begin()
	w.begin("PairList")
	for _, m := range ev.Members {
		if m.ID == "" {
			return dialect.Untranslatable("it names no other user")
		}
		w.item()
		w.text("From_Account", from)
		w.text("To_Account", m.ID)
		if add {
			by := actorID(ev)
			switch {
			case !out.own && ev.Type == event.FriendAccept:
				by = m.ID // whose request it was
			case !out.own && (system || by == ""):
				by = from
			case out.own && system && out.kept.peek("Admin_Account") != nil && by == text(out.kept.peek("Admin_Account")):
				by = ""
			}
			if kept.peek("Initiator_Account") == nil {
				w.text("Initiator_Account", by)
			}
		}
		w.keep(kept)
		w.endItem()
	}
	w.close()
	if add && !out.own {
		command := "friend_add"
		if ev.Type == event.FriendAccept {
			command = "friend_response"
		}
		w.text("ClientCmd", command)
		by := ""
		if system {
			by = actorID(ev)
		}
		w.text("Admin_Account", by)
		force := int64(0)
		if ev.Type == event.FriendImport {
			force = 1
		}
		w.int("ForceFlag", force)
	} else if add && out.kept.peek("Admin_Account") == nil {
		out.kept.drop("Admin_Account")
		w.text("Admin_Account", "")
	}
	out.post()
	return nil
}

// text is the string that v holds, or "".
func text(v []byte) string {
	if v == nil || v[0] != '"' {
		return ""
	}
	return unquote(v)
}

// decodeFollow reads one of those whom a user follows, or does not any more. They
// are objects when one follows (page 70355) and texts when one does not any more
// (page 70356); both forms are read of both.
func decodeFollow(in *input) (*event.Event, error) {
	from := in.o.text("From_Account")
	if from == "" {
		return nil, in.missing("From_Account")
	}
	to := in.text
	if !in.plain {
		if to = in.item.text("To_Account"); to == "" {
			return in.missingItem("To_Account")
		}
	}
	c := event.Direct(from, to)
	return &event.Event{
		Type: in.command.spec.Types[0], Conversation: &c, Lane: c.Lane(), Actor: actor(from), Members: members([]string{to}),
		Dedupe: in.dated(from, to),
	}, nil
}

func encodeFollow(out *output) error {
	from := actorID(out.ev)
	switch {
	case from == "":
		return dialect.Untranslatable("it does not say who follows")
	case len(out.ev.Members) == 0:
		return dialect.Untranslatable("it does not say whom")
	}
	w := out.begin()
	w.text("From_Account", from)
	if ids := memberIDs(out.ev.Members); out.command.plainItems {
		w.texts(out.command.list, ids)
	} else {
		kept := out.keptItem()
		w.begin(out.command.list)
		for _, id := range ids {
			w.item()
			w.text("To_Account", id)
			w.keep(kept)
			w.endItem()
		}
		w.close()
	}
	out.post()
	return nil
}
