package sample

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/suggest"
)

// Sequence is a story of several callbacks about the same people: what one of them
// names the next ones speak of.
type Sequence struct {
	Name string
	// Line says in one line what happens.
	Line string
	tell func(s *story)
}

// Sequences returns all stories. They are told in canonical events and said by a
// dialect, so every dialect has them, but for the steps that it cannot express.
func Sequences() []Sequence {
	return []Sequence{
		{"login", "a user comes online, writes to a friend, recalls one message and goes offline", login},
		{"group", "a group's life: made, joined, talked in, somebody muted, promoted and removed, handed over, dissolved", group},
		{"chatroom", "a chatroom's life: made, entered, talked in, somebody kicked, left, closed", chatroom},
		{"conference", "a conference's life: opened, joined, media published, left, closed", conference},
	}
}

// Step is one callback of a sequence, or what could not be one.
type Step struct {
	Type event.Type
	// Request is signed where the wish has a secret; see [ErrUnsigned].
	Request dialect.Request
	// Missing says why the dialect cannot express the step; then there is no
	// request.
	Missing string
}

// Play tells the sequence w.Command in a dialect. Edits are not applied: the steps
// have different bodies. When the steps could not be signed for want of a secret
// the error wraps [ErrUnsigned] and the steps are there all the same.
func Play(d dialect.Dialect, w Wish) ([]Step, error) {
	var names []string
	for _, q := range Sequences() {
		names = append(names, q.Name)
		if q.Name != w.Command {
			continue
		}
		s := &story{r: rand.New(rand.NewPCG(w.Seed, 0x73746f7279)), now: w.Now.UTC().Truncate(time.Millisecond)}
		q.tell(s)
		return say(d, w, s.events)
	}
	hint := suggest.DidYouMean(w.Command, names)
	if hint == "" {
		hint = "; there are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("there is no sequence %q%s", w.Command, hint)
}

// say encodes and signs the events.
func say(d dialect.Dialect, w Wish, evs []*event.Event) (steps []Step, unsigned error) {
	for i, ev := range evs {
		ev.ID = event.DeriveID("sequence", w.Command, strconv.FormatUint(w.Seed, 16), strconv.Itoa(i))
		reqs, err := d.Encode(ev, dialect.Target{Credentials: w.Credentials, Now: w.Now})
		if errors.Is(err, dialect.ErrUntranslatable) {
			_, why, _ := strings.Cut(err.Error(), dialect.ErrUntranslatable.Error()+": ")
			steps = append(steps, Step{Type: ev.Type, Missing: why})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("saying %s: %w", ev.Type, err)
		}
		for _, req := range reqs {
			id := req.ID
			if id == "" {
				id = ev.ID
			}
			switch err := d.Sign(&req, w.Credentials, id, w.Now); {
			case err == nil:
			case errors.Is(err, dialect.ErrNoSecret):
				unsigned = fmt.Errorf("%w: %w", ErrUnsigned, err)
			default:
				return nil, fmt.Errorf("signing %s: %w", ev.Type, err)
			}
			steps = append(steps, Step{Type: ev.Type, Request: req})
		}
	}
	return steps, unsigned
}

// story draws people and places, and notes what happens a moment apart.
type story struct {
	r      *rand.Rand
	now    time.Time
	events []*event.Event
}

// apart is how long after a step the next one happens.
const apart = 100 * time.Millisecond

func (s *story) user() string { return "user" + strconv.Itoa(1000+s.r.IntN(9000)) }

func (s *story) number(prefix string) string { return prefix + strconv.Itoa(100000+s.r.IntN(900000)) }

// happen notes an event, done by actor.
func (s *story) happen(t event.Type, actor string, ev event.Event) {
	ev.App, ev.Source, ev.Dialect, ev.Command = "sample", "sample", "cloudevents", string(t)
	ev.Type, ev.Phase = t, event.After
	ev.Time = s.now.Add(time.Duration(len(s.events)) * apart)
	ev.Actor = &event.Actor{ID: actor}
	switch {
	case ev.Lane != "":
	case ev.Conversation != nil:
		ev.Lane = ev.Conversation.Lane()
	default:
		ev.Lane = event.NewLane(event.KindUser, actor)
	}
	s.events = append(s.events, &ev)
}

// write notes a message and returns its id.
func (s *story) write(where event.Conversation, sender, text string) string {
	id := strconv.FormatInt(1<<60+s.r.Int64N(1<<59), 10)
	s.happen(event.MessageSend, sender, event.Event{
		Conversation: &where, Links: []string{"msg:" + id},
		Message: &event.Message{ID: id, Kind: event.Text, Text: text, Sender: sender},
	})
	return id
}
