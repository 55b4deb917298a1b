package history

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/imhook/imhook/event"
)

// term is something that events are found by: the hash of a kind of name and the name.
// It is a cryptographic one, because the names are up to strangers.
type term int64

// Kinds of names. They are hashed and on disk: append only.
const (
	byID           = 'i' // event, message, and what links events of one message
	byUser         = 'u'
	byConversation = 'c' // as its lane is written: group:g1
	byKind         = 'k' // number of a kind in its segment
	byEndpoint     = 'e' // app/name of an endpoint whose rule picked the event
	byOutcome      = 'o'
)

func newTerm(kind byte, name string) term {
	var short [128]byte
	b := append(append(short[:0], kind), name...)
	sum := sha256.Sum256(b)
	return term(binary.LittleEndian.Uint64(sum[:8]))
}

func kindTerm(kind int64) term { return newTerm(byKind, strconv.FormatInt(kind, 10)) }

// maxPeople is by how many users one event can be found, and by how many messages. An
// event that makes a group of ten thousand is found by the first of them.
const maxPeople = 1000

// terms are what an event is found by, but for its kind; each once. ev has its bodies.
func terms(ev *event.Event, picked []string, outcome string) []term {
	all := make([]term, 0, 12)
	add := func(kind byte, name string) {
		if name != "" {
			all = append(all, newTerm(kind, name))
		}
	}
	add(byID, ev.ID)
	for _, id := range messagesOf(ev) {
		add(byID, id)
	}
	for _, id := range peopleOf(ev) {
		add(byUser, id)
	}
	add(byConversation, string(ev.Lane))
	if ev.Conversation != nil && ev.Conversation.Lane() != ev.Lane {
		add(byConversation, string(ev.Conversation.Lane()))
	}
	if ev.Group != nil && ev.Group.ID != "" && ev.Lane != event.NewLane(event.KindGroup, ev.Group.ID) {
		add(byConversation, string(event.NewLane(event.KindGroup, ev.Group.ID)))
	}
	for _, name := range picked {
		add(byEndpoint, ev.App+"/"+name)
	}
	add(byOutcome, outcome)
	slices.Sort(all)
	return slices.Compact(all)
}

// messagesOf are the ids of the messages that an event is about.
func messagesOf(ev *event.Event) []string {
	var all []string
	if m := ev.Message; m != nil {
		all = append(all, m.ID, m.ClientID, m.Edits)
	}
	for _, l := range ev.Links {
		all = append(all, linked(l))
	}
	if r := ev.Receipt; r != nil {
		all = append(all, r.Messages...)
	}
	if r := ev.Reaction; r != nil {
		all = append(all, r.Message)
	}
	return all[:min(len(all), maxPeople)]
}

// linked is the id in a link key: "message:42" is about 42.
func linked(link string) string {
	if _, id, ok := strings.Cut(link, ":"); ok && id != "" {
		return id
	}
	return link
}

// peopleOf are the users whom an event concerns: who did it, who wrote it, to whom it
// was done, and the two of a direct conversation.
func peopleOf(ev *event.Event) []string {
	var all []string
	if ev.Actor != nil {
		all = append(all, ev.Actor.ID)
	}
	if ev.Message != nil {
		all = append(all, ev.Message.Sender)
	}
	if ev.User != nil {
		all = append(all, ev.User.ID)
	}
	if ev.Friend != nil {
		all = append(all, ev.Friend.Owner)
	}
	c := event.Conversation{Kind: ev.Lane.Kind(), ID: ev.Lane.ID()}
	if ev.Conversation != nil {
		c = *ev.Conversation
	}
	if a, b, ok := c.Users(); ok {
		all = append(all, a, b)
	}
	if c.Kind == event.KindUser {
		all = append(all, c.ID)
	}
	for _, m := range ev.Members {
		all = append(all, m.ID)
	}
	return all[:min(len(all), maxPeople)]
}

// appendTerms writes terms as they are kept with an event whose chunk is open.
func appendTerms(b []byte, all []term) []byte {
	for _, t := range all {
		b = binary.LittleEndian.AppendUint64(b, uint64(t))
	}
	return b
}

// parseTerms is the inverse of appendTerms.
func parseTerms(b []byte) []term {
	all := make([]term, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		all = append(all, term(binary.LittleEndian.Uint64(b)))
	}
	return all
}
