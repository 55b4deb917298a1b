package wildfirechat

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// idText is a message id as the event has it; 0 means that there is none.
func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// linkPrefix stands before a message id in a link.
const linkPrefix = "msg:"

// linkText is the link of a message; its tail is the id as the event has it. Both
// are empty for 0.
func linkText(id int64) (link, text string) {
	if id == 0 {
		return "", ""
	}
	var room [len(linkPrefix) + 20]byte
	link = string(strconv.AppendInt(append(room[:0], linkPrefix...), id, 10))
	return link, link[len(linkPrefix):]
}

// idNumber is the wire's number for an id. A foreign one that is no number
// becomes a hash of 63 bits, the same on every attempt; false says so.
func idNumber(id string) (n int64, exact bool) {
	if id == "" {
		return 0, true
	}
	// "+7" and "007" are other ids than "7".
	if digits := strings.TrimPrefix(id, "-"); digits != "" && digits[0] >= '1' && digits[0] <= '9' {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n, true
		}
	}
	key := event.Hash(id)
	n = int64(binary.BigEndian.Uint64(key[:8]) & math.MaxInt64)
	return max(n, 1), false
}

// noteOrigin puts what the wire cannot say into the payload's extra: the original
// message id and content kind. An extra of the application's own stays beside it,
// as it was if it is a JSON object. Decode never takes it back out: extra is
// written by clients, who could give their message another's id with it.
func noteOrigin(extra, id string, kind event.ContentKind) string {
	note := struct {
		ID    string `json:"imhookMessageId,omitzero"`
		Kind  string `json:"imhookKind,omitzero"`
		Extra string `json:"extra,omitzero"`
	}{ID: id, Kind: string(kind)}

	object := strings.TrimSpace(extra)
	inside := strings.HasPrefix(object, "{") && jsontext.Value(object).IsValid()
	if !inside {
		note.Extra = extra
	}
	b, err := json.Marshal(note, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return extra
	}
	if !inside {
		return string(b)
	}
	tail := strings.TrimSpace(object[1:])
	if tail == "}" {
		return string(b)
	}
	joined := string(b[:len(b)-1]) + "," + tail
	if !jsontext.Value(joined).IsValid() {
		return extra // the application uses the same keys
	}
	return joined
}
