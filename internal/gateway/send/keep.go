package send

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// headerCache is how a hook says that its verdict holds for further events:
// "max-age=60; by=actor,text". It is ours: no vendor has such a thing.
const headerCache = "Imhook-Cache"

// keep reads the header; what cannot be read keeps nothing, and neither does a word
// that is none of ours: what it was meant to narrow would hold for too much.
func keep(h http.Header) gateway.Keep {
	text := h.Get(headerCache)
	if text == "" {
		return gateway.Keep{}
	}
	var k gateway.Keep
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		default:
			return gateway.Keep{}
		case "":
		case "max-age":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return gateway.Keep{}
			}
			k.For = time.Duration(n) * time.Second
		case "by":
			for field := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
				if field = strings.TrimSpace(field); field != "" {
					k.By = append(k.By, field)
				}
			}
		}
	}
	return k
}
