package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// write says an event as the gateway reads it. An ID and a Time that are missing
// are put in, in a copy.
func (c *Client) write(given *event.Event, phase event.Phase) ([]byte, error) {
	if given == nil {
		return nil, errors.New("event is nil")
	}
	ev := *given
	if ev.Type == "" {
		return nil, errors.New("type is missing: the constants of package event name all")
	}
	entry, ok := event.Lookup(ev.Type)
	if !ok {
		return nil, fmt.Errorf("type %q is not in the catalogue: the constants of package event name all; what none of them says goes as vendor.unknown, in Vendor", ev.Type)
	}
	if ev.Phase == "" {
		ev.Phase = phase
	}
	switch {
	case ev.Phase == event.Before && phase == event.After:
		return nil, errors.New("phase is before: use Decide")
	case ev.Phase == event.After && phase == event.Before:
		return nil, errors.New("phase is after: use Tell")
	case !entry.In(phase):
		return nil, fmt.Errorf("%s is never %s", ev.Type, phase)
	}
	if err := complete(&ev); err != nil {
		return nil, err
	}
	name(&ev)
	if ev.App == "" && ev.Source == "" {
		ev.Source = c.source
	}
	reqs, err := c.dialect.Encode(&ev, dialect.Target{})
	if err != nil {
		return nil, err
	}
	item := reqs[0].Body
	if int64(len(item)) > c.cfg.MaxEventBytes {
		return nil, fmt.Errorf("it is %d bytes long, more than MaxEventBytes, %d", len(item), c.cfg.MaxEventBytes)
	}
	// The gateway reads the same bytes with the same code.
	got, err := c.read(item)
	if err != nil {
		return nil, err
	}
	if got.Type != ev.Type {
		return nil, fmt.Errorf("the gateway would read it as %s", got.Type)
	}
	return item, placed(got)
}

// name puts in an ID and a Time where they are missing.
func name(ev *event.Event) {
	if ev.ID == "" {
		ev.ID = event.NewID()
	}
	if ev.Time.IsZero() {
		ev.Time = time.Now().UTC().Truncate(time.Millisecond)
	}
}

// read reads an event that was written.
func (c *Client) read(item []byte) (*event.Event, error) {
	evs, err := c.dialect.Decode(&dialect.Request{ContentType: eventType, Body: item})
	if de, ok := errors.AsType[*dialect.DecodeError](err); ok && de.Field != "" {
		return nil, fmt.Errorf("%s: %w", de.Field, de.Err)
	}
	if err != nil {
		return nil, err
	}
	return evs[0], nil
}

// complete looks for what a type cannot do without.
func complete(ev *event.Event) error {
	switch ev.Type {
	case event.MessageSend, event.MessageEdit, event.MessageModify, event.BotMessageSend:
		if ev.Message == nil {
			return errors.New("message is missing")
		}
	}
	return nil
}

// placed looks for the conversation of what happens in one: without it the event
// has no place in any order.
func placed(ev *event.Event) error {
	if c := ev.Conversation; c != nil && c.ID != "" {
		if _, _, ok := c.Users(); c.Kind == event.KindDirect && !ok {
			return fmt.Errorf("conversation: a direct one is named by its two users, got %q: use event.Direct", c.ID)
		}
		return nil
	}
	word, _, _ := strings.Cut(strings.TrimPrefix(string(ev.Type), "bot."), ".")
	switch {
	case word == "message":
		return errors.New("conversation is missing: a message is in one, and its events are in order there")
	case word == "group":
		return errors.New("conversation is missing: say which group")
	case word == "chatroom" && ev.Type.Family() != "chatroom.super":
		return errors.New("conversation is missing: say which chatroom")
	}
	return nil
}
