package trail

import (
	"bytes"
	"maps"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// differences says what changes do to ev, in at most n bytes. What changes do not
// mention is as it was: a hook that rewrites a text seldom repeats the rest.
func (c *cutter) differences(ev *event.Event, changes *event.Changes, n int) []Difference {
	if changes == nil {
		return nil
	}
	if n < leastShare {
		c.happened = true
		return nil
	}
	var push *event.Push
	if ev.Message != nil {
		push = ev.Message.Push
	}
	var all []Difference
	for _, body := range []struct {
		name          string
		before, after any
		changed       bool
	}{
		{"message", ev.Message, changes.Message, changes.Message != nil},
		{"group", ev.Group, changes.Group, changes.Group != nil},
		{"user", ev.User, changes.User, changes.User != nil},
		{"friend", ev.Friend, changes.Friend, changes.Friend != nil},
		{"message.push", push, changes.Push, changes.Push != nil},
		{"vendor", ev.Vendor, changes.Vendor, len(changes.Vendor) > 0},
	} {
		if body.changed {
			all = append(all, differ(body.name, tree(body.before), tree(body.after))...)
		}
	}
	return c.fit(all, n)
}

// fit makes differences fit into n bytes: each has its share, and what is short
// leaves its own to the others.
func (c *cutter) fit(all []Difference, n int) []Difference {
	if most := n / leastShare; len(all) > most {
		c.happened = true
		all = all[:most]
	}
	for i := range all {
		d := &all[i]
		share := n / (len(all) - i)
		d.Path = c.string(d.Path)
		each := (share - len(d.Path)) / 2
		short := min(len(d.Before), each)
		d.After = c.value(d.After, share-len(d.Path)-short)
		d.Before = c.value(d.Before, share-len(d.Path)-len(d.After))
		n -= len(d.Path) + len(d.Before) + len(d.After)
	}
	return all
}

// leastShare is how many bytes a difference must have to say something.
const leastShare = 200

func sizeOf(all []Difference) int {
	n := 0
	for _, d := range all {
		n += len(d.Path) + len(d.Before) + len(d.After)
	}
	return n
}

// tree is v as plain JSON values; nil when there is nothing.
func tree(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() || r.Kind() == reflect.Slice && r.Len() == 0 {
		return nil
	}
	b, err := json.Marshal(v, encoding)
	if err != nil {
		return nil
	}
	var t any
	if json.Unmarshal(b, &t, encoding) != nil {
		return nil
	}
	return t
}

// differ lists what after says that before does not, in the order of names.
// Objects are looked into, everything else is compared whole.
func differ(path string, before, after any) []Difference {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	b, isObject := before.(map[string]any)
	a, wasObject := after.(map[string]any)
	if before == nil && wasObject {
		b, isObject = map[string]any{}, true
	}
	if !isObject || !wasObject || len(a) == 0 {
		return []Difference{{Path: path, Before: value(before), After: value(after)}}
	}
	var all []Difference
	for _, k := range slices.Sorted(maps.Keys(a)) {
		all = append(all, differ(path+"."+k, b[k], a[k])...)
	}
	return all
}

// value is the JSON of a plain value; nil for nothing.
func value(v any) jsontext.Value {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v, encoding, json.Deterministic(true))
	if err != nil || bytes.Equal(b, []byte("null")) {
		return nil
	}
	return b
}
