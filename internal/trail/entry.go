package trail

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// Entry is one decision. Its JSON form is on disk and in the API: append only.
type Entry struct {
	// Event is what came in, without its wire form; bodies as far as there is room.
	Event *event.Event `json:"event"`
	// Links are all link keys of the event, the strongest first: its JSON form has
	// that one alone.
	Links []string `json:"links,omitzero"`
	// At is when the first byte came in, Took how long the answer took from then on,
	// in seconds.
	At   time.Time `json:"at"`
	Took float64   `json:"tookSeconds"`

	// Verdict is what was answered, Code and Reason what the sender was told, Refused
	// the members who were refused while others were not.
	Verdict event.Action    `json:"verdict"`
	Code    int             `json:"code,omitzero"`
	Reason  string          `json:"reason,omitzero"`
	Refused []event.Refusal `json:"refused,omitzero"`
	// By is the hook that decided, and Cause how: who denied, who rewrote last, or
	// who was asked last. Empty when nobody was asked.
	By    string        `json:"by,omitzero"`
	Cause gateway.Cause `json:"cause"`
	// Hooks are those that were asked, in their order, and then those in the shadow.
	Hooks []Part `json:"hooks,omitzero"`
	// Changes are what is different in what went out.
	Changes []Difference `json:"changes,omitzero"`
	// Cut is true when something had no room.
	Cut bool `json:"cut,omitzero"`
}

// Part is what one hook did about a decision.
type Part struct {
	Hook string `json:"hook"`
	// Verdict is the hook's own, or that of its policy where Cause is a failure;
	// Code, Reason and Refused go with it.
	Verdict event.Action    `json:"verdict"`
	Code    int             `json:"code,omitzero"`
	Reason  string          `json:"reason,omitzero"`
	Refused []event.Refusal `json:"refused,omitzero"`
	Cause   gateway.Cause   `json:"cause"`
	// Error is which failure it was, Detail one line about it, Status that of HTTP.
	Error  gateway.Reason `json:"error,omitzero"`
	Detail string         `json:"detail,omitzero"`
	Status int            `json:"status,omitzero"`
	// Took is in seconds.
	Took float64 `json:"tookSeconds"`
	// Shadow is true when it did not count.
	Shadow bool `json:"shadow,omitzero"`
	// Instead is what was made of a verdict that the source's command cannot carry,
	// and Why says which part of it that is.
	Instead event.Action `json:"instead,omitzero"`
	Why     string       `json:"why,omitzero"`
	// Changes are against what came in; empty for a hook whose changes are those of
	// the decision.
	Changes []Difference `json:"changes,omitzero"`
}

// Difference is one value that is not as it came in.
type Difference struct {
	// Path is where: "message.text".
	Path string `json:"path"`
	// Before and After are JSON; empty where there was or is nothing.
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// room is how much of an entry is kept: bytes of the event and of all differences
// together, bytes of a text, how many hooks and members.
type room struct{ event, changes, text, hooks, members int }

// maxEntry bounds an entry in bytes.
const maxEntry = 64 << 10

// rooms are tried one after the other until the entry fits. The last one always
// does.
var rooms = []room{
	{event: 20 << 10, changes: 16 << 10, text: 512, hooks: 32, members: 64},
	{event: 8 << 10, changes: 4 << 10, text: 256, hooks: 24, members: 16},
	{event: 4 << 10, changes: 1 << 10, text: 64, hooks: 8, members: 4},
}

// allowedEvent is the room for an event that was let through as it was.
const allowedEvent = 2 << 10

// appendEntry appends the JSON of a decision, at most maxEntry bytes.
func appendEntry(b []byte, d gateway.Decision) ([]byte, error) {
	begin := len(b)
	for _, r := range rooms {
		if d.Verdict.Action == event.Allow && len(d.Verdict.Refused) == 0 {
			r.event = min(r.event, allowedEvent)
		}
		var err error
		if b, err = r.append(b[:begin], d); err != nil || len(b)-begin <= maxEntry {
			return b, err
		}
	}
	return b, nil
}

// append writes a decision with this much room.
func (r room) append(b []byte, d gateway.Decision) ([]byte, error) {
	cut := cutter{text: r.text}
	e := Entry{
		Links: cut.all(d.Event.Links, r.members),
		At:    d.Begin.UTC(), Took: seconds(d.Took),
		Verdict: d.Verdict.Action, Code: d.Verdict.Code, Reason: cut.string(d.Verdict.Reason),
		Refused: cut.refused(d.Verdict.Refused, r.members), Cause: d.Cause,
	}
	if by := decider(d); by != nil {
		e.By, e.Cause = cut.string(by.Hook), by.Cause
	}
	e.Changes = cut.differences(d.Event, d.Verdict.Changes, r.changes/2)
	left := r.changes / 2
	several := rewriters(d) > 1
	for i, a := range d.Hooks {
		if i == r.hooks {
			cut.happened = true
			break
		}
		p := Part{
			Hook: cut.string(a.Hook), Verdict: a.Verdict.Action, Code: a.Verdict.Code, Reason: cut.string(a.Verdict.Reason),
			Refused: cut.refused(a.Verdict.Refused, r.members), Cause: a.Cause,
			Error: a.Reason, Detail: cut.string(a.Detail), Status: a.Status, Took: seconds(a.Took),
			Shadow: a.Shadow, Instead: a.Instead, Why: cut.string(a.Why),
		}
		if several || a.Shadow || a.Instead != "" {
			p.Changes = cut.differences(d.Event, a.Verdict.Changes, left)
			left -= sizeOf(p.Changes)
		}
		e.Hooks = append(e.Hooks, p)
	}
	b, err := cut.event(append(b, `{"event":`...), d.Event, r.event)
	if err != nil {
		return b, err
	}
	e.Cut = cut.happened
	return e.appendRest(b), nil
}

// decider is the hook that a decision is owed to; nil when nobody was asked.
func decider(d gateway.Decision) *gateway.Asked {
	var by *gateway.Asked
	for i := range d.Hooks {
		a := &d.Hooks[i]
		if a.Shadow || a.Cause == gateway.CauseCancelled {
			continue
		}
		switch v := a.Verdict; {
		case a.Instead == event.Deny, a.Instead == "" && (v.Action == event.Deny || v.Action == event.Drop):
			return a
		case d.Verdict.Action == event.Rewrite || len(d.Verdict.Refused) > 0:
			// Those that only let it through did not make it what it became.
			if by == nil || a.Instead == "" && (v.Action == event.Rewrite || len(v.Refused) > 0) {
				by = a
			}
		default:
			by = a
		}
	}
	return by
}

// rewriters counts the hooks that changed something.
func rewriters(d gateway.Decision) int {
	n := 0
	for _, a := range d.Hooks {
		if a.Verdict.Changes != nil && !a.Shadow {
			n++
		}
	}
	return n
}

// seconds is d in seconds, to the microsecond.
func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// Is reports whether the entry is about what id names: the event, one of its link
// keys, or its message.
func (e *Entry) Is(id string) bool {
	ev := e.Event
	return ev.ID == id || ev.Message != nil && (ev.Message.ID == id || ev.Message.ClientID == id) ||
		slices.ContainsFunc(e.Links, func(l string) bool { return l == id || afterColon(l) == id })
}

// About reports whether user did it, wrote it, or is concerned by it.
func (e *Entry) About(user string) bool {
	ev := e.Event
	if ev.Actor != nil && ev.Actor.ID == user || ev.Message != nil && ev.Message.Sender == user || ev.User != nil && ev.User.ID == user {
		return true
	}
	if slices.ContainsFunc(ev.Members, func(m event.Member) bool { return m.ID == user }) {
		return true
	}
	if ev.Conversation == nil {
		return false
	}
	a, b, ok := ev.Conversation.Users()
	return ok && (a == user || b == user)
}

// EntryOf is a decision as an entry, bounded as those that are kept.
func EntryOf(d gateway.Decision) (*Entry, error) {
	b, err := appendEntry(nil, d)
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse reads an entry as it is kept. The error wraps [chronicle.ErrPage].
func Parse(v jsontext.Value) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(v, &e, encoding); err != nil {
		return nil, fmt.Errorf("%w: %w", chronicle.ErrPage, err)
	}
	if e.Event == nil {
		return nil, fmt.Errorf("%w: an entry without its event", chronicle.ErrPage)
	}
	e.Event.Links = e.Links
	return &e, nil
}
