package event

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SpecVersion is the CloudEvents version of the JSON form.
const SpecVersion = "1.0"

// ErrNotCloudEvent is wrapped when JSON is no CloudEvent of imhook's types: a
// required attribute is missing or the type is not "im." and a canonical type.
var ErrNotCloudEvent = errors.New("not an imhook CloudEvent")

// envelope is the CloudEvents 1.0 structured form. The attribute names are part
// of the outside surface.
type envelope struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time,omitzero"`
	Subject     Lane      `json:"subject,omitzero"`
	Phase       Phase     `json:"imphase,omitzero"`
	Dialect     string    `json:"imdialect,omitzero"`
	Generation  string    `json:"imgeneration,omitzero"`
	Command     string    `json:"imcommand,omitzero"`
	Link        string    `json:"imlink,omitzero"`
	Echo        bool      `json:"imecho,omitzero"`
	Repeat      Repeat    `json:"imrepeat,omitzero"`
	Trace       string    `json:"traceparent,omitzero"`
	TraceState  string    `json:"tracestate,omitzero"`
	ContentType string    `json:"datacontenttype,omitzero"`
	Data        data      `json:"data,omitzero"`
	// Extensions are attributes of other systems; the canonical event keeps
	// none of them, the verbatim body does.
	Extensions jsontext.Value `json:",embed"`
}

// data is the CloudEvents data: the bodies that apply.
type data struct {
	Actor        *Actor         `json:"actor,omitzero"`
	Conversation *Conversation  `json:"conversation,omitzero"`
	Message      *Message       `json:"message,omitzero"`
	User         *User          `json:"user,omitzero"`
	Friend       *Friend        `json:"friend,omitzero"`
	Group        *Group         `json:"group,omitzero"`
	Members      []Member       `json:"members,omitzero"`
	Chatroom     *Chatroom      `json:"chatroom,omitzero"`
	Channel      *Channel       `json:"channel,omitzero"`
	Conference   *Conference    `json:"conference,omitzero"`
	Presence     *Presence      `json:"presence,omitzero"`
	Receipt      *Receipt       `json:"receipt,omitzero"`
	Reaction     *Reaction      `json:"reaction,omitzero"`
	Thread       *Thread        `json:"thread,omitzero"`
	Moderation   *Moderation    `json:"moderation,omitzero"`
	Moment       *Moment        `json:"moment,omitzero"`
	Report       *Report        `json:"report,omitzero"`
	Vendor       jsontext.Value `json:"vendor,omitzero"`
	// Unknown is what a newer imhook knows, or somebody misspelt.
	Unknown jsontext.Value `json:",embed"`
}

// misspelt reports whether there is something and none of it is known.
func (d *data) misspelt() bool {
	known := *d
	known.Unknown = nil
	return len(d.Unknown) > 0 && reflect.ValueOf(known).IsZero()
}

// SourcePath is the CloudEvents source attribute of an app's source.
func SourcePath(app, source string) string { return "/apps/" + app + "/sources/" + source }

// cutSourcePath is the inverse of SourcePath; false for any other form.
func cutSourcePath(s string) (app, source string, ok bool) {
	rest, ok := strings.CutPrefix(s, "/apps/")
	if !ok {
		return "", "", false
	}
	app, source, ok = strings.Cut(rest, "/sources/")
	return app, source, ok
}

// MarshalJSONTo writes the event as a structured CloudEvent 1.0. Dedupe and Raw
// are not part of it.
func (e *Event) MarshalJSONTo(enc *jsontext.Encoder) error {
	env := envelope{
		SpecVersion: SpecVersion,
		ID:          e.ID,
		Source:      SourcePath(e.App, e.Source),
		Type:        CloudEventsPrefix + string(e.Type),
		Time:        e.Time,
		Subject:     e.Lane,
		Phase:       e.Phase,
		Dialect:     e.Dialect,
		Generation:  e.Generation,
		Command:     e.Command,
		Echo:        e.Echo,
		Repeat:      e.Repeat,
		Trace:       e.Trace,
		TraceState:  e.TraceState,
		ContentType: "application/json",
		Data: data{
			Actor: e.Actor, Conversation: e.Conversation, Message: e.Message,
			User: e.User, Friend: e.Friend, Group: e.Group, Members: e.Members,
			Chatroom: e.Chatroom, Channel: e.Channel, Conference: e.Conference,
			Presence: e.Presence, Receipt: e.Receipt, Reaction: e.Reaction,
			Thread: e.Thread, Moderation: e.Moderation, Moment: e.Moment,
			Report: e.Report, Vendor: e.Vendor,
		},
	}
	if len(e.Links) > 0 {
		env.Link = e.Links[0]
	}
	return json.MarshalEncode(enc, &env)
}

// MarshalJSON is [Event.MarshalJSONTo] for encoding/json.
func (e *Event) MarshalJSON() ([]byte, error) { return json.Marshal(e) }

// UnmarshalJSONFrom reads a structured CloudEvent 1.0. Phase defaults to after,
// Dialect and Command stay empty where the attributes are missing, Lane falls
// back to the conversation. A specversion, id or type that is missing or wrong,
// and data in which nothing is known, is [ErrNotCloudEvent]; on any error e is
// left zero.
func (e *Event) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*e = Event{}
	var env envelope
	if err := json.UnmarshalDecode(dec, &env); err != nil {
		return err
	}
	name, ok := strings.CutPrefix(env.Type, CloudEventsPrefix)
	switch {
	case env.SpecVersion != SpecVersion:
		return fmt.Errorf("%w: specversion is %q, want %q", ErrNotCloudEvent, env.SpecVersion, SpecVersion)
	case env.ID == "":
		return fmt.Errorf("%w: id is missing", ErrNotCloudEvent)
	case !ok || name == "":
		return fmt.Errorf("%w: type is %q, want %q and a canonical type", ErrNotCloudEvent, env.Type, CloudEventsPrefix)
	case env.Phase != "" && env.Phase != Before && env.Phase != After:
		return fmt.Errorf("%w: imphase is %q, want %q or %q", ErrNotCloudEvent, env.Phase, Before, After)
	}
	d := &env.Data
	if d.misspelt() {
		return fmt.Errorf("%w: data holds nothing that is known, but %s; want those that apply of actor, conversation, message, user, friend, group, members, chatroom, channel, conference, presence, receipt, reaction, thread, moderation, moment, report, vendor", ErrNotCloudEvent, d.Unknown)
	}
	*e = Event{
		ID: env.ID, Type: Type(name), Phase: env.Phase,
		Dialect: env.Dialect, Generation: env.Generation, Command: env.Command,
		Trace: env.Trace, TraceState: env.TraceState, Lane: env.Subject, Echo: env.Echo, Repeat: env.Repeat,
		Actor: d.Actor, Conversation: d.Conversation, Message: d.Message,
		User: d.User, Friend: d.Friend, Group: d.Group, Members: d.Members,
		Chatroom: d.Chatroom, Channel: d.Channel, Conference: d.Conference,
		Presence: d.Presence, Receipt: d.Receipt, Reaction: d.Reaction,
		Thread: d.Thread, Moderation: d.Moderation, Moment: d.Moment,
		Report: d.Report, Vendor: d.Vendor,
	}
	e.App, e.Source, _ = cutSourcePath(env.Source)
	if !env.Time.IsZero() {
		e.Time = env.Time.UTC().Truncate(time.Millisecond)
	}
	if e.Phase == "" {
		e.Phase = After
	}
	if e.Lane == "" && e.Conversation != nil {
		e.Lane = e.Conversation.Lane()
	}
	if env.Link != "" {
		e.Links = []string{env.Link}
	}
	return nil
}

// UnmarshalJSON is [Event.UnmarshalJSONFrom] for encoding/json.
func (e *Event) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, e) }
