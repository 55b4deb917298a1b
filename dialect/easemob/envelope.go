package easemob

import (
	"reflect"

	"github.com/imhook/imhook/event"
)

// keep drops from a report what all say alike and puts the rest under vendor.
func (w *report[P]) keep(ev *event.Event) error {
	if isDefaultCallID(w.CallID, w.AppKey, w.MsgID) {
		w.CallID = ""
	}
	if w.EventType == typeChat {
		w.EventType = ""
	}
	w.ChatType, w.Timestamp, w.Security = "", 0, ""
	if len(w.Unknown) > 0 || !reflect.ValueOf(&w.Payload).Elem().IsZero() {
		return keep(ev, w)
	}
	// Most have no more than an envelope left, which by hand costs a third.
	rest := writer{b: make([]byte, 0, 192), rest: true}
	rest.open()
	w.write(&rest)
	rest.close('}')
	if len(rest.b) > len("{}") {
		ev.Vendor = rest.b
	}
	return rest.err
}

// write appends the members that are not empty.
func (e *envelope) write(w *writer) {
	w.text("callId", e.CallID, false)
	w.text("eventType", e.EventType, false)
	w.number("timestamp", e.Timestamp, false)
	w.text("chat_type", e.ChatType, false)
	w.text("group_id", e.GroupID, false)
	w.text("from", e.From, false)
	w.text("to", e.To, false)
	w.text("msg_id", e.MsgID, false)
	w.text("securityVersion", e.SecurityVersion, false)
	w.text("security", e.Security, false)
	w.text("appkey", e.AppKey, false)
	w.text("host", e.Host, false)
	w.text("content_type", e.ContentType, false)
}
