package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The states of a device.
const (
	stateOnline  = 0
	stateOffline = 1
	stateLogout  = -1
)

// online is UserOnlineStatus: a device came or went.
type online struct {
	UserID      string    `json:"userId"`
	ClientID    string    `json:"clientId"`
	Platform    int32     `json:"platform"`
	Status      *int32    `json:"status"`
	Timestamp   int64     `json:"timestamp"`
	PackageName string    `json:"packageName,omitzero"`
	CustomState *int32    `json:"customState,omitzero"`
	CustomText  string    `json:"customText,omitzero"`
	Sessions    []session `json:"sessions,omitzero"`
	onlineRest
}

// onlineRest is what has no canonical place; Sessions stand in the order of the
// canonical ones.
type onlineRest struct {
	Timestamp int64          `json:"timestamp,omitzero"`
	Sessions  []sessionRest  `json:"sessions,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// session is one of the user's devices.
type session struct {
	ClientID    string `json:"clientId"`
	UserID      string `json:"userId"`
	Platform    int32  `json:"platform"`
	Status      int32  `json:"status"`
	LastSeen    int64  `json:"lastSeen"`
	PackageName string `json:"packageName,omitzero"`
	IP          string `json:"ip,omitzero"`
	sessionRest
}

type sessionRest struct {
	Status   int32          `json:"status,omitzero"`
	LastSeen int64          `json:"lastSeen,omitzero"`
	Unknown  jsontext.Value `json:",embed"`
}

func decodeOnline(in input) (*event.Event, error) {
	var w online
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.UserID == "":
		return nil, in.missing("userId")
	case w.Status == nil:
		return nil, in.missing("status")
	}
	platform := platformWord(w.Platform)
	ev := &event.Event{
		Type: event.UserOffline, Lane: userLane(w.UserID), Generation: legacy,
		Actor:   &event.Actor{ID: w.UserID, Platform: platform, Client: w.ClientID},
		Members: members([]string{w.UserID}),
		Presence: &event.Presence{
			Platform: platform, Client: w.ClientID, Package: w.PackageName, StateText: w.CustomText,
		},
	}
	p := ev.Presence
	switch *w.Status {
	case stateOnline:
		ev.Type = event.UserOnline
	case stateOffline:
		p.Reason = "disconnect"
	case stateLogout:
		p.Reason = "logout"
	default:
		return in.unknown(ev.Lane), nil
	}
	if w.CustomState != nil || w.CustomText != "" || w.Sessions != nil {
		ev.Generation = current
	}
	p.State = int(or(w.CustomState, 0))
	p.Sessions, w.onlineRest.Sessions = readSessions(w.Sessions, w.UserID)
	if w.Timestamp != 0 && w.ClientID != "" {
		ev.Dedupe = dedupe(w.UserID, w.ClientID, codeText(*w.Status), idText(w.Timestamp))
	}
	ev.Time, w.onlineRest.Timestamp = fromMillis(w.Timestamp)
	var err error
	ev.Vendor, err = vendor(in, &w.onlineRest)
	return ev, err
}

// readSessions puts right what server 1.2.4 swaps: the user's id as the client's.
func readSessions(wire []session, user string) (ss []event.Session, rest []sessionRest) {
	kept := false
	for _, w := range wire {
		if w.ClientID == user && w.UserID != user {
			w.ClientID, w.UserID = w.UserID, w.ClientID
		}
		s := event.Session{
			Client: w.ClientID, User: w.UserID, Platform: platformWord(w.Platform), Online: w.Status == 0,
			Package: w.PackageName, Address: w.IP,
		}
		if w.Status != 0 && w.Status != 1 {
			w.sessionRest.Status = w.Status
		}
		s.SeenAt, w.sessionRest.LastSeen = fromMillis(w.LastSeen)
		kept = kept || w.sessionRest.Status != 0 || w.sessionRest.LastSeen != 0 || w.Unknown != nil
		ss, rest = append(ss, s), append(rest, w.sessionRest)
	}
	if !kept {
		rest = nil
	}
	return ss, rest
}

func writeSessions(ss []event.Session, rest []sessionRest) []session {
	var wire []session
	for i, s := range ss {
		w := session{
			ClientID: s.Client, UserID: s.User, Platform: platformCode(s.Platform),
			PackageName: s.Package, IP: s.Address,
		}
		if i < len(rest) {
			w.sessionRest = rest[i]
		}
		if !s.Online {
			w.Status = 1
		}
		if w.sessionRest.Status != 0 {
			w.Status = w.sessionRest.Status
		}
		w.LastSeen = toMillis(s.SeenAt, w.sessionRest.LastSeen)
		wire = append(wire, w)
	}
	return wire
}

func encodeOnline(out *output) error {
	ev := out.ev
	var kept onlineRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	p := ev.Presence
	if p == nil {
		p = &event.Presence{}
	}
	ids := out.concerned()
	if len(ids) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	w := online{
		Status: new(int32(stateOffline)), PackageName: p.Package, CustomState: new(narrow(p.State)),
		CustomText: p.StateText, Sessions: writeSessions(p.Sessions, kept.Sessions), onlineRest: kept,
	}
	w.Platform, w.ClientID = device(p, ev.Actor)
	switch {
	case ev.Type == event.UserOnline:
		*w.Status = stateOnline
	case ev.Type == event.UserOffline && p.Reason == "logout":
		*w.Status = stateLogout
	}
	when := ev.Time
	if when.IsZero() && !out.own {
		when = out.to.Now
	}
	w.Timestamp = toMillis(when, kept.Timestamp)
	for _, w.UserID = range ids {
		if err := out.post("", w.forGeneration(out.legacy())); err != nil {
			return err
		}
	}
	return nil
}

// forGeneration is the body of the old documents, which have neither state nor
// sessions, or w itself.
func (w online) forGeneration(old bool) *online {
	if old {
		w.CustomState, w.CustomText, w.Sessions = nil, "", nil
	}
	return &w
}

// device is the one that came or went: of the presence, else the actor's.
func device(p *event.Presence, a *event.Actor) (platform int32, client string) {
	platform, client = platformCode(p.Platform), p.Client
	if a != nil && p.Platform == "" {
		platform = platformCode(a.Platform)
	}
	if a != nil && client == "" {
		client = a.Client
	}
	return platform, client
}
