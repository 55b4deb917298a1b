package rongcloud

import (
	"maps"
	"slices"

	"github.com/imhook/imhook/event"
)

// readGroupProfile reads what changed of a hosted group. An announcement among it
// stays part of the change.
func readGroupProfile(in *input) *event.Event {
	group := in.text("groupId")
	if group == "" {
		return nil
	}
	said := in.bytesOf("groupName", oldGroupName, "groupProfile", "groupExtProfile", "permissions", "optUserId")
	conv, lane, _ := place("GROUP", "", group, "")
	ev := &event.Event{
		Type: event.GroupUpdate, Lane: lane, Conversation: &conv, Actor: actor(in.first("optUserId")), Time: in.time("time"),
	}
	profile := in.inner("groupProfile")
	ev.Group = &event.Group{
		ID: group, Name: in.groupName(), Introduction: profile.string("introduction"),
		Announcement: profile.string("announcement"), Avatar: profile.string("portraitUrl"),
	}
	if ext := in.inner("groupExtProfile"); len(ext.pairs) > 0 {
		ev.Group.Attributes = ext.strings()
		in.nested("groupExtProfile", &ext)
	}
	in.nested("groupProfile", &profile)
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(group, digits(milli(ev.Time)), event.DeriveID(said))
	}
	return ev
}

// oldGroupName is the field in the table of older pages.
const oldGroupName = "groupname"

func (o *object) groupName() string {
	if name := o.text("groupName"); name != "" {
		return name
	}
	return o.text(oldGroupName)
}

// strings takes all values that are strings; nil when there are none.
func (o *object) strings() map[string]string {
	var all map[string]string
	for i := range o.pairs {
		name := string(o.pairs[i].name)
		if o.pairs[i].taken || o.pairs[i].plain || o.pairs[i].value[0] != '"' {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = unquote(o.pairs[i].value)
		o.pairs[i].taken = true
	}
	return all
}

func encodeGroupProfile(out *output) error {
	ev := out.ev
	g := event.Group{}
	if ev.Group != nil {
		g = *ev.Group
	}
	var err error
	if g.ID, err = whose(ev, event.KindGroup, g.ID); err != nil {
		return err
	}
	var w, profile, ext writer
	w.text("groupId", g.ID)
	some(&w, "groupName", g.Name)
	w.number("time", milli(out.time()))
	some(&w, "optUserId", actorID(ev))

	some(&profile, "introduction", g.Introduction)
	if ev.Type == event.GroupUnannounce {
		profile.text("announcement", "") // what others name is the one that is gone
	} else {
		some(&profile, "announcement", g.Announcement)
	}
	some(&profile, "portraitUrl", g.Avatar)
	kept := out.kept.inner("groupProfile")
	leftover(&profile, &kept)
	if len(profile.b) > 0 {
		w.raw("groupProfile", profile.end())
	}
	for _, name := range slices.Sorted(maps.Keys(g.Attributes)) {
		ext.text(name, g.Attributes[name])
	}
	kept = out.kept.inner("groupExtProfile")
	leftover(&ext, &kept)
	if len(ext.b) > 0 {
		w.raw("groupExtProfile", ext.end())
	}
	out.post(&w)
	return nil
}
