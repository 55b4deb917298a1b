package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Options are what reading a file needs from outside.
type Options struct {
	// Registry has the dialects that the file may name.
	Registry *dialect.Registry
	// Pattern says what is wrong with a pattern of a phase's events; nil takes every one.
	Pattern func(pattern string, phase event.Phase) error
	// Matches returns what a pattern matches, whatever the app and the source, and
	// nil for one that is wrong. Nil warns of no pattern.
	Matches func(pattern string, phase event.Phase) func(*event.Event) bool
	// Condition says what is wrong with an endpoint's condition; nil takes every
	// one. An error with a method Position() (line, column int), counted from 1 in
	// characters inside the text, is reported at that place.
	Condition func(text string) error
	// WordFile says what is wrong with a word list's file, and Word with one of its
	// lines; nil takes every one.
	WordFile, Word func(string) error
	// Listen and DataDir win over the file's when they are not empty.
	Listen  string
	DataDir string
	// LookupEnv defaults to the os package's, Now to time.Now. ReadFile defaults to
	// reading files of a reasonable size that are neither pipes nor devices; the
	// configuration itself may be a pipe.
	LookupEnv func(key string) (string, bool)
	ReadFile  func(name string) ([]byte, error)
	Now       func() time.Time
}

// Load reads a configuration file. What is wrong with its content is an [*Error];
// another error means that it could not be read.
func Load(path string, o Options) (*Config, error) {
	read := o.ReadFile
	if read == nil {
		read = readBounded
	}
	data, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, data, o)
}

// Parse is [Load] for content at hand; name stands in the problems, and relative
// _file keys are relative to its directory.
func Parse(name string, data []byte, o Options) (*Config, error) {
	o = o.withDefaults()
	inputs := []Input{NewInput(name, data)}
	root, problem := tree(data)
	if problem != nil {
		return nil, &Error{File: name, Problems: []Problem{*problem}, Inputs: inputs}
	}
	l := &loader{
		Options: o, dir: filepath.Dir(name), config: Default(), sources: map[string]value{},
		lines: runes(data), files: map[string]content{}, inputs: inputs, reached: map[reached]bool{}, samples: map[string][]*event.Event{},
		walk: walk{file: name, origins: map[string]Origin{}},
	}
	l.file(l.walk.root(root))
	if len(l.walk.problems) > 0 {
		return nil, &Error{File: name, Problems: sorted(l.walk.problems), Inputs: l.inputs}
	}
	l.config.read = reading{inputs: l.inputs, warnings: sorted(l.walk.warnings), origins: l.walk.origins}
	return l.config, nil
}

// runes are the lines of a file, by character: columns count these. Lines end as
// YAML's do, not with a line feed alone.
func runes(data []byte) [][]rune {
	all := [][]rune{nil}
	for _, r := range strings.ReplaceAll(string(data), "\r\n", "\n") {
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
			all = append(all, nil)
			continue
		}
		all[len(all)-1] = append(all[len(all)-1], r)
	}
	return all
}

// tree parses the one document of a file.
func tree(data []byte) (*yaml.Node, *Problem) {
	dec, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, syntax(err)
	}
	var doc, second yaml.Node
	switch err := dec.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, &Problem{Text: "the file is empty; it needs at least apps:, see the reference"}
	case err != nil:
		return nil, syntax(err)
	}
	switch err := dec.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(err)
	default:
		return nil, &Problem{Line: second.Line, Column: second.Column, Text: "a second document begins here; the configuration is one"}
	}
	return doc.Content[0], nil
}

// syntax says where the text is no YAML. The library's words may hold a piece of
// the text only where they name an anchor, and that may be a secret.
func syntax(err error) *Problem {
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return &Problem{Text: "this is no YAML; the parser gave up"}
	}
	text := strings.TrimPrefix(le.Message, "yaml: ")
	if strings.Contains(text, "anchor") {
		text = "unknown anchor; put quotes around a value that begins with *"
	} else {
		text = "this is no YAML: " + text + "; check quotes and indentation, by spaces and not by tabs"
	}
	return &Problem{Line: le.Mark.Line, Column: le.Mark.Column, Text: text}
}

// loader reads one file.
type loader struct {
	Options
	walk   walk
	dir    string
	config *Config
	// lines are the file's, by character.
	lines [][]rune
	// fromAPI is true while it is none, but what the API defined.
	fromAPI bool
	// sources are the names seen so far, in all apps.
	sources map[string]value
	// files are those that were read besides, by path.
	files map[string]content
	// reached remembers which pattern matches something of which dialect.
	reached map[reached]bool
	// samples are what sources ask, by dialect and generation.
	samples map[string][]*event.Event
	inputs  []Input
	// hasToken is true when an admin token is configured, readable or not, and
	// adminListen the place of admin.listen.
	hasToken    bool
	adminListen value
}

func (l *loader) file(v value) {
	o, c := v.object(), l.config
	if o.node.Kind != yaml.MappingNode {
		return
	}
	o.text("listen", &c.Listen)
	o.text("data_dir", &c.DataDir)
	if l.Listen != "" {
		c.Listen = l.Listen
		l.walk.origins["listen"] = Origin{Kind: OriginFlag, Name: "--listen"}
	}
	if l.DataDir != "" {
		c.DataDir = l.DataDir
		l.walk.origins["data_dir"] = Origin{Kind: OriginFlag, Name: "--data"}
	}
	if v, ok := o.get("tls"); ok {
		c.TLS = l.serverTLS(v.object())
	}
	if v, ok := o.get("admin"); ok {
		l.admin(v.object())
	}
	c.TrustedProxies = o.prefixes("trusted_proxies")
	if v, ok := o.get("journal"); ok {
		l.journal(v.object())
	}
	if v, ok := o.get("history"); ok {
		l.history(v.object())
	}
	l.listen(o)
	if v, ok := o.get("egress"); ok {
		l.egress(v.object())
	}
	if v, ok := o.get("tracing"); ok {
		l.tracing(v.object())
	}
	if v, ok := o.get("apps"); ok {
		l.apps(v)
	} else {
		o.missing("apps", "configure at least one app, or start without a file for the sandbox")
	}
	o.done()
}

func (l *loader) apps(v value) {
	items := v.list()
	if items != nil && len(items) == 0 {
		v.wrong("is empty; configure at least one app")
	}
	names := map[string]value{}
	for _, item := range items {
		o := item.object()
		a := App{Name: o.name("app")}
		unique(o, a.Name, names, "app")
		if v, ok := o.get("sources"); ok {
			for _, item := range v.list() {
				a.Sources = append(a.Sources, l.source(item.object()))
			}
		}
		if v, ok := o.get("hooks"); ok {
			a.Hooks = l.hooks(v, a.Sources)
		}
		if v, ok := o.get("endpoints"); ok {
			taken := map[string]value{}
			var at []value
			for _, item := range v.list() {
				o := item.object()
				e := l.endpoint(o, a.Sources)
				unique(o, e.Name, taken, "endpoint of this app")
				a.Endpoints, at = append(a.Endpoints, e), append(at, o.value)
			}
			twins(a.Endpoints, at)
		}
		o.done()
		l.config.Apps = append(l.config.Apps, a)
	}
}

// unique reports a name that was taken before.
func unique(o *object, name string, taken map[string]value, what string) {
	if name == "" {
		return
	}
	v, _ := o.get("name")
	if first, ok := taken[name]; ok {
		v.wrong("%q is the name of another %s, on line %d; choose another", name, what, first.at.Line)
		return
	}
	taken[name] = v
}
