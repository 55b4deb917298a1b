package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What type says; the JSON form of the page's example has none.
const (
	profileCleared = 0
	profileChanged = 1
)

// genders are the numbers of gender, from the pages of the client SDKs.
var genders = [...]string{1: "male", 2: "female"}

// readUserProfile reads what changed of a hosted profile; cleared means that the
// profile is empty now, not that the user is gone. The name of RongCloud is what a
// user is called; its uniqueId is the account's name in the app.
func readUserProfile(in *input) *event.Event {
	user := in.text("userId")
	if user == "" {
		return nil
	}
	kind, ok := in.number("type")
	if !ok {
		kind = profileChanged
	}
	// Both profiles may change in the same millisecond.
	said := in.bytesOf("userProfile", "userExtProfile")
	ev := &event.Event{
		Type: event.UserUpdate, Lane: userLane(user), Time: in.time("time"),
		Actor: actor(user), Members: members([]string{user}), User: &event.User{ID: user},
	}
	if kind != profileChanged && kind != profileCleared {
		return &event.Event{Type: event.VendorUnknown, Lane: ev.Lane}
	}
	if kind == profileCleared {
		in.keepJSON("type", []byte("0"))
	} else {
		profile, u := in.inner("userProfile"), ev.User
		u.Name, u.DisplayName, u.Avatar = profile.string("uniqueId"), profile.string("name"), profile.string("portraitUri")
		u.Email, u.Address = profile.string("email"), profile.string("location")
		if n, ok := profile.peekFloat("gender"); ok && (n == 1 || n == 2) {
			profile.take("gender")
			u.Gender = genders[int(n)]
		}
		in.nested("userProfile", &profile)
		u.Extra = in.json("userExtProfile")
	}
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(user, digits(kind), digits(milli(ev.Time)), event.DeriveID(said))
	}
	return ev
}

func encodeUserProfile(out *output) error {
	ev := out.ev
	u := event.User{}
	if ev.User != nil {
		u = *ev.User
	}
	if u.ID == "" {
		if ids := out.concerned(); len(ids) > 0 {
			u.ID = ids[0]
		}
	}
	if u.ID == "" {
		return dialect.Untranslatable("it names no user")
	}
	kind, ok := out.kept.number("type")
	if !ok {
		kind = profileChanged
	}
	s := out.fields()
	s.text("userId", u.ID)
	s.number("type", kind)
	s.number("time", milli(out.time()))
	var profile writer
	some(&profile, "uniqueId", u.Name)
	some(&profile, "name", u.DisplayName)
	some(&profile, "portraitUri", u.Avatar)
	some(&profile, "email", u.Email)
	for n, word := range genders {
		if word != "" && word == u.Gender {
			profile.number("gender", int64(n))
		}
	}
	some(&profile, "location", u.Address)
	kept := out.kept.inner("userProfile")
	leftover(&profile, &kept)
	if len(profile.b) > 0 {
		s.text("userProfile", string(profile.end()))
	}
	some(s, "userExtProfile", extProfile(u.Extra, out.same))
	out.post(s)
	return nil
}

// extProfile is an extended profile, which is a JSON object: another dialect's
// text that is none stands in one.
func extProfile(extra string, same bool) string {
	var o object
	if extra == "" || same || o.parse([]byte(extra)) {
		return extra
	}
	var w writer
	w.text("extra", extra)
	return string(w.end())
}
