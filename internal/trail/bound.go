package trail

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// What the world writes is kept although it is not clean: with invalid UTF-8
// replaced, with names that stand twice.
var encoding = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// cutter makes things fit and remembers whether something had to go.
type cutter struct {
	// text bounds a text, in bytes.
	text     int
	happened bool
}

// ellipsis ends what was cut.
const ellipsis = "…"

func (c *cutter) string(s string) string { return c.shorten(s, c.text) }

// shorten cuts s to at most n bytes, between two characters.
func (c *cutter) shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	c.happened = true
	n = max(0, n-len(ellipsis))
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}

func (c *cutter) all(list []string, n int) []string {
	if len(list) > n {
		c.happened = true
		list = list[:n]
	}
	var out []string
	for _, s := range list {
		out = append(out, c.string(s))
	}
	return out
}

func (c *cutter) refused(list []event.Refusal, n int) []event.Refusal {
	if len(list) > n {
		c.happened = true
		list = list[:n]
	}
	var out []event.Refusal
	for _, r := range list {
		out = append(out, event.Refusal{ID: c.string(r.ID), Code: r.Code, Reason: c.string(r.Reason)})
	}
	return out
}

// event appends the JSON of ev in at most n bytes, as far as its envelope lets it.
// What is appended can be read again.
func (c *cutter) event(b []byte, ev *event.Event, n int) ([]byte, error) {
	begin := len(b)
	b, err := ev.AppendJSON(b, encoding)
	if err != nil {
		return b, fmt.Errorf("writing the event of a decision: %w", err)
	}
	if len(b)-begin <= n {
		return b, nil
	}
	c.happened = true
	small, ok := shrink(b[begin:], n)
	b = b[:begin]
	if ok && json.Unmarshal(small, &event.Event{}, encoding) == nil {
		return append(b, small...), nil
	}
	bare := event.Event{
		ID: c.string(ev.ID), App: ev.App, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time,
		Dialect: c.string(ev.Dialect), Generation: c.string(ev.Generation), Command: c.string(ev.Command), Lane: event.Lane(c.string(string(ev.Lane))),
	}
	return bare.AppendJSON(b, encoding)
}

// value is v in at most n bytes; nothing when that cannot be.
func (c *cutter) value(v jsontext.Value, n int) jsontext.Value {
	if len(v) <= n {
		return v
	}
	c.happened = true
	small, _ := shrink(v, n)
	return small
}

// shrink cuts texts and lists in a JSON value until it has at most n bytes; false
// when that cannot be.
func shrink(v jsontext.Value, n int) (jsontext.Value, bool) {
	var tree any
	if err := json.Unmarshal(v, &tree, encoding); err != nil {
		return nil, false
	}
	for text, items := 4<<10, 64; text >= 64; text, items = text/2, max(4, items/2) {
		tree = prune(tree, text, items)
		out, err := json.Marshal(tree, encoding, json.Deterministic(true))
		if err == nil && len(out) <= n {
			return out, true
		}
	}
	return nil, false
}

// prune cuts texts to so many bytes and lists to so many items, all the way down, in
// place. Objects lose the names that come last.
func prune(tree any, text, items int) any {
	switch x := tree.(type) {
	case string:
		var c cutter
		return c.shorten(x, text)
	case []any:
		x = x[:min(len(x), items)]
		for i := range x {
			x[i] = prune(x[i], text, items)
		}
		return x
	case map[string]any:
		if len(x) > maxNames {
			for _, k := range slices.Sorted(maps.Keys(x))[items:] {
				delete(x, k)
			}
		}
		for k, v := range x {
			if s, ok := v.(string); ok && k == base64Key && len(s) > text {
				delete(x, k) // half of it is no base64 any more
				continue
			}
			x[k] = prune(v, text, items)
		}
		return x
	}
	return tree
}

// maxNames is how many names an object of ours has at most; one that has more is
// somebody's list of things.
const maxNames = 64

// base64Key is the name of event.Payload.Base64.
const base64Key = "base64"

func afterColon(s string) string {
	_, rest, _ := strings.Cut(s, ":")
	return rest
}
