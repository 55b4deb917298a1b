package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// readProfiles moves the profiles that newer servers send with a message, the
// sender's and the group's, to the event. What is not of their form stays as it
// is, and so do the receiver's and the channel's, which have no place there.
func (w *outputMessage) readProfiles(ev *event.Event) error {
	if w.SenderUserInfo == nil && w.TargetGroupInfo == nil {
		return nil // as with most
	}
	var user userInfo
	var err error
	if readProfile(w.SenderUserInfo, &user) {
		ev.User = user.read()
		if w.SenderUserInfo, err = dialect.Vendor(&user.userRest); err != nil {
			return err
		}
	}
	var group groupInfo
	if readProfile(w.TargetGroupInfo, &group) {
		ev.Group = &event.Group{ID: group.TargetID}
		group.read(ev.Group)
		w.TargetGroupInfo, err = dialect.Vendor(&group.groupInfoRest)
	}
	return err
}

// readProfile reads v where it is an object of the profile's form, as it is kept if
// it is none: of a key given twice with the last value alone.
func readProfile(v jsontext.Value, profile any) bool {
	if v.Kind() != '{' {
		return false
	}
	v, err := dialect.Tidy(v)
	return err == nil && dialect.Unmarshal(Name, "", v, profile) == nil
}

// writeProfiles is the inverse. Of another dialect's event the user is the sender
// if it is nobody else.
func (w *outputMessage) writeProfiles(ev *event.Event) (err error) {
	ours := ev.Dialect == Name
	if u := ev.User; u != nil && (ours || u.ID == "" || u.ID == w.Sender) {
		var kept userRest
		readProfile(w.SenderUserInfo, &kept)
		profile := *u
		if !ours {
			profile.ID = w.Sender
		}
		if w.SenderUserInfo, err = dialect.Marshal(writeUserInfo(&profile, &kept)); err != nil {
			return err
		}
	}
	if g := ev.Group; g != nil && (ours || w.Conv.Type == convGroup && (g.ID == "" || g.ID == w.Conv.Target)) {
		var kept groupInfoRest
		readProfile(w.TargetGroupInfo, &kept)
		profile := *g
		if !ours {
			profile.ID = w.Conv.Target
		}
		if i := writeGroupInfo(&profile, kept); i != nil {
			w.TargetGroupInfo, err = dialect.Marshal(i)
		}
	}
	return err
}
