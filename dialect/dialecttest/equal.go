package dialecttest

import (
	"reflect"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/event"
)

// diff is empty when the two are equal, else what differs. Most are equal, and
// looking for differences costs much more than looking whether there are any.
func diff[T any](want, got T) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// diffEvents compares two events but for Raw, and Vendor by what it means.
func diffEvents(want, got *event.Event) string {
	return diff(bare(want), bare(got))
}

// diffTranslated compares what an event says, leaving out what is of one arrival
// only: id, app, source and what tells a retry.
func diffTranslated(want, got *event.Event) string {
	w, g := bare(want), bare(got)
	for _, ev := range []*event.Event{&w, &g} {
		ev.ID, ev.App, ev.Source, ev.Dedupe = "", "", "", ""
	}
	return diff(w, g)
}

func bare(ev *event.Event) event.Event {
	c := *ev
	c.Raw = event.Raw{}
	c.Vendor = ordered(ev.Vendor)
	return c
}

// ordered brings the members of objects into one order and keeps numbers as they
// are written.
func ordered(v jsontext.Value) jsontext.Value {
	out, err := jsontext.AppendFormat(nil, v, jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false))
	if len(v) == 0 || err != nil {
		return v
	}
	return out
}
