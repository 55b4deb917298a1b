package tencent

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// state is one pair of Action and Reason.
type state struct {
	action, wire string
	t            event.Type
	reason       string
}

// states are what Action and Reason of State.StateChange mean (page 2570). Of
// several with one meaning the first is the one that is written.
var states = [...]state{
	{"Login", "Register", event.UserOnline, ""},
	{"Logout", "Unregister", event.UserOffline, "logout"},
	{"Disconnect", "LinkClose", event.UserOffline, "disconnect"},
	{"Disconnect", "TimeOut", event.UserOffline, "timeout"},
}

// decodeState reads that a device came or went. Devices that were thrown out for it
// are no events of their own.
func decodeState(in *input) (*event.Event, error) {
	v := in.o.peek("Info")
	var info object
	if v == nil {
		return nil, in.missing("Info")
	}
	if err := info.parse(v); err != nil {
		return nil, in.fail("Info", err)
	}
	in.o.drop("Info")
	user, action, why := info.text("To_Account"), info.text("Action"), info.text("Reason")
	switch {
	case info.bad != "":
		return nil, in.fail("Info."+info.bad, info.why)
	case user == "":
		return nil, in.missing("Info.To_Account")
	}
	i := slices.IndexFunc(states[:], func(s state) bool { return s.action == action && s.wire == why })
	if i < 0 {
		// A new reason does not change what happened.
		i = slices.IndexFunc(states[:], func(s state) bool { return s.action == action })
		if i < 0 {
			return strange()
		}
		info.putText("Reason", why)
	}
	ev := &event.Event{
		Type: states[i].t, Lane: event.NewLane(event.KindUser, user), Actor: actor(user), Members: members([]string{user}),
		Presence: &event.Presence{Reason: states[i].reason, Address: in.query.clientIP}, Dedupe: in.dated(user, action, why),
	}
	in.kicked(ev.Presence)
	rest, err := info.rest()
	if err != nil {
		return nil, in.fail("Info", err)
	}
	if rest != nil {
		in.o.put("Info", rest)
	}
	return ev, nil
}

// kicked takes the devices that a login threw out.
func (in *input) kicked(p *event.Presence) {
	v := in.o.peek("KickedDevice")
	exact := true
	var all []event.Session
	for _, item := range in.o.list("KickedDevice") {
		var o object
		if err := o.parse(item); err != nil {
			in.o.mismatch("KickedDevice", item, "an object")
			return
		}
		wire := o.string("Platform")
		word := platformWord(wire)
		all = append(all, event.Session{Platform: word})
		exact = exact && platformWire(word, true) == wire
		for i := range o.fields {
			exact = exact && o.fields[i].taken
		}
	}
	p.Kicked = all
	if !exact {
		in.o.put("KickedDevice", v)
	}
}

func encodeState(out *output) error {
	ev := out.ev
	ids := out.concerned()
	if len(ids) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	p := event.Presence{}
	if ev.Presence != nil {
		p = *ev.Presence
	}
	now := states[0]
	if ev.Type != event.UserOnline {
		now = states[2] // the connection is gone, whoever ended it
		for _, s := range states[1:] {
			if s.reason == p.Reason {
				now = s
			}
		}
	}
	for _, id := range ids {
		out.again()
		var kept object
		if v := out.kept.take("Info"); v != nil {
			_ = kept.parse(v) // what is none is left out
		}
		w := out.begin()
		w.name("Info")
		w.b = append(w.b, '{')
		w.text("Action", now.action)
		w.text("To_Account", id)
		if kept.peek("Reason") == nil {
			w.text("Reason", now.wire)
		}
		w.keep(&kept)
		w.endItem()
		if len(p.Kicked) > 0 && out.kept.peek("KickedDevice") == nil {
			w.begin("KickedDevice")
			for _, s := range p.Kicked {
				w.item()
				w.text("Platform", platformWire(s.Platform, out.own))
				w.endItem()
			}
			w.close()
		}
		out.post()
	}
	return nil
}

// tags are the profile fields that are canonical (page 1500). The others stay in
// ProfileItem.
var tags = [...]struct {
	tag string
	at  func(u *event.User) *string
}{
	{"Tag_Profile_IM_Nick", func(u *event.User) *string { return &u.DisplayName }},
	{"Tag_Profile_IM_Image", func(u *event.User) *string { return &u.Avatar }},
	{tagGender, func(u *event.User) *string { return &u.Gender }},
	{"Tag_Profile_IM_Location", func(u *event.User) *string { return &u.Address }},
}

const tagGender = "Tag_Profile_IM_Gender"

// genders are the words of Tag_Profile_IM_Gender.
var genders = [...]struct{ word, wire string }{
	{"male", "Gender_Type_Male"},
	{"female", "Gender_Type_Female"},
	{"unknown", "Gender_Type_Unknown"},
}

func decodeProfile(in *input) (*event.Event, error) {
	user := in.o.text("From_Account")
	if user == "" {
		return nil, in.missing("From_Account")
	}
	u := &event.User{ID: user}
	ev := &event.Event{
		Type: event.UserUpdate, Lane: event.NewLane(event.KindUser, user), Actor: actor(in.o.text("Operator_Account")),
		Members: members([]string{user}), User: u, Dedupe: in.dated(user, digest(in.o.peek("ProfileItem"))),
	}
	var left []byte
	for _, item := range in.o.list("ProfileItem") {
		if in.tag(item, u) {
			continue
		}
		left = append(append(left, ','), item...)
	}
	if left != nil {
		left[0] = '['
		in.o.put("ProfileItem", append(left, ']'))
	}
	return ev, nil
}

// tag puts one item into the profile; false when it has no place there.
func (in *input) tag(item []byte, u *event.User) bool {
	var o object
	if o.parse(item) != nil || len(o.fields) != 2 {
		return false
	}
	tag, v := o.string("Tag"), o.peek("Value")
	value := o.string("Value")
	if value == "" || v == nil || v[0] != '"' {
		return false
	}
	for i := range tags {
		if tags[i].tag != tag {
			continue
		}
		if tag == tagGender {
			word := ""
			for _, g := range genders {
				if g.wire == value {
					word = g.word
				}
			}
			value = word
		}
		if to := tags[i].at(u); *to == "" && value != "" {
			*to = value
			return true
		}
	}
	return false
}

func encodeProfile(out *output) error {
	ev := out.ev
	var u event.User
	if ev.User != nil {
		u = *ev.User
	}
	id := u.ID
	switch {
	case id != "":
	case len(ev.Members) > 0:
		id = ev.Members[0].ID
	case !out.own:
		id = actorID(ev)
	}
	if id == "" {
		return dialect.Untranslatable("it names no user")
	}
	if u.DisplayName == "" && !out.own {
		u.DisplayName = u.Name
	}
	left := out.kept.list("ProfileItem")
	w := out.begin()
	if by := actorID(ev); by != "" {
		w.text("Operator_Account", by)
	} else if !out.own {
		w.text("Operator_Account", id)
	}
	w.text("From_Account", id)
	w.begin("ProfileItem")
	for i := range tags {
		v := *tags[i].at(&u)
		if tags[i].tag == tagGender {
			word := v
			v = ""
			for _, g := range genders {
				if g.word == word {
					v = g.wire
				}
			}
		}
		if v == "" {
			continue
		}
		w.item()
		w.text("Tag", tags[i].tag)
		w.text("Value", v)
		w.endItem()
	}
	for _, item := range left {
		w.next()
		w.b = append(w.b, item...)
	}
	w.close()
	out.post()
	return nil
}
