package rongcloud

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

var errNoArray = errors.New("command takes one item per request")

// Encode says ev as one request.
func (d *Dialect) Encode(ev *event.Event, _ dialect.Target) ([]dialect.Request, error) {
	c := encoder(ev.Type)
	if c == nil || c.spec.Phase != ev.Phase {
		return nil, dialect.Untranslatable("%s %s", ev.Phase, ev.Type)
	}
	body, err := c.encode(ev)
	if err != nil {
		return nil, err
	}
	return []dialect.Request{{Path: c.spec.Path, ContentType: jsonType, Body: body}}, nil
}

// Batch joins the items of reqs into one array. Only commands whose body is an
// array can be joined; for another the error says so.
func (d *Dialect) Batch(reqs []dialect.Request) (dialect.Request, error) {
	if len(reqs) == 1 {
		return reqs[0], nil
	}
	if len(reqs) == 0 {
		return dialect.Request{}, errors.New("batching no requests")
	}
	if c := lookup(commandOf(reqs[0].Path)); c == nil || !c.array {
		return dialect.Request{}, fmt.Errorf("batching %s: %w", reqs[0].Path, errNoArray)
	}
	size := len("[]")
	for i := range reqs {
		size += len(reqs[i].Body) + 1
	}
	body := append(make([]byte, 0, size), '[')
	for i := range reqs {
		items := bytes.TrimSpace(reqs[i].Body)
		if len(items) > 1 && items[0] == '[' {
			items = bytes.TrimSpace(items[1 : len(items)-1])
		}
		if len(items) == 0 {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, items...)
	}
	first := reqs[0]
	return dialect.Request{
		Path: first.Path, Query: first.Query, ContentType: first.ContentType, Header: first.Header,
		Body: append(body, ']'),
	}, nil
}
