package easemob

import "strings"

// What the discriminating keys hold.
const (
	groupOpEvent = "group_op_event"

	typeChat         = "chat"
	typeOffline      = "chat_offline"
	typeKeywordAlert = "keyword_alert"
	typeModeration   = "moderation"

	chatDirect = "chat"
	chatGroup  = "groupchat"
	chatRoom   = "chatroom"

	muc    = "muc"
	roster = "roster"
	notify = "notify"

	recall      = "recall"
	edit        = "edit"
	readAck     = "read_ack"
	channelAck  = "channel_ack"
	deliveryAck = "delivery_ack"

	stepPush = "push"

	preSend       = "pre_send"
	offlineSuffix = "/offline"

	groupOpFamily = "group_op"
	groupOpPrefix = groupOpFamily + ":"
	wordsPrefix   = "sensitiveWords:"
)

// The beginnings of content_type.
const (
	directContent = "chat:user:"
	groupContent  = "chat:group:"
	// roomContent is that of a chatroom's message: its chat_type says group.
	roomContent = "chat:room:"
)

// command names what the body is, in the words of the vendor's filter rules. A
// body of no known family gets its chat_type, or "unknown".
func (m *message) command(path string) string {
	switch {
	case strings.Trim(path, "/") == preSend:
		return preSend
	case m.Event == groupOpEvent:
		return join(groupOpPrefix+m.Operation, "/", m.Payload.Type)
	case m.EventType == typeKeywordAlert:
		return join("sensitiveWords", ":", or(alertNames[m.Status], m.Alert))
	case m.EventType == typeModeration:
		return join(typeModeration, ":", m.Moderation)
	case m.Step == stepPush:
		return join(stepPush, ":", m.Status)
	case m.ChatType == "" && m.Reason != "" && (m.Status == statusOnline || m.Status == statusOffline):
		return "userStatus:" + m.Reason
	case m.ChatType == chatDirect, m.ChatType == chatGroup:
		return m.messageCommand()
	case m.EventType == "" && m.CallID != "" && (m.ChatType == chatRoom || m.ChatType == "group"):
		return preSend
	case m.ChatType == muc:
		return join(muc, ":", or(mucAliases[m.Payload.Operation], m.Payload.Operation))
	case m.ChatType == roster:
		return join(roster, ":", m.Payload.Operation)
	case m.ChatType == notify:
		return join(notify, ":", m.Payload.Type)
	case m.ChatType != "":
		return m.ChatType
	}
	return "unknown"
}

// alertNames are the filter names of a keyword alert by its status, which counts:
// the vendor's example of a replacement has the alertReason of a refusal.
var alertNames = map[string]string{"pass": "through", "refuse": "intercepted", "replace": "replaced"}

// mucAliases are spellings that the wire might be corrected to one day.
var mucAliases = map[string]string{"assign_owner": "assing_owner"}

func (m *message) messageCommand() string {
	name := m.ChatType
	if m.ChatType == chatGroup && m.inRoom() {
		name = chatRoom
	}
	name = join(name, ":", contentName(m.Payload.firstType(), m.ContentType))
	switch m.EventType {
	case typeChat:
		return name
	case typeOffline:
		return name + offlineSuffix
	case "":
		// Only a pre-send callback lacks it: one that was sent to the wrong path.
		return preSend
	}
	return name + "/" + m.EventType
}

// inRoom reports whether a message whose chat_type says group is a chatroom's: newer
// servers say so in content_type, and some in the payload's type.
func (m *message) inRoom() bool { return isRoom(m.ContentType) || m.Payload.Type == chatRoom }

func (p *payload) firstType() string {
	if len(p.Bodies) == 0 {
		return ""
	}
	return p.Bodies[0].Type
}

// unsignedKind is the word of accept_unsigned for what the body is, empty when
// its kind is always signed.
func (m *message) unsignedKind(path string) string {
	switch name := m.command(path); {
	case name == "notify:reaction":
		return "reaction"
	case name == "notify:thread":
		return "thread"
	case name == stepPush || strings.HasPrefix(name, stepPush+":"):
		return "push"
	}
	return ""
}

func join(a, sep, b string) string {
	if b == "" {
		return a
	}
	return a + sep + b
}

// isRoom reports whether a content type says chatroom.
func isRoom(contentType string) bool { return strings.HasPrefix(contentType, roomContent) }

// isRoomWord and isGroupWord read a content type with or without its last word, or
// a chat_type.
func isRoomWord(s string) bool { return isRoom(s+":") || s == chatRoom }

func isGroupWord(s string) bool {
	return strings.HasPrefix(s+":", groupContent) || s == chatGroup || s == "group"
}
