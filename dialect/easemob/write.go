package easemob

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// writer appends a JSON object. Written by hand because every message goes through
// it twice, once for what the vendor keeps and once for the body, and because
// which keys an element always has depends on its type.
type writer struct {
	b []byte
	// rest leaves out whatever is zero: the form under vendor.
	rest bool
	err  error
}

// json is the message as a body, or as what an event keeps of it.
func (m *message) json(rest bool) ([]byte, error) {
	size := 512
	if rest {
		size = 128
	}
	w := writer{b: make([]byte, 0, size), rest: rest}
	w.open()
	w.text("callId", m.CallID, true)
	w.text("eventType", m.EventType, false)
	w.number("timestamp", m.Timestamp, true)
	w.text("chat_type", m.ChatType, true)
	w.text("group_id", m.GroupID, false)
	w.text("from", m.From, true)
	w.text("to", m.To, true)
	w.text("recall_id", m.RecallID, false)
	w.text("channel_channel", m.Channel, false)
	w.text("channel_user", m.ChannelUser, false)
	w.text("msg_id", m.MsgID, true)
	if !rest || !m.Payload.isZero() {
		w.key("payload")
		m.Payload.write(&w)
		w.b = append(w.b, ',')
	}
	w.text("securityVersion", m.SecurityVersion, false)
	w.text("security", m.Security, true)
	w.text("appkey", m.AppKey, false)
	w.text("host", m.Host, false)
	w.text("content_type", m.ContentType, false)
	w.text("event", m.Event, false)
	w.text("operation", m.Operation, false)
	w.text("step", m.Step, false)
	w.text("status", m.Status, false)
	w.text("reason", m.Reason, false)
	w.text("user", m.User, false)
	w.text("id", m.ID, false)
	w.text("type", m.Type, false)
	w.text("alertReason", m.Alert, false)
	w.text("moderationResult", m.Moderation, false)
	w.unknown(m.Unknown)
	w.close('}')
	return w.b, w.err
}

func (p *payload) write(w *writer) {
	w.open()
	w.value("ext", p.Ext)
	w.text("ack_message_id", p.AckID, p.Type == channelAck)
	w.text("edit_message_id", p.EditID, false)
	// The read receipts of a whole conversation and of a group have no elements;
	// everything else has an array, if an empty one.
	if len(p.Bodies) > 0 || (!w.rest && p.Type != channelAck && p.Type != readAck) {
		w.key("bodies")
		w.b = append(w.b, '[')
		for i := range p.Bodies {
			p.Bodies[i].write(w)
			w.b = append(w.b, ',')
		}
		w.close(']')
		w.b = append(w.b, ',')
	}
	w.text("from", p.From, false)
	w.text("to", p.To, false)
	w.text("type", p.Type, false)
	if p.Meta != nil {
		p.Meta.write(w)
	}
	w.text("operation", p.Operation, false)
	w.unknown(p.Unknown)
	w.close('}')
}

func (m *meta) write(w *writer) {
	e := &m.Edit
	w.key("meta")
	w.open()
	if e.isZero() { // a thread's message has a meta of another kind
		w.unknown(m.Unknown)
		w.close('}')
		w.b = append(w.b, ',')
		return
	}
	w.key("edit_msg")
	w.open()
	w.number("count", int64(e.Count), false)
	w.number("edit_time", e.EditTime, false)
	w.text("operator", e.Operator, false)
	w.number("send_time", e.SendTime, false)
	w.text("sender", e.Sender, false)
	w.text("chat_type", e.ChatType, false)
	w.unknown(e.Unknown)
	w.close('}')
	w.b = append(w.b, ',')
	w.unknown(m.Unknown)
	w.close('}')
	w.b = append(w.b, ',')
}

// write gives each type of element the keys that the vendor's pages list for it.
func (b *body) write(w *writer) {
	text := b.Type == wireText
	file := b.Type == wireImage || b.Type == wireAudio || b.Type == wireVideo || b.Type == wireFile
	w.open()
	w.text("msg", b.Msg, text)
	w.text("action", b.Action, b.Type == wireCommand)
	w.text("subType", b.SubType, false)
	w.text("title", b.Title, false)
	w.text("summary", b.Summary, false)
	w.number("combineLevel", int64(b.CombineLevel), false)
	w.text("thumb_secret", b.ThumbSecret, b.Type == wireVideo)
	w.text("filename", b.Filename, file)
	if !b.Size.isZero() || (!w.rest && (b.Type == wireImage || b.Type == wireVideo)) {
		w.key("size")
		w.open()
		w.number("width", int64(b.Size.Width), true)
		w.number("height", int64(b.Size.Height), true)
		w.unknown(b.Size.Unknown)
		w.close('}')
		w.b = append(w.b, ',')
	}
	w.text("thumb", b.Thumb, b.Type == wireVideo)
	w.decimal("length", b.Length, b.Type == wireAudio || b.Type == wireVideo)
	w.text("secret", b.Secret, file)
	w.number("file_length", b.FileLength, file)
	w.decimal("lng", b.Lng, b.Type == wirePlace)
	w.text("type", b.Type, true)
	w.text("addr", b.Addr, b.Type == wirePlace)
	w.decimal("lat", b.Lat, b.Type == wirePlace)
	w.text("url", b.URL, file)
	w.value("customExts", b.CustomExts)
	w.value("v2:customExts", b.CustomExtsV2)
	w.text("customEvent", b.CustomEvent, b.Type == wireCustom)
	w.unknown(b.Unknown)
	w.close('}')
}

// Every member and element ends with a comma, which close takes back.

func (w *writer) open() { w.b = append(w.b, '{') }

func (w *writer) close(bracket byte) {
	if last := len(w.b) - 1; w.b[last] == ',' {
		w.b = w.b[:last]
	}
	w.b = append(w.b, bracket)
}

// key begins a member; name needs no escaping.
func (w *writer) key(name string) {
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// text writes a member; always says that bodies have it even when it is empty.
func (w *writer) text(name, s string, always bool) {
	if s == "" && (w.rest || !always) {
		return
	}
	w.key(name)
	w.b = append(dialect.AppendString(w.b, s), ',')
}

func (w *writer) number(name string, n int64, always bool) {
	if n == 0 && (w.rest || !always) {
		return
	}
	w.key(name)
	w.b = append(strconv.AppendInt(w.b, n, 10), ',')
}

func (w *writer) decimal(name string, d decimal, always bool) {
	if d == 0 && (w.rest || !always) {
		return
	}
	f := float64(d)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0 // JSON has no such number
	}
	w.key(name)
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	w.b = append(strconv.AppendFloat(w.b, f, format, -1, 64), ',')
}

// raw is what was read raw, as it may be written. What comes back from an
// event's vendor fields has been tidied before.
func (w *writer) raw(v jsontext.Value) jsontext.Value {
	if !w.rest || w.err != nil {
		return v
	}
	v, w.err = dialect.Tidy(v)
	return v
}

// value writes a member that was read raw.
func (w *writer) value(name string, v jsontext.Value) {
	if len(v) == 0 {
		return
	}
	w.key(name)
	w.b = append(append(w.b, w.raw(v)...), ',')
}

// unknown writes the members of an object that was read raw.
func (w *writer) unknown(object jsontext.Value) {
	if len(object) == 0 {
		return
	}
	if v := w.raw(object); len(v) > len("{}") {
		w.b = append(append(w.b, v[1:len(v)-1]...), ',')
	}
}

// texts writes an array, if an empty one.
func (w *writer) texts(name string, all []string) {
	if all == nil {
		return
	}
	w.key(name)
	w.b = append(w.b, '[')
	for _, s := range all {
		w.b = append(dialect.AppendString(w.b, s), ',')
	}
	w.close(']')
	w.b = append(w.b, ',')
}

// marshal writes a member that no message has by the general writer.
func (w *writer) marshal(name string, v any) {
	b, err := dialect.Marshal(v)
	if err != nil {
		w.err = err
		return
	}
	w.value(name, b)
}
