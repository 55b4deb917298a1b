package match

import (
	"sync"

	"cel.dev/cel-go/cel"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// variable is the name under which a condition has the event.
const variable = "event"

// subject is an event while conditions are asked about it: the variables of an
// evaluation. The event itself is shared and never changed; bodies that the
// journal did not keep are read again into a copy, once, when something asks for
// one. Not for concurrent use.
type subject struct {
	ev  *event.Event
	reg *dialect.Registry
	// full is ev, or the copy with its bodies; nil until something asked.
	full *event.Event
	// unread is why there are no bodies.
	unread error
}

var subjects = sync.Pool{New: func() any { return new(subject) }}

// newSubject returns a subject; free ends it.
func newSubject(ev *event.Event, reg *dialect.Registry) *subject {
	s := subjects.Get().(*subject)
	s.ev, s.reg = ev, reg
	return s
}

func (s *subject) free() {
	*s = subject{}
	subjects.Put(s)
}

// source is where a field is read: the envelope's are those of the event as it
// stands, bodies may have to be read again.
func (s *subject) source(body bool) *event.Event {
	if !body {
		return s.ev
	}
	if s.full == nil {
		s.full = s.ev
		if s.ev.Bare() && !s.ev.Raw.IsZero() {
			if full, err := s.reg.Restore(s.ev); err == nil {
				s.full = full
			} else {
				s.unread = err
			}
		}
	}
	return s.full
}

// ResolveName implements [cel.Activation].
func (s *subject) ResolveName(name string) (any, bool) {
	if name == variable {
		return s, true
	}
	return nil, false
}

// Parent implements [cel.Activation].
func (s *subject) Parent() cel.Activation { return nil }
