package wildfirechat

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

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
