package easemob

import "github.com/go-json-experiment/json/jsontext"

// envelope is what all reports about messages, groups and contacts have, in the
// order of the vendor's examples.
type envelope struct {
	CallID string `json:"callId"`
	// EventType is missing in pre-send callbacks alone.
	EventType string `json:"eventType,omitzero"`
	// Timestamp is in Unix milliseconds.
	Timestamp       int64  `json:"timestamp"`
	ChatType        string `json:"chat_type"`
	GroupID         string `json:"group_id,omitzero"`
	From            string `json:"from"`
	To              string `json:"to"`
	MsgID           string `json:"msg_id"`
	SecurityVersion string `json:"securityVersion,omitzero"`
	// Security is empty until Sign; Decode drops it.
	Security string `json:"security"`
	AppKey   string `json:"appkey,omitzero"`
	Host     string `json:"host,omitzero"`
	// ContentType came late: chat:user:text, chat:room:image …
	ContentType string `json:"content_type,omitzero"`
}

// report is a message-like callback whose payload is of a kind of its own. Like
// every wire struct here it is also, less what is canonical, what an event keeps
// under vendor.
type report[P any] struct {
	envelope
	Payload P              `json:"payload"`
	Unknown jsontext.Value `json:",embed"`
}

// message is the body of a message, a recall, an edit or a receipt. It also has
// the keys that tell the other families apart, so that the one reading that most
// bodies need is enough to know what they are.
type message struct {
	envelope
	// RecallID belongs to recalls, Channel and ChannelUser to receipts of groups.
	RecallID    string  `json:"recall_id,omitzero"`
	Channel     string  `json:"channel_channel,omitzero"`
	ChannelUser string  `json:"channel_user,omitzero"`
	Payload     payload `json:"payload"`

	Event      string         `json:"event,omitzero"`
	Operation  string         `json:"operation,omitzero"`
	Step       string         `json:"step,omitzero"`
	Status     string         `json:"status,omitzero"`
	Reason     string         `json:"reason,omitzero"`
	User       string         `json:"user,omitzero"`
	ID         string         `json:"id,omitzero"`
	Type       string         `json:"type,omitzero"`
	Alert      string         `json:"alertReason,omitzero"`
	Moderation string         `json:"moderationResult,omitzero"`
	Unknown    jsontext.Value `json:",embed"`
}

type payload struct {
	Ext    jsontext.Value `json:"ext"`
	Bodies []body         `json:"bodies"`
	From   string         `json:"from,omitzero"`
	To     string         `json:"to,omitzero"`
	Type   string         `json:"type,omitzero"`
	// AckID belongs to receipts and recalls, EditID and Meta to edits.
	AckID     string         `json:"ack_message_id,omitzero"`
	EditID    string         `json:"edit_message_id,omitzero"`
	Meta      *meta          `json:"meta,omitzero"`
	Operation string         `json:"operation,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// meta is what an edit says about the message that it changes.
type meta struct {
	Edit    editMeta       `json:"edit_msg,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

type editMeta struct {
	Count    int            `json:"count,omitzero"`
	EditTime int64          `json:"edit_time,omitzero"`
	Operator string         `json:"operator,omitzero"`
	SendTime int64          `json:"send_time,omitzero"`
	Sender   string         `json:"sender,omitzero"`
	ChatType string         `json:"chat_type,omitzero"`
	Unknown  jsontext.Value `json:",embed"`
}

func (e *editMeta) isZero() bool {
	return e.Count == 0 && e.EditTime == 0 && e.Operator == "" && e.SendTime == 0 && e.Sender == "" && e.ChatType == "" && len(e.Unknown) == 0
}

// body is one element of a message; which keys it has depends on Type.
type body struct {
	Msg  string `json:"msg,omitzero"`
	Type string `json:"type,omitzero"`
	// Action belongs to a command.
	Action string `json:"action,omitzero"`
	// SubType, Title, Summary and CombineLevel belong to a combined message.
	SubType      string `json:"subType,omitzero"`
	Title        string `json:"title,omitzero"`
	Summary      string `json:"summary,omitzero"`
	CombineLevel int    `json:"combineLevel,omitzero"`
	// What follows belongs to a file of any kind; Length is in seconds.
	Filename    string  `json:"filename,omitzero"`
	FileLength  int64   `json:"file_length,omitzero"`
	Length      decimal `json:"length,omitzero"`
	Size        size    `json:"size,omitzero"`
	URL         string  `json:"url,omitzero"`
	Secret      string  `json:"secret,omitzero"`
	Thumb       string  `json:"thumb,omitzero"`
	ThumbSecret string  `json:"thumb_secret,omitzero"`
	// Lng, Lat and Addr belong to a place.
	Lng  decimal `json:"lng,omitzero"`
	Lat  decimal `json:"lat,omitzero"`
	Addr string  `json:"addr,omitzero"`
	// CustomEvent and the two forms of its values belong to a custom message.
	CustomEvent  string         `json:"customEvent,omitzero"`
	CustomExts   jsontext.Value `json:"customExts,omitzero"`
	CustomExtsV2 jsontext.Value `json:"v2:customExts,omitzero"`
	Unknown      jsontext.Value `json:",embed"`
}

// size is a picture's, in pixels.
type size struct {
	Width   int            `json:"width,omitzero"`
	Height  int            `json:"height,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

func (s *size) isZero() bool { return s.Width == 0 && s.Height == 0 && len(s.Unknown) == 0 }

func (b *body) isZero() bool {
	return b.Msg == "" && b.Type == "" && b.Action == "" && b.SubType == "" && b.Title == "" && b.Summary == "" &&
		b.CombineLevel == 0 && b.Filename == "" && b.FileLength == 0 && b.Length == 0 && b.Size.isZero() &&
		b.URL == "" && b.Secret == "" && b.Thumb == "" && b.ThumbSecret == "" && b.Lng == 0 && b.Lat == 0 &&
		b.Addr == "" && b.CustomEvent == "" && len(b.CustomExts) == 0 && len(b.CustomExtsV2) == 0 && len(b.Unknown) == 0
}

func (p *payload) isZero() bool {
	return len(p.Ext) == 0 && len(p.Bodies) == 0 && p.From == "" && p.To == "" && p.Type == "" && p.AckID == "" &&
		p.EditID == "" && p.Meta == nil && p.Operation == "" && len(p.Unknown) == 0
}
