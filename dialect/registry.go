package dialect

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is an explicit set of dialects. It does not change once made and is
// safe for concurrent use.
type Registry struct {
	byName map[string]Dialect
	names  []string
}

// NewRegistry returns the registry of ds. Two of one name are a programmer's
// error and panic.
func NewRegistry(ds ...Dialect) *Registry {
	r := &Registry{byName: make(map[string]Dialect, len(ds))}
	for _, d := range ds {
		name := d.Spec().Name
		if r.byName[name] != nil {
			panic("dialect: two dialects named " + name)
		}
		r.byName[name] = d
		r.names = append(r.names, name)
	}
	return r
}

// Get finds a dialect. The error names those that there are.
func (r *Registry) Get(name string) (Dialect, error) {
	if d, ok := r.byName[name]; ok {
		return d, nil
	}
	return nil, fmt.Errorf("unknown dialect %q: there are %s", name, strings.Join(r.names, ", "))
}

// Names returns the dialects' names in registration order.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// All returns the dialects in registration order.
func (r *Registry) All() []Dialect {
	ds := make([]Dialect, len(r.names))
	for i, n := range r.names {
		ds[i] = r.byName[n]
	}
	return ds
}
