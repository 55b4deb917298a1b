package event

import (
	"strings"
)

// Kind is the kind of a conversation. Values reach wire and disk: append only.
type Kind string

// The conversation kinds. KindSystem is the lane of what nobody in particular
// did (alarms, exceptions).
const (
	KindDirect     Kind = "direct"
	KindGroup      Kind = "group"
	KindChatroom   Kind = "chatroom"
	KindChannel    Kind = "channel"
	KindUser       Kind = "user"
	KindConference Kind = "conference"
	KindSystem     Kind = "system"
)

// Kinds returns all conversation kinds, in the order above.
func Kinds() []Kind {
	return []Kind{KindDirect, KindGroup, KindChatroom, KindChannel, KindUser, KindConference, KindSystem}
}

// Lane is the unit of order inside an endpoint, "kind:id". It is the CloudEvents
// subject. Ids may hold anything, so a Lane is never cut at a later ':' and never
// used as a NATS subject as it stands.
type Lane string

// Kind returns the part before the first ':'.
func (l Lane) Kind() Kind {
	kind, _, _ := strings.Cut(string(l), ":")
	return Kind(kind)
}

// ID returns the part after the first ':'.
func (l Lane) ID() string {
	_, id, _ := strings.Cut(string(l), ":")
	return id
}

// NewLane joins kind and id.
func NewLane(kind Kind, id string) Lane { return Lane(string(kind) + ":" + id) }

// Lane returns the lane of the conversation.
func (c Conversation) Lane() Lane { return NewLane(c.Kind, c.ID) }

// Direct names the conversation of two users: both ids in byte order joined by
// '|', with '|' and '%' inside an id percent-encoded. Direct(a, b) equals
// Direct(b, a).
func Direct(a, b string) Conversation {
	if b < a {
		a, b = b, a
	}
	return Conversation{Kind: KindDirect, ID: escapeUser(a) + "|" + escapeUser(b)}
}

// Users returns the two users of a direct conversation in byte order, or false
// when the conversation is not direct or its id is not of that form.
func (c Conversation) Users() (a, b string, ok bool) {
	if c.Kind != KindDirect {
		return "", "", false
	}
	a, b, ok = strings.Cut(c.ID, "|")
	if !ok || strings.Contains(b, "|") {
		return "", "", false
	}
	return unescapeUser(a), unescapeUser(b), true
}

// Peer returns the user of a direct conversation who is not user. In a
// conversation with oneself that is user. False as for [Conversation.Users], and
// when user is neither of the two.
func (c Conversation) Peer(user string) (string, bool) {
	a, b, ok := c.Users()
	switch {
	case !ok:
		return "", false
	case user == a:
		return b, true
	case user == b:
		return a, true
	}
	return "", false
}

var (
	userEscaper   = strings.NewReplacer("%", "%25", "|", "%7C")
	userUnescaper = strings.NewReplacer("%25", "%", "%7C", "|", "%7c", "|")
)

func escapeUser(id string) string {
	if !strings.ContainsAny(id, "%|") {
		return id
	}
	return userEscaper.Replace(id)
}

func unescapeUser(id string) string {
	if !strings.Contains(id, "%") {
		return id
	}
	return userUnescaper.Replace(id)
}
