package easemob

import (
	"bytes"
	"strings"

	"github.com/imhook/imhook/dialect"
)

var (
	groupOpWord = []byte(`"` + groupOpEvent + `"`)
	mucWord     = []byte(`"` + muc + `"`)
	reasonWord  = []byte(`"reason"`)
	chatWord    = []byte(`"chat_type"`)
)

// guess reads a body of the families that come most often besides messages at once
// into their own struct, which saves the reading that tells what a body is. It is
// right only when nothing contradicts it: every key of the body belongs to the
// family and those that tell families apart are the family's, so that
// [message.command] would say the same. Nil means that it must be asked.
//
// text is body once more.
func guess(path string, body []byte, text string) (name string, ms int64, wire any) {
	if path != "" && strings.Trim(path, "/") == preSend {
		return "", 0, nil
	}
	switch {
	case bytes.Contains(body, groupOpWord):
		w := new(groupOp)
		if !quickGroupOp(text, w) && dialect.Unmarshal(Name, "", body, w) != nil {
			return "", 0, nil
		}
		if w.Event != groupOpEvent || len(w.Unknown) > 0 || late(w.Timestamp) {
			return "", 0, nil
		}
		name = groupOpPrefix + w.Operation
		if w.Payload != nil && w.Payload.Type != "" {
			name = groupOpPrefix + w.Operation + "/" + w.Payload.Type
		}
		return name, w.Timestamp, w
	case bytes.Contains(body, mucWord):
		w := new(report[mucPayload])
		if dialect.Unmarshal(Name, "", body, w) != nil || w.ChatType != muc || (w.EventType != "" && w.EventType != typeChat) ||
			len(w.Unknown) > 0 || late(w.Timestamp) {
			return "", 0, nil
		}
		return muc + ":" + w.Payload.Operation, w.Timestamp, w
	case bytes.Contains(body, reasonWord) && !bytes.Contains(body, chatWord):
		w := new(userStatus)
		if dialect.Unmarshal(Name, "", body, w) != nil || (w.Status != statusOnline && w.Status != statusOffline) ||
			w.Reason == "" || len(w.Unknown) > 0 || late(w.Timestamp) {
			return "", 0, nil
		}
		return "userStatus:" + w.Reason, w.Timestamp, w
	}
	return "", 0, nil
}

func late(ms int64) bool { return ms < 0 || ms > lastMilli }

// read gives a decoder its wire struct: the one that was guessed, else the body
// parsed.
func read[T any](in *input) (*T, error) {
	if w, ok := in.wire.(*T); ok {
		return w, nil
	}
	w := new(T)
	return w, parse(in.command.spec.Name, in.body, w)
}
