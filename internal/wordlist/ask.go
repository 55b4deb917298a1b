package wordlist

import (
	"context"
	"fmt"
	"strings"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Ask answers at once: it looks for the list's words in what the event proposes. A
// word to be masked gives a rewrite with copies of the bodies that it was in; where a
// rewrite has no place for them, it is denied as a word to be denied is. Detail names
// the words. The event is not changed.
func (l *List) Ask(_ context.Context, q gateway.Question) gateway.Reply {
	reply := gateway.Reply{Verdict: event.Allowed(), Cause: gateway.CauseHook}
	if q.Event == nil {
		return reply
	}
	s := l.current.Load()
	seen := found{set: s}
	texts(q.Event, seen.look)
	before := len(seen.words)
	fixed(q.Event, seen.look)
	switch {
	case len(seen.words) == 0:
	case seen.deny || len(seen.words) > before:
		reply.Verdict = event.Verdict{Action: event.Deny, Code: l.cfg.Code, Reason: l.cfg.Reason}
		reply.Detail = "denied for " + seen.String()
	default:
		changes := changed(q.Event, func(text *string) { *text = s.masked(*text, l.cfg.Mask) })
		reply.Verdict = event.Verdict{Action: event.Rewrite, Changes: changes}
		reply.Detail = "masked " + seen.String()
	}
	return reply
}

// found are the words that hit.
type found struct {
	set *set
	// words are entries in the order in which they were found, each once for those
	// texts that can be rewritten and once for the others.
	words []int32
	deny  bool
}

// look looks at one text.
func (f *found) look(text *string) {
	var here map[int32]struct{}
	f.set.find(*text, func(i int32, _ []point, _, _ int) {
		if _, again := here[i]; again {
			return
		}
		if here == nil {
			here = map[int32]struct{}{}
		}
		here[i] = struct{}{}
		f.words = append(f.words, i)
		f.deny = f.deny || f.set.entries[i].deny
	})
}

// maxNamed bounds how many words are named.
const maxNamed = 5

// String names the words, each once, the first ones when there are many.
func (f *found) String() string {
	var b strings.Builder
	known := map[int32]struct{}{}
	for _, i := range f.words {
		if _, again := known[i]; again {
			continue
		}
		known[i] = struct{}{}
		switch n := len(known); {
		case n > maxNamed:
			continue
		case n > 1:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", f.set.entries[i].shown())
	}
	if more := len(known) - maxNamed; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
