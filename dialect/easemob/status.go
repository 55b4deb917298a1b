package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The values of status in the report of a login or logout.
const (
	statusOnline  = "online"
	statusOffline = "offline"
)

// userStatus is the body of a login or logout.
type userStatus struct {
	CallID    string `json:"callId"`
	Reason    string `json:"reason"`
	Security  string `json:"security"`
	OS        string `json:"os"`
	IP        string `json:"ip"`
	Host      string `json:"host"`
	AppKey    string `json:"appkey"`
	User      string `json:"user"`
	Version   string `json:"version"`
	Timestamp int64  `json:"timestamp"`
	Status    string `json:"status"`

	Unknown jsontext.Value `json:",embed"`
}

func statusCommands() []command {
	one := func(reason, line string, t event.Type, says ...event.Type) command {
		return command{
			spec: after("userStatus:"+reason, line, t), says: says,
			decode: decodeStatus,
			encode: func(out *output) error { return encodeStatus(out, reason) },
			sample: func(d *draw) *event.Event { return d.status(reason) },
		}
	}
	logout := one("logout", "a user logged out, or his connection was lost", event.UserOffline, event.UserOffline)
	logout.instead = func(ev *event.Event) string {
		if ev.Presence != nil && ev.Presence.Reason == "replaced" {
			return "userStatus:replaced"
		}
		return ""
	}
	return []command{
		one("login", "a user logged in", event.UserOnline, event.UserOnline),
		logout,
		one("replaced", "a device was put out by another login", event.UserOffline, event.UserKick),
	}
}

func decodeStatus(in *input, ev *event.Event) (bool, error) {
	w, err := read[userStatus](in)
	if err != nil {
		return false, err
	}
	id, device := bare(w.AppKey, w.User)
	online := in.command.has(event.UserOnline)
	if id == "" || online != (w.Status == statusOnline) {
		return false, nil
	}
	ev.Type = in.command.spec.Types[0]
	ev.Dedupe = w.CallID
	ev.Lane = event.NewLane(event.KindUser, id)
	p := &event.Presence{Platform: platform(or(w.OS, device)), Client: device, Address: w.IP}
	if !online {
		p.Reason = w.Reason
	}
	ev.Presence = p
	ev.Actor = &event.Actor{ID: id, Platform: p.Platform, Client: device}
	ev.Members = []event.Member{{ID: id}}
	w.OS = stripped(w.OS, osWord(p.Platform))
	w.User = stripped(w.User, wrapDevice(w.AppKey, id, device))
	w.Reason, w.Security, w.IP, w.Timestamp, w.Status = "", "", "", 0, ""
	return true, keep(ev, w)
}

// wrapDevice is how the vendor writes a user with a device.
func wrapDevice(appKey, id, device string) string {
	if device == "" {
		return wrapUser(appKey, id)
	}
	return wrapUser(appKey, id) + "/" + device
}

// encodeStatus writes a request for each user.
func encodeStatus(out *output, reason string) error {
	ev := out.ev
	users := out.concerned()
	if len(users) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	p := event.Presence{}
	if ev.Presence != nil {
		p = *ev.Presence
	}
	if ev.Actor != nil && !out.own {
		p.Platform, p.Client = or(p.Platform, ev.Actor.Platform), or(p.Client, ev.Actor.Client)
	}
	for k := range users {
		var w userStatus
		if err := out.kept(&w); err != nil {
			return err
		}
		w.Reason, w.Status = reason, statusOffline
		if reason == "login" {
			w.Status = statusOnline
		}
		w.OS, w.IP, w.Timestamp = or(w.OS, osWord(p.Platform)), p.Address, out.millis()
		if !out.own {
			w.Host, w.AppKey = host, out.appKey()
		}
		w.CallID = out.callID(w.CallID, w.AppKey, k, len(users))
		w.User = or(w.User, wrapDevice(w.AppKey, users[k].ID, p.Client))
		if err := out.post(&w); err != nil {
			return err
		}
	}
	return nil
}
