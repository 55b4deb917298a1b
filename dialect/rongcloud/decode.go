package rongcloud

import (
	"bytes"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

const (
	jsonType = "application/json"
	textType = "text/plain; charset=utf-8"
)

// Decode reads one request. The command is the path; a path that is not read
// (yet) gives one event of type vendor.unknown.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	raw := event.Raw{Dialect: Name, Path: req.Path, Query: unsigned(req.Query), ContentType: req.ContentType}
	name := commandOf(req.Path)
	if c := lookup(name); c != nil {
		return c.decode(req.Body, raw)
	}
	raw.Body = bytes.Clone(req.Body)
	ev := unknown(name, raw)
	if reserved[name] {
		ev.Dedupe = event.DeriveID(string(req.Body))
	}
	return []*event.Event{ev}, nil
}

// unknown is the event for what cannot be read.
func unknown(command string, raw event.Raw) *event.Event {
	return &event.Event{
		Type: event.VendorUnknown, Phase: event.After, Dialect: Name, Command: command,
		Lane: event.NewLane(event.KindSystem, ""), Raw: raw,
	}
}
