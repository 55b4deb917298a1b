package movein

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxDepth is how deep mappings may be merged into each other (<<), which also
// ends one that holds itself, and maxMerges how many into one.
const (
	maxDepth  = 8
	maxMerges = 200
)

// field is a key of a mapping with its value.
type field struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// is compares names as the server does, without regard to case.
func (f *field) is(name string) bool { return strings.EqualFold(f.name, name) }

// line is where the value stands; zero when there is no such key.
func (f *field) line() int {
	if f.value == nil {
		return 0
	}
	return f.value.Line
}

// tree parses a vendor's file, which is one mapping.
func (r *report) tree(data []byte) *yaml.Node {
	dec, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var doc, second yaml.Node
	switch err := dec.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		r.wrong(0, 0, "", "the file is empty; name the server's own file")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := dec.Load(&second); err == nil {
		r.wrong(second.Line, second.Column, "", "a second document begins here; the server reads the first alone: remove the others")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		r.wrong(root.Line, root.Column, "", "this is no mapping of keys to values; name the server's own file")
		return nil
	}
	return root
}

// syntax says where the text is no YAML. The parser's words may hold a piece of
// the text only where they name an anchor.
func (r *report) syntax(err error) {
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		r.wrong(0, 0, "", "this is no YAML in UTF-8; save it as such")
		return
	}
	text := strings.TrimPrefix(le.Message, "yaml: ")
	if strings.Contains(text, "anchor") {
		text = "an anchor is not known"
	}
	r.wrong(le.Mark.Line, le.Mark.Column, "", "this is no YAML: %s; check quotes and indentation, by spaces and not by tabs", text)
}

// fields are the keys of a mapping, merged ones included, in the order of the
// file. One that is given twice is a problem.
func (r *report) fields(n *yaml.Node, path string) []field {
	m := merger{report: r, path: path, taken: map[string]*yaml.Node{}}
	m.add(n, 0)
	return m.all
}

// merger collects the keys of one mapping.
type merger struct {
	*report
	path  string
	all   []field
	taken map[string]*yaml.Node
	// merges counts: aliases multiply.
	merges int
}

// add takes the keys of n that are not there yet; depth is above zero for what is
// merged.
func (m *merger) add(n *yaml.Node, depth int) {
	n = content(n)
	switch m.merges++; {
	case depth > maxDepth || m.merges > maxMerges:
		if m.merges <= maxMerges+1 {
			m.wrong(n.Line, n.Column, m.path, "merges too much with <<; write the keys out")
		}
		m.merges = maxMerges + 1
		return
	case n.Kind == yaml.SequenceNode && depth > 0:
		for _, item := range n.Content {
			m.add(item, depth+1)
		}
		return
	case n.Kind != yaml.MappingNode:
		m.wrong(n.Line, n.Column, m.path, "what is merged with << is no mapping; write the keys out")
		return
	}
	own := map[string]bool{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		word := strings.ToLower(k.Value)
		switch first := m.taken[word]; {
		case k.ShortTag() == "!!merge":
			merged = append(merged, v)
		case k.Kind != yaml.ScalarNode:
			m.wrong(k.Line, k.Column, m.path, "a key must be a word")
		case own[word]:
			m.wrong(k.Line, k.Column, key(m.path, k.Value), "is given twice; the first is on line %d: remove one", first.Line)
		case first == nil:
			own[word], m.taken[word] = true, k
			m.all = append(m.all, field{name: k.Value, key: k, value: content(v)})
		}
	}
	for _, n := range merged {
		m.add(n, depth+1)
	}
}

func find(all []field, name string) int {
	for i := range all {
		if all[i].is(name) {
			return i
		}
	}
	return -1
}

// content is what an alias stands for.
func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// isNull reports whether a key has no value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isVariable reports whether something else fills the value in before the server
// reads it.
func isVariable(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (strings.Contains(n.Value, "${") || strings.Contains(n.Value, "{{"))
}
