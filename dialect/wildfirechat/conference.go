package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// conferenceCreate is ConferenceCreateEvent. UserID is empty when the server's API
// made it, RoomID in an old super conference.
type conferenceCreate struct {
	UserID        string `json:"userId,omitzero"`
	RoomID        string `json:"roomId"`
	ServerID      string `json:"serverId,omitzero"`
	Description   string `json:"description"`
	PIN           string `json:"pin"`
	MaxPublishers int32  `json:"max_publishers"`
	Bitrate       int32  `json:"bitrate"`
	Advance       bool   `json:"advance"`
	Recording     bool   `json:"recording"`
	Timestamp     *int64 `json:"timestamp,omitzero"`
	conferenceRest
}

// conferenceRest is what has no canonical place.
type conferenceRest struct {
	Timestamp int64          `json:"timestamp,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// conference is the body of the five others. Each has some of the flags; the old
// documents have only userId and, of those who publish, video.
type conference struct {
	UserID        string `json:"userId,omitzero"`
	RoomID        string `json:"roomId,omitzero"`
	Video         *bool  `json:"video,omitzero"`
	ScreenSharing *bool  `json:"screenSharing,omitzero"`
	Rejoin        *bool  `json:"rejoin,omitzero"`
	Kicked        *bool  `json:"kicked,omitzero"`
	Timestamp     *int64 `json:"timestamp,omitzero"`
	conferenceRest
}

// organizer is the actor of a conference event; none is the server's API.
func organizer(id string) *event.Actor {
	if id == "" {
		return &event.Actor{System: true}
	}
	return actor(id)
}

// stamp reads the time that current bodies have; old says that nothing else in
// the body is newer than the old documents.
func (r *conferenceRest) stamp(ev *event.Event, at *int64, old bool) {
	ev.Generation = current
	if at == nil && old {
		ev.Generation = legacy
	}
	ev.Time, r.Timestamp = fromMillis(or(at, 0))
}

func decodeConferenceCreate(in input) (*event.Event, error) {
	var w conferenceCreate
	if err := in.read(&w); err != nil {
		return nil, err
	}
	id := w.RoomID
	if id == "" {
		id = w.ServerID
	}
	if id == "" {
		return nil, in.missing("roomId")
	}
	place, lane := placed(event.KindConference, id)
	ev := &event.Event{
		Type: event.ConferenceCreate, Lane: lane, Conversation: &place, Actor: organizer(w.UserID),
		Conference: &event.Conference{
			ID: w.RoomID, Server: w.ServerID, Description: w.Description, PIN: w.PIN,
			MaxPublishers: int(w.MaxPublishers), Bitrate: int(w.Bitrate), Advanced: w.Advance, Recording: w.Recording,
		},
	}
	w.stamp(ev, w.Timestamp, true)
	if at := or(w.Timestamp, 0); at != 0 {
		ev.Dedupe = dedupe(w.RoomID, idText(at))
	}
	var err error
	ev.Vendor, err = vendor(in, &w.conferenceRest)
	return ev, err
}

func encodeConferenceCreate(out *output) error {
	ev := out.ev
	var kept conferenceRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	c := out.conference()
	if c.ID == "" && c.Server == "" {
		return dialect.Untranslatable("it names no conference")
	}
	w := conferenceCreate{
		UserID: actorID(ev), RoomID: c.ID, ServerID: c.Server, Description: c.Description, PIN: c.PIN,
		MaxPublishers: narrow(c.MaxPublishers), Bitrate: narrow(c.Bitrate), Advance: c.Advanced, Recording: c.Recording,
	}
	if !out.legacy() {
		w.Timestamp = new(toMillis(ev.Time, kept.Timestamp))
	}
	w.Unknown = kept.Unknown
	return out.post("", &w)
}

// conference is what the event says of its conference. Others may name it by the
// conversation alone; a body of ours without a room means that.
func (out *output) conference() event.Conference {
	var c event.Conference
	if out.ev.Conference != nil {
		c = *out.ev.Conference
	}
	if c.ID == "" && c.Server == "" && !out.own {
		c.ID, _ = place(out.ev, event.KindConference, "")
	}
	return c
}

// decodeConference reads the bodies of the five others. In the old ones join,
// leave and unpublish are the same bytes: the path alone tells.
func decodeConference(in input) (*event.Event, error) {
	var w conference
	if err := in.read(&w); err != nil {
		return nil, err
	}
	destroy := in.command.spec.Name == "conference_destroy"
	switch {
	case destroy && w.RoomID == "":
		return nil, in.missing("roomId")
	case !destroy && w.UserID == "":
		return nil, in.missing("userId")
	}
	ev := &event.Event{
		Type: in.command.spec.Types[0], Actor: organizer(w.UserID),
		Conference: &event.Conference{
			ID: w.RoomID, Video: or(w.Video, false), ScreenSharing: or(w.ScreenSharing, false), Rejoin: or(w.Rejoin, false),
		},
	}
	if isZero(ev.Conference) {
		ev.Conference = nil // the old bodies say nothing of it
	}
	if w.RoomID == "" {
		ev.Lane = userLane(w.UserID)
	} else {
		var place event.Conversation
		place, ev.Lane = placed(event.KindConference, w.RoomID)
		ev.Conversation = &place
	}
	if !destroy {
		ev.Members = members([]string{w.UserID})
		if or(w.Kicked, false) {
			ev.Members[0].Reason = "kick"
		}
	}
	old := w.ScreenSharing == nil && w.Rejoin == nil && w.Kicked == nil &&
		(destroy || w.RoomID == "") && (w.Video == nil) == (ev.Type != event.ConferencePublish)
	w.stamp(ev, w.Timestamp, old)
	if at := or(w.Timestamp, 0); at != 0 {
		if destroy {
			ev.Dedupe = dedupe(w.RoomID, idText(at))
		} else {
			ev.Dedupe = dedupe(w.RoomID, w.UserID, idText(at))
		}
	}
	var err error
	ev.Vendor, err = vendor(in, &w.conferenceRest)
	return ev, err
}

func encodeConference(out *output) error {
	ev := out.ev
	var kept conferenceRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	c := out.conference()
	w := conference{RoomID: c.ID, UserID: actorID(ev)}
	ids := out.concerned()
	switch {
	case ev.Type == event.ConferenceDestroy:
		ids = []string{w.UserID}
		if w.RoomID == "" {
			return dialect.Untranslatable("it names no conference")
		}
	case len(ids) == 0:
		return dialect.Untranslatable("it names no participant")
	}
	kicked := len(ev.Members) > 0 && ev.Members[0].Reason == "kick"
	needs := func(when bool, v bool) *bool {
		if when || v {
			return &v
		}
		return nil
	}
	if out.legacy() {
		if ev.Type != event.ConferenceDestroy {
			w.RoomID = ""
		}
		w.Video = needs(ev.Type == event.ConferencePublish, c.Video)
	} else {
		leave := ev.Type == event.ConferenceLeave
		w.Video = needs(ev.Type == event.ConferencePublish, c.Video)
		w.ScreenSharing = needs(ev.Type != event.ConferenceDestroy, c.ScreenSharing)
		w.Rejoin, w.Kicked = needs(leave, c.Rejoin), needs(leave, kicked)
		w.Timestamp = new(toMillis(ev.Time, kept.Timestamp))
	}
	w.Unknown = kept.Unknown
	for _, w.UserID = range ids {
		if err := out.post("", &w); err != nil {
			return err
		}
	}
	return nil
}
