package history

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Event is one event as the history knows it.
type Event struct {
	ID    string
	Phase event.Phase
	// Pos is its position in the journal, for a before-event in the trail of decisions.
	Pos gateway.Pos
	// At is when it was kept, or came in to be decided about; Time is the vendor's.
	At, Time time.Time

	App, Source      string
	Type             event.Type
	Dialect, Command string
	Actor            string
	Lane             event.Lane
	// Message is its id where the event is about one, Link what joins all that is about
	// one message.
	Message, Link string
	// Verdict is what was decided about a before-event.
	Verdict event.Action
	// Picked are the endpoints of its app that get it, by the rules that were in force
	// when the history read it.
	Picked []string
}

// kind is what many events have in common.
type kind struct {
	Type             event.Type
	Phase            event.Phase
	App, Source      string
	Dialect, Command string
}

// stub is an event of the kind, for rules that look at nothing else.
func (k kind) stub() *event.Event {
	return &event.Event{App: k.App, Source: k.Source, Type: k.Type, Phase: k.Phase, Dialect: k.Dialect, Command: k.Command}
}

func (e *Event) kind() kind {
	return kind{Type: e.Type, Phase: e.Phase, App: e.App, Source: e.Source, Dialect: e.Dialect, Command: e.Command}
}

func (e *Event) place() place { return placeOf(e.Phase, e.Pos) }

// newEvent takes of ev what is kept. ev has its bodies.
func newEvent(ev *event.Event, phase event.Phase, pos gateway.Pos, at time.Time) Event {
	e := Event{
		ID: clean(ev.ID), Phase: phase, Pos: pos, At: at, Time: ev.Time, App: clean(ev.App), Source: clean(ev.Source),
		Type: event.Type(clean(string(ev.Type))), Dialect: clean(ev.Dialect), Command: clean(ev.Command), Lane: event.Lane(clean(string(ev.Lane))),
	}
	if ev.Actor != nil {
		e.Actor = clean(ev.Actor.ID)
	}
	if ev.Message != nil {
		e.Message = clean(ev.Message.ID)
		if e.Actor == "" {
			e.Actor = clean(ev.Message.Sender)
		}
	}
	if len(ev.Links) > 0 {
		e.Link = clean(ev.Links[0])
	}
	return e
}

// maxName bounds a name in a row, in bytes. It is found by the whole.
const maxName = 512

// clean makes a name of the wire one that every database takes: valid UTF-8 without
// NUL, and not too long. It copies: the text may be a part of a whole page.
func clean(s string) string {
	cut := len(s) > maxName
	if cut {
		s = s[:maxName]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 {
			s = s[:len(s)-1]
		}
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	}
	if cut {
		return s + "…"
	}
	return strings.Clone(s)
}

// maxPicked is how many endpoints of an event are kept.
const maxPicked = 64

// pickedOf are the names of the endpoints, of those given as app/name.
func pickedOf(ids []string) []string {
	if len(ids) == 0 {
		return nil
	}
	names := make([]string, 0, min(len(ids), maxPicked))
	for _, id := range ids[:min(len(ids), maxPicked)] {
		_, name, _ := strings.Cut(id, "/")
		names = append(names, name)
	}
	return names
}

func joinNames(names []string) string { return strings.Join(names, "\n") }

func splitNames(s string) []string {
	if s == "" {
		return nil
	}
	return slices.Clip(strings.Split(s, "\n"))
}

// moment is a time in a row: Unix milliseconds, 0 for none.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMoment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
