package definition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
)

// Doc is the mapping of one source, hook or endpoint. It is not changed: what changes it
// returns another one.
type Doc struct{ root *yaml.Node }

// maxDepth bounds nesting.
const maxDepth = 32

// Parse reads YAML, or JSON, which is YAML. Comments are dropped, and the key name: that
// is somebody else's to say.
func Parse(data []byte) (Doc, error) {
	dec, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return Doc{}, unreadable(err)
	}
	var doc, second yaml.Node
	switch err := dec.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return Doc{}, errors.New("it is empty; write a mapping of keys to values")
	case err != nil:
		return Doc{}, unreadable(err)
	}
	if err := dec.Load(&second); !errors.Is(err, io.EOF) {
		return Doc{}, errors.New("it is more than one document; write one mapping")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return Doc{}, errors.New("it is no mapping; write keys with their values")
	}
	root, err = plain(root, 0)
	if err != nil {
		return Doc{}, err
	}
	d := Doc{root}
	d.drop("name")
	return d, nil
}

// unreadable says that it is no YAML; its words may hold a piece of the text only where
// they name an anchor, which may be a secret.
func unreadable(err error) error {
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok || strings.Contains(le.Message, "anchor") {
		return errors.New("it is no YAML; put quotes around values that begin with * or &")
	}
	return fmt.Errorf("it is no YAML: line %d: %s", le.Mark.Line, strings.TrimPrefix(le.Message, "yaml: "))
}

// plain is a node without comments, aliases and the style it was written in.
func plain(n *yaml.Node, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, errors.New("it nests too much")
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return nil, errors.New("it has an alias or an anchor; write the values out")
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "\n") {
		out.Style = yaml.LiteralStyle
	}
	for _, c := range n.Content {
		p, err := plain(c, depth+1)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, p)
	}
	if out.Kind != yaml.ScalarNode {
		out.Tag = ""
	}
	return out, nil
}

// String is the YAML, in block style.
func (d Doc) String() string { return text(d.root) }

func text(n *yaml.Node) string {
	if n == nil || n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		return "{}\n"
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return "" // a node that was read can be written
	}
	_ = enc.Close()
	return b.String()
}

// child is the value of a key, nil when there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// set gives a key a value.
func set(n *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = v
			return
		}
	}
	n.Content = append(n.Content, scalar(key), v)
}

func (d Doc) drop(key string) { drop(d.root, key) }

func drop(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}

// keyCredentials is where a dialect's credentials stand.
const keyCredentials = "credentials"

// secretKeys are secrets wherever they stand, and what ends like one of them.
var secretKeys = []string{"password", "token", "secret"}

// isSecretKey reports whether what stands at a key is a secret, or several.
func isSecretKey(key string) bool {
	for _, k := range secretKeys {
		if key == k || key == k+"s" || strings.HasSuffix(key, "_"+k) || strings.HasSuffix(key, "_"+k+"s") {
			return true
		}
	}
	return false
}

// dated are the keys of one of several secrets that are none.
var dated = []string{"from", "until"}

// secrets calls do for every scalar that is a secret, with the mapping that has it and
// its key; items of a list have the list's.
func (d Doc) secrets(public []string, do func(owner *yaml.Node, key string, v *yaml.Node)) {
	var walk func(n *yaml.Node, among bool)
	walk = func(n *yaml.Node, among bool) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, v := n.Content[i].Value, n.Content[i+1]
				named := key == keyCredentials || isSecretKey(key)
				secret := among && !slices.Contains(public, key) && !slices.Contains(dated, key) || named
				if v.Kind == yaml.ScalarNode && secret {
					do(n, key, v)
					continue
				}
				walk(v, among || named)
			}
		case yaml.SequenceNode:
			for _, v := range n.Content {
				if v.Kind == yaml.ScalarNode && among {
					do(n, "", v)
					continue
				}
				walk(v, among)
			}
		}
	}
	walk(d.root, false)
}

// Dialect is the one that it names, empty when it names none.
func (d Doc) Dialect() string {
	if n := child(d.root, "dialect"); n != nil {
		return n.Value
	}
	return ""
}

// PublicKeys are the keys of a dialect's credentials that are no secrets; nil for one
// that is not known.
func PublicKeys(registry *dialect.Registry, name string) (all []string) {
	d, err := registry.Get(name)
	if err != nil {
		return nil
	}
	for _, k := range d.Spec().Credentials {
		if !k.Secret {
			all = append(all, k.Name)
		}
	}
	return all
}

// Masked is the YAML with [dialect.Redacted] in place of every secret.
func (d Doc) Masked(public []string) string {
	if d.root == nil {
		return ""
	}
	m := Doc{clone(d.root)}
	m.secrets(public, func(_ *yaml.Node, _ string, v *yaml.Node) { *v = *scalar(dialect.Redacted) })
	return m.String()
}

// Filled is d with the secrets of old where d says [dialect.Redacted]: who changes what
// was shown keeps what was hidden. One that old does not have is an error that names it.
func (d Doc) Filled(old Doc) (Doc, error) {
	f := Doc{clone(d.root)}
	return f, fill(f.root, old.root, "")
}

func fill(n, old *yaml.Node, path string) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value != dialect.Redacted {
			return nil
		}
		if old == nil || old.Kind != yaml.ScalarNode {
			return fmt.Errorf("%s is %s, and there is nothing that this could stand for; write the secret itself", strings.TrimPrefix(path, "."), dialect.Redacted)
		}
		*n = *clone(old)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if err := fill(n.Content[i+1], child(old, key), path+"."+key); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			var was *yaml.Node
			if old != nil && old.Kind == yaml.SequenceNode && i < len(old.Content) {
				was = old.Content[i]
			}
			if err := fill(item, was, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Patched is d with the keys of p in place of its own; null takes a key away. It is the
// merge patch of RFC 7396.
func (d Doc) Patched(p Doc) Doc {
	return Doc{merge(d.root, p.root)}
}

func merge(to, patch *yaml.Node) *yaml.Node {
	if patch.Kind != yaml.MappingNode {
		return clone(patch)
	}
	out := &yaml.Node{Kind: yaml.MappingNode}
	if to != nil && to.Kind == yaml.MappingNode {
		out = clone(to)
	}
	for i := 0; i+1 < len(patch.Content); i += 2 {
		key, v := patch.Content[i].Value, patch.Content[i+1]
		if v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" {
			drop(out, key)
			continue
		}
		set(out, key, merge(child(out, key), v))
	}
	return out
}
