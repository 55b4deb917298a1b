package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/internal/suggest"
)

// maxDepth bounds nesting, and with it an alias that contains itself.
const maxDepth = 32

// maxAliased bounds what aliases can multiply, in nodes below them.
const maxAliased = 10_000

// maxProblems bounds what is reported of one file: nobody reads more at once.
const maxProblems = 500

// walk collects what one file says about itself: its problems and warnings, and
// where each value is written.
type walk struct {
	// file is its name.
	file     string
	problems []Problem
	warnings []Problem
	origins  map[string]Origin
	aliased  int
}

// value is one node with its place; at is where it is written, which for an
// alias is not where its content is.
type value struct {
	w     *walk
	node  *yaml.Node
	at    *yaml.Node
	path  string
	depth int
	// aliased is true below an alias.
	aliased bool
}

// root is the value of the whole file.
func (w *walk) root(n *yaml.Node) value { return value{w: w, node: n, at: n} }

// below returns a value one level down.
func (v value) below(n *yaml.Node, path string) value {
	b := value{w: v.w, node: n, at: n, path: path, depth: v.depth + 1, aliased: v.aliased}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		b.node, b.aliased = n.Alias, true
	}
	if b.aliased {
		v.w.aliased++
	}
	return b
}

// wrong reports a problem here.
func (v value) wrong(format string, args ...any) {
	v.w.report(Problem{Path: v.path, Text: fmt.Sprintf(format, args...)}, mark{v.at.Line, v.at.Column})
}

// report is [value.wrong] for another place.
func (w *walk) report(p Problem, at mark) {
	if len(w.problems) < maxProblems {
		p.Line, p.Column = at.line, at.column
		w.problems = append(w.problems, p)
	}
}

// warn reports what is allowed here and probably not meant.
func (v value) warn(format string, args ...any) {
	if len(v.w.warnings) < maxProblems {
		v.w.warnings = append(v.w.warnings, Problem{
			Line: v.at.Line, Column: v.at.Column, Path: v.path, Text: fmt.Sprintf(format, args...),
		})
	}
}

// usable is false, and reported, for a key without a value and for what nests or
// multiplies too far.
func (v value) usable() bool {
	switch {
	case v.depth > maxDepth || v.w.aliased > maxAliased:
		v.wrong("the file nests or repeats too much; write it without aliases")
		return false
	case v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null":
		v.wrong("has no value; give it one or remove the key")
		return false
	}
	return true
}

// object is a mapping whose keys are asked for one by one; [object.done] reports
// the keys that nobody asked for.
type object struct {
	value
	fields map[string]value
	keys   []*yaml.Node
	asked  []string
}

// object reads v as a mapping. Anything else is reported, and the result is then
// empty.
func (v value) object() *object {
	o := &object{value: v, fields: map[string]value{}}
	if !v.usable() {
		return o
	}
	if v.node.Kind != yaml.MappingNode {
		v.wrong("must be a mapping of keys to values, not %s", kindOf(v.node))
		return o
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		key := v.below(k, v.path)
		switch {
		case k.Kind != yaml.ScalarNode:
			key.wrong("a key must be a word, not %s", kindOf(k))
			continue
		case k.ShortTag() == "!!merge":
			key.wrong("merge keys (<<) are not supported; write the keys out")
			continue
		}
		path := join(v.path, k.Value)
		if first, twice := o.fields[k.Value]; twice {
			v.below(k, path).wrong("is given twice; the first is on line %d", first.at.Line)
			continue
		}
		o.keys = append(o.keys, k)
		o.fields[k.Value] = v.below(n, path)
	}
	return o
}

// get returns the value of a key, false when there is none.
func (o *object) get(key string) (value, bool) {
	o.asked = append(o.asked, key)
	v, ok := o.fields[key]
	if ok {
		v.came(v.path, OriginKey, "")
	}
	return v, ok
}

// has is get without the value.
func (o *object) has(key string) bool {
	_, ok := o.get(key)
	return ok
}

// later reports keys that the design names and this version does not have.
func (o *object) later(keys ...string) {
	for _, key := range keys {
		if v, ok := o.fields[key]; ok {
			o.asked = append(o.asked, key)
			v.wrong("not available in this version; remove it")
		}
	}
}

// done reports the keys that nobody asked for.
func (o *object) done() {
	for _, k := range o.keys {
		if slices.Contains(o.asked, k.Value) {
			continue
		}
		v := o.below(k, join(o.path, k.Value))
		if near := suggest.Nearest(k.Value, o.asked); near != "" {
			v.wrong("unknown key; did you mean %q?", near)
			continue
		}
		known := slices.Clone(o.asked)
		slices.Sort(known)
		v.wrong("unknown key; the keys here are %s", strings.Join(slices.Compact(known), ", "))
	}
}

// missing reports a key that must be there, at the object that lacks it. What is
// no mapping at all was reported as such.
func (o *object) missing(key, todo string) {
	if o.node.Kind == yaml.MappingNode {
		o.wrong("%s is missing; %s", key, todo)
	}
}

// list returns the items of a sequence.
func (v value) list() []value {
	if !v.usable() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.wrong("must be a list, not %s", kindOf(v.node))
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		items[i] = v.below(n, fmt.Sprintf("%s[%d]", v.path, i))
	}
	return items
}

// kindOf names a node for a person, without its content: it may be a secret.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!bool":
			return "a boolean"
		case "!!int", "!!float":
			return "a number"
		}
		return "a string"
	case yaml.AliasNode:
		return "an alias"
	}
	return "something else"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
