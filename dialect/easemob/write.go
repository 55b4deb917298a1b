package easemob

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// writer appends a JSON object. Written by hand because every event goes through
// it twice, once for what the vendor keeps and once for the body.
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
	w.text("eventType", m.EventType, true)
	w.number("timestamp", m.Timestamp, true)
	w.text("chat_type", m.ChatType, true)
	w.text("group_id", m.GroupID, false)
	w.text("from", m.From, true)
	w.text("to", m.To, true)
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
	w.unknown(m.Unknown)
	w.close('}')
	return w.b, w.err
}

func (p *payload) isZero() bool {
	return len(p.Ext) == 0 && len(p.Bodies) == 0 && p.From == "" && p.To == "" && p.Type == "" && p.Operation == "" && len(p.Unknown) == 0
}

func (p *payload) write(w *writer) {
	w.open()
	w.value("ext", p.Ext)
	if !w.rest || len(p.Bodies) > 0 {
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
	w.text("operation", p.Operation, false)
	w.unknown(p.Unknown)
	w.close('}')
}

func (b *body) write(w *writer) {
	w.open()
	w.text("msg", b.Msg, true)
	w.text("type", b.Type, true)
	w.text("subType", b.SubType, false)
	w.text("title", b.Title, false)
	w.text("summary", b.Summary, false)
	w.number("combineLevel", int64(b.CombineLevel), false)
	w.text("filename", b.Filename, false)
	w.number("file_length", b.FileLength, false)
	w.text("url", b.URL, false)
	w.text("secret", b.Secret, false)
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
