package dialect

import (
	"fmt"

	"github.com/imhook/imhook/event"
)

// RawRequest is the request that ev came in with, for exactly ev.
func RawRequest(ev *event.Event) Request {
	return Request{Path: ev.Raw.Path, Query: ev.Raw.Query, ContentType: ev.Raw.ContentType, Body: ev.Raw.Body}
}

// Restore reads the bodies of an event again from its Raw: the journal keeps
// envelope and wire form only. The envelope of ev wins over what is read. An event
// that is not bare has them already and is returned as it is.
func (r *Registry) Restore(ev *event.Event) (*event.Event, error) {
	if !ev.Bare() {
		return ev, nil
	}
	d, err := r.Get(ev.Raw.Dialect)
	if err != nil {
		return nil, err
	}
	req := RawRequest(ev)
	evs, err := d.Decode(&req)
	if err != nil {
		return nil, fmt.Errorf("reading event %s again: %w", ev.ID, err)
	}
	if len(evs) != 1 {
		return nil, fmt.Errorf("reading event %s again: got %d events, want 1", ev.ID, len(evs))
	}
	full := evs[0]
	full.ID, full.App, full.Source = ev.ID, ev.App, ev.Source
	full.Time, full.Lane, full.Echo, full.Trace = ev.Time, ev.Lane, ev.Echo, ev.Trace
	full.TraceState = ev.TraceState
	full.Repeat = ev.Repeat // whatever the wire says: it belongs to the delivery
	full.Raw = ev.Raw
	return full, nil
}
