package decide

import (
	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
)

// What a refused member takes beside its texts.
const refusalWeight = 48

// weigh is about how many bytes a verdict takes.
func weigh(v event.Verdict) int {
	n := len(v.Reason)
	for _, r := range v.Refused {
		n += refusalWeight + len(r.ID) + len(r.Reason)
	}
	if v.Changes == nil {
		return n
	}
	wire, err := json.Marshal(v.Changes)
	if err != nil {
		return againRoom + 1 // what cannot be told is not kept
	}
	return n + len(wire)
}
