package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/event"
)

// Section is a list of an app that the API can add to. The words are configuration:
// append only.
type Section string

// The sections.
const (
	SectionSources   Section = "sources"
	SectionHooks     Section = "hooks"
	SectionEndpoints Section = "endpoints"
)

// Sections returns all, in the order in which they are read.
func Sections() []Section { return []Section{SectionSources, SectionHooks, SectionEndpoints} }

// One is one thing of a section in words: source, hook, endpoint.
func (s Section) One() string { return strings.TrimSuffix(string(s), "s") }

// Addition is a source, hook or endpoint beside the file: the API made it.
type Addition struct {
	Section   Section
	App, Name string
	// YAML is a mapping of its keys, without the name.
	YAML string
}

// ID is app/name.
func (a Addition) ID() string { return a.App + "/" + a.Name }

// Added is what became of an addition.
type Added struct {
	Addition
	// Problems say why it is not in force; none when it is. Their places are in its own
	// YAML, and their paths below it.
	Problems []Problem
	Warnings []Problem
	// Shadowed is true when the file has one of this name: the file wins.
	Shadowed bool
}

// Extend returns base with the additions that are valid, and what became of each. What
// is wrong with one is said in the words of the file; base is not changed. The file's
// own hooks and endpoints are not warned anew of what additions change for them.
func Extend(base *Config, o Options, all []Addition) (*Config, []Added) {
	if len(all) == 0 {
		return base, nil
	}
	c := *base
	c.read.origins, c.read.warnings = maps.Clone(base.read.origins), slices.Clone(base.read.warnings)
	if c.read.origins == nil {
		c.read.origins = map[string]Origin{}
	}
	c.Apps = slices.Clone(base.Apps)
	for i := range c.Apps {
		a := &c.Apps[i]
		a.Sources, a.Hooks, a.Endpoints = slices.Clone(a.Sources), slices.Clone(a.Hooks), slices.Clone(a.Endpoints)
	}
	added := make([]Added, len(all))
	for _, section := range Sections() {
		for i, a := range all {
			if a.Section == section {
				added[i] = c.extend(base, o, a)
			}
		}
	}
	return &c, added
}

// extend adds one to what base became, when it is valid.
func (c *Config) extend(base *Config, o Options, a Addition) Added {
	done := Added{Addition: a}
	root, problem := tree([]byte(a.YAML))
	if problem != nil {
		done.Problems = []Problem{*problem}
		return done
	}
	l := &loader{
		Options: o.withDefaults(), dir: ".", config: c, sources: map[string]value{}, lines: runes([]byte(a.YAML)), fromAPI: true, files: map[string]content{},
		reached: map[reached]bool{}, samples: map[string][]*event.Event{}, walk: walk{file: apiFile, origins: map[string]Origin{}},
	}
	v := l.walk.root(named(root, a.Name))
	if root.Kind != yaml.MappingNode {
		v.wrong("must be a mapping of keys to values, not %s", kindOf(root))
	}
	if !isName(a.App) {
		v.wrong("%q cannot be the name of an app; use up to 64 letters, digits, - _ . beginning with a letter or digit", a.App)
	}
	done.Shadowed = base.has(a)
	if taken := c.taken(base, a); taken != "" {
		l.walk.report(Problem{Path: "name", Text: taken}, mark{})
	}
	v.standsAlone()
	if len(l.walk.problems) == 0 {
		l.addition(v, a)
	}
	done.Problems, done.Warnings = sorted(l.walk.problems), sorted(l.walk.warnings)
	return done
}

// apiFile stands for a file's name in what the API defined.
const apiFile = "api"

// withDefaults is a copy with the fields filled in that reading needs.
func (o Options) withDefaults() Options {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = readRegular
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// named is the mapping with its name, as the file has it.
func named(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return n
	}
	text := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Line: n.Line, Column: n.Column}
	}
	whole := *n
	whole.Content = slices.Concat([]*yaml.Node{text("name"), text(name)}, n.Content)
	return &whole
}

// taken says who has the name of an addition, and what to do; empty when nobody has.
func (c *Config) taken(base *Config, a Addition) string {
	switch {
	case !c.has(a):
		return ""
	case !base.has(a):
		return fmt.Sprintf("there is a source %s already, in another app; choose another name", a.Name) // others are unique by app
	case base.Sandbox:
		return fmt.Sprintf("the sandbox has the %s %s, and it stays; choose another name", a.Section.One(), a.Name)
	}
	return fmt.Sprintf("the configuration file defines the %s %s, and the file wins; change it there, or choose another name", a.Section.One(), a.Name)
}

// has reports whether there is one of this name already.
func (c *Config) has(a Addition) bool {
	if a.Section == SectionSources {
		_, _, ok := c.Source(a.Name)
		return ok
	}
	i := slices.IndexFunc(c.Apps, func(app App) bool { return app.Name == a.App })
	if i < 0 {
		return false
	}
	if a.Section == SectionHooks {
		return c.Hook(a.App, a.Name) != nil
	}
	return slices.ContainsFunc(c.Apps[i].Endpoints, func(e Endpoint) bool { return e.Name == a.Name })
}

// standsAlone reports keys that lead to the gateway's machine: who may use the API need
// not be who may read its files.
func (v value) standsAlone() {
	if v.depth > maxDepth {
		v.wrong("nests too much")
		return
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			k, n := v.node.Content[i], v.node.Content[i+1]
			key := v.below(k, join(v.path, k.Value))
			switch {
			case k.Value == "paths": // its keys are commands
			case k.Value == "file", strings.HasSuffix(k.Value, "_file"), strings.HasSuffix(k.Value, "_env"):
				key.wrong("names something of the gateway's machine, which the API may not; write the value itself, or define this in the configuration file")
			default:
				value{w: v.w, node: n, at: n, path: key.path, depth: v.depth + 1}.standsAlone()
			}
		}
	case yaml.SequenceNode:
		for i, n := range v.node.Content {
			value{w: v.w, node: n, at: n, path: fmt.Sprintf("%s[%d]", v.path, i), depth: v.depth + 1}.standsAlone()
		}
	case yaml.AliasNode:
		v.wrong("is an alias; write the value itself")
	}
}

// addition reads one and puts it into its app.
func (l *loader) addition(v value, a Addition) {
	c, o := l.config, v.object()
	i := slices.IndexFunc(c.Apps, func(app App) bool { return app.Name == a.App })
	app := App{Name: a.App}
	if i >= 0 {
		app = c.Apps[i]
	}
	n := 0
	switch a.Section {
	case SectionSources:
		n = len(app.Sources)
		app.Sources = append(app.Sources, l.source(o))
	case SectionHooks:
		h := l.hook(o, app.Sources)
		h.FromAPI, n = true, len(app.Hooks)
		app.Hooks = append(app.Hooks, h)
	case SectionEndpoints:
		e := l.endpoint(o, app.Sources)
		e.FromAPI, n = true, len(app.Endpoints)
		app.Endpoints = append(app.Endpoints, e)
	}
	if len(l.walk.problems) > 0 {
		return
	}
	if i < 0 {
		i = len(c.Apps)
		c.Apps = append(c.Apps, app)
		c.read.origins[fmt.Sprintf("apps[%d].name", i)] = Origin{Kind: OriginAPI}
	}
	c.Apps[i] = app
	place := fmt.Sprintf("apps[%d].%s[%d]", i, a.Section, n)
	for path := range l.walk.origins {
		c.read.origins[join(place, path)] = Origin{Kind: OriginAPI}
	}
}
