package cloudevents

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// usualSize is what most events take beside their text.
const usualSize = 1 << 10

// Encode says ev in structured mode; every event can be said. An event without an
// id gets a new one, since the form has no place for none. An event of no known
// type carries what came in, as data.vendor.
func (d *Dialect) Encode(ev *event.Event, _ dialect.Target) ([]dialect.Request, error) {
	if ev.ID == "" || ev.Type == event.VendorUnknown && len(ev.Vendor) == 0 && len(ev.Raw.Body) > 0 {
		c := *ev
		if c.ID == "" {
			c.ID = event.NewID()
		}
		if c.Type == event.VendorUnknown && len(c.Vendor) == 0 {
			c.Vendor = verbatim(c.Raw.Body)
		}
		ev = &c
	}
	size := usualSize
	if m := ev.Message; m != nil {
		size += len(m.Text)
	}
	body, err := ev.AppendJSON(make([]byte, 0, size), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return []dialect.Request{{ContentType: singleType, Body: body}}, nil
}

// Batch joins events into one array.
func (d *Dialect) Batch(reqs []dialect.Request) (dialect.Request, error) {
	if len(reqs) == 0 {
		return dialect.Request{}, errors.New("a batch of nothing")
	}
	size := 2
	for i := range reqs {
		size += len(reqs[i].Body) + 1
	}
	joined := dialect.Request{
		ID: reqs[0].ID, Path: reqs[0].Path, Query: reqs[0].Query, ContentType: batchType,
		Body: append(make([]byte, 0, size), '['),
	}
	for i := range reqs {
		item := bytes.TrimSpace(reqs[i].Body)
		if n := len(item); n > 1 && item[0] == '[' { // an item that is kept in a batch of its own
			item = bytes.TrimSpace(item[1 : n-1])
		}
		if len(item) == 0 {
			return dialect.Request{}, fmt.Errorf("request %d of the batch is empty", i)
		}
		if i > 0 {
			joined.Body = append(joined.Body, ',')
		}
		joined.Body = append(joined.Body, item...)
	}
	joined.Body = append(joined.Body, ']')
	return joined, nil
}
