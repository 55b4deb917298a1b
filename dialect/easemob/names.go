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

	stepPush = "push"

	preSend       = "pre_send"
	offlineSuffix = "/offline"
)

// roomContent is how the content type of a chatroom's message begins: its
// chat_type says group.
const roomContent = "chat:room:"

// command names what the body is, in the words of the vendor's filter rules. A
// body of no known family gets its chat_type, or "unknown".
func (m *message) command(path string) string {
	switch {
	case strings.Trim(path, "/") == preSend:
		return preSend
	case m.Event == groupOpEvent:
		return join("group_op:"+m.Operation, "/", m.Payload.Type)
	case m.EventType == typeKeywordAlert:
		return join("sensitiveWords", ":", alertNames[m.Status])
	case m.EventType == typeModeration:
		return "moderation"
	case m.Step == stepPush:
		return join("push", ":", m.Status)
	case m.ChatType == "" && m.Reason != "" && (m.Status == "online" || m.Status == "offline"):
		return "userStatus:" + m.Reason
	case m.ChatType == chatDirect, m.ChatType == chatGroup:
		return m.messageCommand()
	case m.ChatType == "muc", m.ChatType == "roster":
		return join(m.ChatType, ":", m.Payload.Operation)
	case m.ChatType == "notify":
		return join(m.ChatType, ":", m.Payload.Type)
	case m.ChatType != "":
		return m.ChatType
	}
	return "unknown"
}

// alertNames are the filter names of a keyword alert by its status.
var alertNames = map[string]string{"pass": "through", "refuse": "intercepted", "replace": "replaced"}

func (m *message) messageCommand() string {
	name := m.ChatType
	if m.ChatType == chatGroup && strings.HasPrefix(m.ContentType, roomContent) {
		name = "chatroom"
	}
	name = join(name, ":", m.Payload.firstType())
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
