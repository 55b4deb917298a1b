package history

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/suggest"
)

// Query says which events are wanted. Its zero value, with a Limit, wants all. What is
// empty does not narrow.
type Query struct {
	// Words are names of anything: an event, a message, a user, a conversation, a group.
	// Each must be one of them.
	Words []string
	// ID is an event's, a message's, or a link key.
	ID   string
	User string
	// Conversation is a lane, group:g1; Group is a group's id.
	Conversation event.Lane
	Group        string
	App, Source  string
	Phase        event.Phase
	// Type is a pattern of types, or of a vendor's commands.
	Type string
	// Since and Until bound when it was kept.
	Since, Until time.Time
	Outcome      Outcome
	// Endpoint (app/name) is one whose rule picked it; with Outcome, it is its outcome.
	Endpoint string
	Limit    int
	// After is where an answer before ended.
	After Cursor
}

// keys are the names that a text of [Parse] may use.
var keys = []string{"id", "user", "conversation", "group", "type", "app", "source", "phase", "outcome", "endpoint", "since", "until"}

// maxText bounds the text of a question, in bytes.
const maxText = 4 << 10

// Parse reads a question as people write it, and adds it to q:
//
//	334455667788                         anything of that name
//	user:alice outcome:parked            both
//	type:group.** since:2h -> …          named parts: id, user, conversation, group, type,
//	                                     app, source, phase, outcome, endpoint, since, until
//	"a name with spaces" user:"bob b"    quotes hold a name together, \" is a quote in one
//
// A name before a colon that is none of these is a part of a name: group:g1 is the group,
// message:42 a link key. Moments are RFC 3339, or how long before now.
func (q *Query) Parse(text string, now time.Time) error {
	if len(text) > maxText {
		return fmt.Errorf("a question has up to %d bytes", maxText)
	}
	words, err := split(text)
	if err != nil {
		return err
	}
	for _, w := range words {
		if err := q.set(w, now); err != nil {
			return err
		}
	}
	return nil
}

// word is one part of a question: its key, empty where it has none, and its value.
type word struct{ key, value string }

// split cuts a question at its spaces.
func split(text string) (all []word, err error) {
	var b strings.Builder
	var w word
	in, quoted, some := false, false, false
	end := func() {
		if some || w.key != "" {
			w.value = b.String()
			all = append(all, w)
		}
		b.Reset()
		w, some, quoted = word{}, false, false
	}
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= 0x80 {
			for _, r = range text[i:] {
				break
			}
			n = len(string(r))
			if r == unicode.ReplacementChar && !strings.HasPrefix(text[i:], string(r)) {
				return nil, errors.New("the question is not valid UTF-8")
			}
		}
		switch {
		case r == '\\' && in && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			b.WriteByte(text[i+1])
			n, some = 2, true
		case r == '"':
			in, quoted, some = !in, true, true
		case in:
			b.WriteString(text[i : i+n])
		case unicode.IsSpace(r):
			end()
		case r == ':' && w.key == "" && !quoted && slices.Contains(keys, b.String()):
			w.key = b.String()
			b.Reset()
			some = false
		default:
			b.WriteString(text[i : i+n])
			some = true
		}
		i += n
	}
	if in {
		return nil, errors.New(`a quote is not closed; write \" for one in a name`)
	}
	end()
	return all, nil
}

// set adds one part.
func (q *Query) set(w word, now time.Time) error {
	if w.value == "" {
		if w.key == "" {
			return errors.New(`"" names nothing`)
		}
		return fmt.Errorf("%s: has no value", w.key)
	}
	once := func(to *string) error {
		if *to != "" && *to != w.value {
			return fmt.Errorf("%s is there twice, as %q and %q; an event has one", w.key, *to, w.value)
		}
		*to = w.value
		return nil
	}
	switch w.key {
	case "id":
		return once(&q.ID)
	case "user":
		return once(&q.User)
	case "conversation":
		return once((*string)(&q.Conversation))
	case "group":
		return once(&q.Group)
	case "type":
		return once(&q.Type)
	case "app":
		return once(&q.App)
	case "source":
		return once(&q.Source)
	case "phase":
		return once((*string)(&q.Phase))
	case "outcome":
		return once((*string)(&q.Outcome))
	case "endpoint":
		return once(&q.Endpoint)
	case "since", "until":
		at, err := parseMoment(w.key, w.value, now)
		if err != nil {
			return err
		}
		if w.key == "since" {
			q.Since = at
		} else {
			q.Until = at
		}
		return nil
	}
	if len(q.Words) >= maxWords {
		return fmt.Errorf("a question has up to %d names", maxWords)
	}
	q.Words = append(q.Words, w.value)
	return nil
}

// maxWords bounds the names of a question that have no key.
const maxWords = 8

func parseMoment(key, s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s is %q; write 2026-11-20T08:00:00Z or how long ago, 1h", key, s)
}

// Check says what is wrong with a question, in words for who asked.
func (q *Query) Check() error {
	switch {
	case q.Limit < 1 || q.Limit > MaxLimit:
		return fmt.Errorf("limit is %d; write 1 to %d", q.Limit, MaxLimit)
	case q.Phase != "" && q.Phase != event.Before && q.Phase != event.After:
		return fmt.Errorf("phase is %q; write before or after", string(q.Phase))
	case q.Outcome != "" && !slices.Contains(Outcomes(), q.Outcome):
		var names []string
		for _, o := range Outcomes() {
			names = append(names, string(o))
		}
		return fmt.Errorf("outcome is %q%s; write one of %s", string(q.Outcome), suggest.DidYouMean(string(q.Outcome), names), strings.Join(names, ", "))
	case q.Endpoint != "" && !strings.Contains(q.Endpoint, "/"):
		return fmt.Errorf("endpoint is %q; write app/name", q.Endpoint)
	case !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since):
		return errors.New("until is before since: no event is in between")
	}
	return nil
}

// MaxLimit bounds how many events one answer has.
const MaxLimit = 1000

// Cursor is where the next answer goes on: what is before these places. Its zero value
// is the newest.
type Cursor struct{ after, before place }

// IsZero reports whether it is the newest.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String writes it for [ParseCursor].
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	return strconv.FormatInt(int64(c.after), 36) + "." + strconv.FormatInt(int64(c.before-decided), 36)
}

// ParseCursor reads a cursor; empty is the newest.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	a, b, ok := strings.Cut(s, ".")
	after, err1 := strconv.ParseInt(a, 36, 64)
	before, err2 := strconv.ParseInt(b, 36, 64)
	c := Cursor{after: place(after), before: decided + place(before)}
	if !ok || err1 != nil || err2 != nil || after < 0 || before < 0 || c.before.phase() != event.Before {
		return Cursor{}, fmt.Errorf("after is %q; it is next of an earlier answer", s)
	}
	return c, nil
}

// of is the end of a phase, exclusive.
func (c Cursor) of(phase event.Phase) place {
	switch {
	case c.IsZero() && phase == event.Before:
		return 0
	case c.IsZero():
		return 1<<63 - 1
	case phase == event.Before:
		return c.before
	}
	return c.after
}
