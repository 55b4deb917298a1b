package easemob

import "github.com/go-json-experiment/json/jsontext"

// message is the body of a message-like callback, in the order of the vendor's
// examples. It also has the keys that tell the other families apart. The same
// struct, less what is canonical, is what an event keeps under vendor.
type message struct {
	CallID    string `json:"callId"`
	EventType string `json:"eventType"`
	// Timestamp is in Unix milliseconds.
	Timestamp       int64   `json:"timestamp"`
	ChatType        string  `json:"chat_type"`
	GroupID         string  `json:"group_id,omitzero"`
	From            string  `json:"from"`
	To              string  `json:"to"`
	MsgID           string  `json:"msg_id"`
	Payload         payload `json:"payload"`
	SecurityVersion string  `json:"securityVersion,omitzero"`
	// Security is empty until Sign; Decode drops it.
	Security string `json:"security"`
	AppKey   string `json:"appkey,omitzero"`
	Host     string `json:"host,omitzero"`
	// ContentType came late: chat:user:text, chat:room:image …
	ContentType string `json:"content_type,omitzero"`

	Event     string         `json:"event,omitzero"`
	Operation string         `json:"operation,omitzero"`
	Step      string         `json:"step,omitzero"`
	Status    string         `json:"status,omitzero"`
	Reason    string         `json:"reason,omitzero"`
	User      string         `json:"user,omitzero"`
	ID        string         `json:"id,omitzero"`
	Type      string         `json:"type,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

type payload struct {
	Ext       jsontext.Value `json:"ext"`
	Bodies    []body         `json:"bodies"`
	From      string         `json:"from,omitzero"`
	To        string         `json:"to,omitzero"`
	Type      string         `json:"type,omitzero"`
	Operation string         `json:"operation,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// body is one element of a message; which keys it has depends on Type.
type body struct {
	Msg  string `json:"msg"`
	Type string `json:"type"`
	// SubType and what follows belong to a combined message.
	SubType      string         `json:"subType,omitzero"`
	Title        string         `json:"title,omitzero"`
	Summary      string         `json:"summary,omitzero"`
	CombineLevel int            `json:"combineLevel,omitzero"`
	Filename     string         `json:"filename,omitzero"`
	FileLength   int64          `json:"file_length,omitzero"`
	URL          string         `json:"url,omitzero"`
	Secret       string         `json:"secret,omitzero"`
	Unknown      jsontext.Value `json:",embed"`
}

func (p *payload) firstType() string {
	if len(p.Bodies) == 0 {
		return ""
	}
	return p.Bodies[0].Type
}
