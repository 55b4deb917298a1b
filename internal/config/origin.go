package config

import "fmt"

// OriginKind is the sort of place that a value comes from. The words are
// configuration's output: append only.
type OriginKind string

// The origins.
const (
	// OriginDefault: nobody said anything.
	OriginDefault OriginKind = "default"
	// OriginSandbox: the sandbox made it.
	OriginSandbox OriginKind = "sandbox"
	// OriginFlag: the command line, which wins over the file.
	OriginFlag OriginKind = "flag"
	// OriginKey: the YAML file.
	OriginKey OriginKind = "key"
	// OriginEnv and OriginFile: an environment variable or a file that the YAML
	// names.
	OriginEnv  OriginKind = "env"
	OriginFile OriginKind = "file"
	// OriginPolicy: it follows from what another key says.
	OriginPolicy OriginKind = "policy"
	// OriginAPI: somebody defined it through the API.
	OriginAPI OriginKind = "api"
)

// Origin is where a value comes from. The zero value is a default.
type Origin struct {
	Kind OriginKind `json:"kind"`
	// Name is the flag, the environment variable or the file.
	Name string `json:"name,omitzero"`
	// File, Line and Column are the place in the YAML file; empty for what is not
	// from there.
	File   string `json:"file,omitzero"`
	Line   int    `json:"line,omitzero"`
	Column int    `json:"column,omitzero"`
}

// String is the origin in words: "default", "imhook.yaml:12", "--listen flag",
// "env RONG_SECRET (imhook.yaml:20)".
func (o Origin) String() string {
	switch o.Kind {
	case OriginKey:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case OriginFlag:
		return o.Name + " flag"
	case OriginPolicy:
		return fmt.Sprintf("%s (%s:%d)", o.Name, o.File, o.Line)
	case OriginEnv, OriginFile:
		if o.File == "" {
			return fmt.Sprintf("%s %s", o.Kind, o.Name)
		}
		return fmt.Sprintf("%s %s (%s:%d)", o.Kind, o.Name, o.File, o.Line)
	case OriginDefault, OriginSandbox, OriginAPI:
		return string(o.Kind)
	}
	return string(OriginDefault)
}

// reading is what reading a file found out besides the values.
type reading struct {
	inputs   []Input
	warnings []Problem
	// origins are the places of what is not a default, by path in the file:
	// "apps[0].sources[1].dialect".
	origins map[string]Origin
}

// came records where the value at path comes from; v is its place in the file.
func (v value) came(path string, kind OriginKind, name string) {
	v.w.origins[path] = Origin{Kind: kind, Name: name, File: v.w.file, Line: v.at.Line, Column: v.at.Column}
}
