package event

import "time"

// Actor is who did it.
type Actor struct {
	ID string `json:"id,omitzero"`
	// System is true when the IM server or its admin API acted, not a person.
	System bool `json:"system,omitzero"`
	// Admin is true when a person acted with an app administrator's rights.
	Admin bool `json:"admin,omitzero"`
	// Platform is one of the words of the platform table (ios, android, web …);
	// a vendor's own word where the table has none.
	Platform string `json:"platform,omitzero"`
	// Client is the device or connection id.
	Client string `json:"client,omitzero"`
}

// Conversation is where it happened.
type Conversation struct {
	Kind Kind `json:"kind"`
	// ID is the vendor's id of the conversation; for a direct one it is the two
	// users in byte order joined by '|', see [Direct].
	ID string `json:"id"`
	// Topic is a channel or thread inside the conversation that does not change
	// its lane (RongCloud busChannel, Tencent TopicId).
	Topic string `json:"topic,omitzero"`
}

// ContentKind is what a message holds. Values reach wire and disk: append only.
type ContentKind string

// The content kinds that every dialect maps its own codes to.
const (
	Text          ContentKind = "text"
	Image         ContentKind = "image"
	Audio         ContentKind = "audio"
	Video         ContentKind = "video"
	File          ContentKind = "file"
	Location      ContentKind = "location"
	Face          ContentKind = "face"
	LinkCard      ContentKind = "link"
	Card          ContentKind = "card"
	Merged        ContentKind = "merged"
	Quote         ContentKind = "quote"
	CommandKind   ContentKind = "command"
	Custom        ContentKind = "custom"
	Notification  ContentKind = "notification"
	Typing        ContentKind = "typing"
	Call          ContentKind = "call"
	RecallMarker  ContentKind = "recall"
	ReceiptMarker ContentKind = "receipt"
	UnknownKind   ContentKind = "unknown"
)

// ContentKinds returns all content kinds, in the order above.
func ContentKinds() []ContentKind {
	return []ContentKind{
		Text, Image, Audio, Video, File, Location, Face, LinkCard, Card, Merged, Quote, CommandKind, Custom,
		Notification, Typing, Call, RecallMarker, ReceiptMarker, UnknownKind,
	}
}

// Message is a message, or what is known of one that a recall, an edit or a
// moderator's finding talks about.
type Message struct {
	ID string `json:"id,omitzero"`
	// ClientID is the id that the sending client gave it.
	ClientID string `json:"clientId,omitzero"`
	// Seq is the position in the conversation, where the vendor numbers.
	Seq  string      `json:"seq,omitzero"`
	Kind ContentKind `json:"kind,omitzero"`
	// Code is the vendor's own content code ("1", "RC:TxtMsg", "TIMTextElem").
	Code string `json:"code,omitzero"`
	// Sender is the author, where the event's actor is somebody else or unknown.
	Sender string `json:"sender,omitzero"`
	// SentAt is when it was sent, where the event's time is another.
	SentAt time.Time `json:"sentAt,omitzero"`

	Text     string    `json:"text,omitzero"`
	Media    *Media    `json:"media,omitzero"`
	Location *Place    `json:"location,omitzero"`
	Custom   *Payload  `json:"custom,omitzero"`
	Mentions *Mentions `json:"mentions,omitzero"`
	Push     *Push     `json:"push,omitzero"`
	// Extra is the application's own text that rides on the message.
	Extra string `json:"extra,omitzero"`
	// Extension are the key-values hung on the message, of message.extension.*:
	// those that were set, or the keys of those that were removed.
	Extension map[string]string `json:"extension,omitzero"`
	// Options are delivery hints.
	Options *MessageOptions `json:"options,omitzero"`
	// Edits is the id of the message that this one replaces.
	Edits string `json:"edits,omitzero"`
	// Parts holds all elements when the vendor's message has more than one; the
	// fields above then describe the first.
	Parts []Message `json:"parts,omitzero"`
}

// Media is a picture, sound, film or file.
type Media struct {
	URL  string `json:"url,omitzero"`
	Name string `json:"name,omitzero"`
	// Size is in bytes.
	Size int64 `json:"size,omitzero"`
	// Seconds is how long it plays.
	Seconds   float64 `json:"seconds,omitzero"`
	Width     int     `json:"width,omitzero"`
	Height    int     `json:"height,omitzero"`
	Thumbnail string  `json:"thumbnail,omitzero"`
	MIME      string  `json:"mime,omitzero"`
}

// Place is a point on the earth.
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Address   string  `json:"address,omitzero"`
	Title     string  `json:"title,omitzero"`
}

// Payload is application content that imhook does not look into.
type Payload struct {
	// Name is the application's own type of it.
	Name string `json:"name,omitzero"`
	// Data is text; Base64 holds it where it is not text.
	Data   string `json:"data,omitzero"`
	Base64 []byte `json:"base64,omitzero"`
}

// Mentions are the users whom a message calls by name.
type Mentions struct {
	All   bool     `json:"all"`
	Users []string `json:"users"`
}

// Push is what an offline device is shown.
type Push struct {
	Title    string `json:"title,omitzero"`
	Content  string `json:"content,omitzero"`
	Data     string `json:"data,omitzero"`
	Disabled bool   `json:"disabled,omitzero"`
}

// MessageOptions are delivery hints.
type MessageOptions struct {
	// Transient is true when the message is not stored.
	Transient bool `json:"transient,omitzero"`
	// ExpiresIn is in seconds; zero means never.
	ExpiresIn int64 `json:"expiresIn,omitzero"`
}

// User is an account's profile; only what the wire gives is set.
type User struct {
	ID          string    `json:"id,omitzero"`
	Name        string    `json:"name,omitzero"`
	DisplayName string    `json:"displayName,omitzero"`
	Avatar      string    `json:"avatar,omitzero"`
	Gender      string    `json:"gender,omitzero"`
	Phone       string    `json:"phone,omitzero"`
	Email       string    `json:"email,omitzero"`
	Address     string    `json:"address,omitzero"`
	Company     string    `json:"company,omitzero"`
	Social      string    `json:"social,omitzero"`
	Extra       string    `json:"extra,omitzero"`
	Role        string    `json:"role,omitzero"`
	Deleted     bool      `json:"deleted,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

// Friend is a relation between two users.
type Friend struct {
	// Owner is on whose list the relation stands.
	Owner string `json:"owner,omitzero"`
	// Alias is the remark; Set on friend.rename even when empty.
	Alias string `json:"alias,omitzero"`
	// Text is what the asking user wrote.
	Text string `json:"text,omitzero"`
	// Action is accept, acceptAndAdd or decline, of friend.respond.
	Action string `json:"action,omitzero"`
	Source string `json:"source,omitzero"`
	Extra  string `json:"extra,omitzero"`
}

// Group is a group's profile; only what the wire gives is set.
type Group struct {
	ID            string `json:"id,omitzero"`
	Name          string `json:"name,omitzero"`
	Avatar        string `json:"avatar,omitzero"`
	Owner         string `json:"owner,omitzero"`
	PreviousOwner string `json:"previousOwner,omitzero"`
	// Kind is normal, free, restricted, organization …; the vendor's word where
	// there is no canonical one.
	Kind         string            `json:"kind,omitzero"`
	Introduction string            `json:"introduction,omitzero"`
	Announcement string            `json:"announcement,omitzero"`
	Extra        string            `json:"extra,omitzero"`
	MemberCount  int               `json:"memberCount,omitzero"`
	MaxMembers   int               `json:"maxMembers,omitzero"`
	Muted        *bool             `json:"muted,omitzero"`
	Deleted      bool              `json:"deleted,omitzero"`
	Attributes   map[string]string `json:"attributes,omitzero"`
	Files        []string          `json:"files,omitzero"`
	UpdatedAt    time.Time         `json:"updatedAt,omitzero"`
}

// Member is somebody whom the event concerns besides the actor.
type Member struct {
	ID string `json:"id"`
	// Role is owner, admin, member, muted, allowed, removed.
	Role  string `json:"role,omitzero"`
	Alias string `json:"alias,omitzero"`
	// Reason says why: kick, timeout, destroy, idle …
	Reason string `json:"reason,omitzero"`
	// Source says how a member came: apply, invite …
	Source string    `json:"source,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Extra  string    `json:"extra,omitzero"`
}

// Chatroom is a chatroom's profile; only what the wire gives is set.
type Chatroom struct {
	ID           string            `json:"id,omitzero"`
	Name         string            `json:"name,omitzero"`
	Owner        string            `json:"owner,omitzero"`
	Introduction string            `json:"introduction,omitzero"`
	Announcement string            `json:"announcement,omitzero"`
	Reason       string            `json:"reason,omitzero"`
	Attributes   map[string]string `json:"attributes,omitzero"`
	MemberCount  int               `json:"memberCount,omitzero"`
}

// Channel is an official account or broadcast channel.
type Channel struct {
	ID    string `json:"id,omitzero"`
	Name  string `json:"name,omitzero"`
	Owner string `json:"owner,omitzero"`
	Extra string `json:"extra,omitzero"`
}

// Conference is an audio or video conference, or one participant's part in it.
type Conference struct {
	ID            string `json:"id,omitzero"`
	Server        string `json:"server,omitzero"`
	Description   string `json:"description,omitzero"`
	PIN           string `json:"pin,omitzero"`
	MaxPublishers int    `json:"maxPublishers,omitzero"`
	// Bitrate is the highest allowed, as the vendor writes it.
	Bitrate       int  `json:"bitrate,omitzero"`
	Advanced      bool `json:"advanced,omitzero"`
	Recording     bool `json:"recording,omitzero"`
	Video         bool `json:"video,omitzero"`
	ScreenSharing bool `json:"screenSharing,omitzero"`
	Rejoin        bool `json:"rejoin,omitzero"`
}

// Presence is a device's connection.
type Presence struct {
	// Reason of an offline: disconnect, timeout, logout, replaced.
	Reason   string `json:"reason,omitzero"`
	Platform string `json:"platform,omitzero"`
	Client   string `json:"client,omitzero"`
	// Address is the device's network address, with port where given.
	Address    string    `json:"address,omitzero"`
	Package    string    `json:"package,omitzero"`
	State      int       `json:"state,omitzero"`
	StateText  string    `json:"stateText,omitzero"`
	Sessions   []Session `json:"sessions,omitzero"`
	Kicked     []Session `json:"kicked,omitzero"`
	Connection string    `json:"connection,omitzero"`
}

// Session is one of a user's devices.
type Session struct {
	Client   string    `json:"client,omitzero"`
	User     string    `json:"user,omitzero"`
	Platform string    `json:"platform,omitzero"`
	Online   bool      `json:"online"`
	SeenAt   time.Time `json:"seenAt,omitzero"`
	Package  string    `json:"package,omitzero"`
	Address  string    `json:"address,omitzero"`
}

// Receipt says what was read or delivered.
type Receipt struct {
	// UpTo means everything up to then.
	UpTo     time.Time `json:"upTo,omitzero"`
	Messages []string  `json:"messages,omitzero"`
	Seqs     []string  `json:"seqs,omitzero"`
	Read     int       `json:"read,omitzero"`
	Unread   int       `json:"unread,omitzero"`
}

// Reaction is the set of reactions of one message.
type Reaction struct {
	Message string          `json:"message,omitzero"`
	Items   []ReactionCount `json:"items,omitzero"`
}

// ReactionCount is one reaction with who gave it.
type ReactionCount struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Users []string `json:"users,omitzero"`
	// Change is add or remove where this reaction is what changed.
	Change string `json:"change,omitzero"`
}

// Thread is a message thread.
type Thread struct {
	ID        string `json:"id,omitzero"`
	Name      string `json:"name,omitzero"`
	Parent    string `json:"parent,omitzero"`
	Operation string `json:"operation,omitzero"`
	Count     int    `json:"count,omitzero"`
}

// Moderation is what a word list or a moderator found.
type Moderation struct {
	// Verdict is pass, refuse, replace or recall; empty when not on the wire.
	Verdict  string   `json:"verdict,omitzero"`
	Words    []string `json:"words,omitzero"`
	Provider string   `json:"provider,omitzero"`
	Label    string   `json:"label,omitzero"`
	Detail   string   `json:"detail,omitzero"`
}

// Moment is a post in a feed, or a comment on one.
type Moment struct {
	ID      string  `json:"id,omitzero"`
	Comment string  `json:"comment,omitzero"`
	ReplyTo string  `json:"replyTo,omitzero"`
	Text    string  `json:"text,omitzero"`
	Media   []Media `json:"media,omitzero"`
	// Mentioned are the users whom the post calls by name, Hidden those who do not
	// see it.
	Mentioned []string `json:"mentioned,omitzero"`
	Hidden    []string `json:"hidden,omitzero"`
	Extra     string   `json:"extra,omitzero"`
}

// Report is what an IM server says about itself: exceptions, alarms, pushes.
type Report struct {
	Code  string `json:"code,omitzero"`
	Text  string `json:"text,omitzero"`
	Trace string `json:"trace,omitzero"`
	Count int    `json:"count,omitzero"`
	Node  string `json:"node,omitzero"`
}
