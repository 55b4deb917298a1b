package rongcloud

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback in both directions. Adding one is a file with these
// functions and a line in commands.
type command struct {
	spec dialect.Command
	// decode reads the events of a body. raw is the wire form without its body,
	// to be copied into each event.
	decode func(body []byte, raw event.Raw) ([]*event.Event, error)
	// encode writes the body for an event of one of the command's types.
	encode func(ev *event.Event) ([]byte, error)
	// sample draws the body of what the vendor would send.
	sample func(r *rand.Rand, now time.Time) ([]byte, error)
	// lossy are the types that the command says as another one of its own.
	lossy []event.Type
	// array says that bodies may be joined into one.
	array bool
}

// commands are those that have a canonical meaning, in the order of the vendor's
// pages.
var commands = [...]command{chatroomStatus}

// reserved are the paths of callbacks that are known but not read yet: their
// bodies are kept as vendor.unknown and go through as they are. Each of them
// carries a time or a message id, so that equal bodies are the vendor's retry.
var reserved = map[string]bool{
	"chatroom_kv":       true,
	"online_status":     true,
	"message_sync":      true,
	"message_callback":  true,
	"message_operation": true,
	"audit_result":      true,
	"user_deactivation": true,
	"group_operation":   true,
	"group_profile":     true,
	"user_profile":      true,
	"friend_relation":   true,
	"bot":               true,
}

func lookup(name string) *command {
	for i := range commands {
		if commands[i].spec.Name == name {
			return &commands[i]
		}
	}
	return nil
}

// encoder finds the command that says events of type t, nil when there is none.
func encoder(t event.Type) *command {
	for i := range commands {
		c := &commands[i]
		if slices.Contains(c.spec.Types, t) || slices.Contains(c.lossy, t) {
			return c
		}
	}
	return nil
}
