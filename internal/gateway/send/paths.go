package send

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
)

// override replaces the path of one command.
type override struct {
	command string
	// from is the dialect's path in segments, "{name}" being a placeholder; nil
	// when the dialect does not tell the command by path.
	from []string
	to   string
}

// overrides are the configured replacements, in byte order of their commands.
type overrides []override

func newOverrides(spec *dialect.Spec, paths map[string]string) (overrides, error) {
	var os overrides
	for _, command := range slices.Sorted(maps.Keys(paths)) {
		to := paths[command]
		c, ok := spec.Command(command)
		switch {
		case !ok:
			return nil, fmt.Errorf("paths: dialect %s has no command %q", spec.Name, command)
		case to != "" && !strings.HasPrefix(to, "/"):
			return nil, fmt.Errorf("paths: %s: path is %q, want a leading /", command, to)
		case strings.ContainsAny(to, "?#") || badURLText(to):
			return nil, fmt.Errorf("paths: %s: path is %q, want no query, fragment or space", command, to)
		}
		o := override{command: c.Name, to: to}
		if c.Path != "" {
			o.from = strings.Split(c.Path, "/")
		}
		for seg := range strings.SplitSeq(to, "/") {
			if isPlaceholder(seg) && !slices.Contains(o.from, seg) {
				return nil, fmt.Errorf("paths: %s: %s is not in the dialect's path %q", command, seg, c.Path)
			}
		}
		os = append(os, o)
	}
	return os, nil
}

// apply returns the path to use for a command whose own path is path. command
// may be empty when it is not known; the path then tells.
func (os overrides) apply(command, path string) string {
	for i := range os {
		o := &os[i]
		if command != "" {
			if o.command == command {
				values, _ := o.match(path)
				return o.fill(values)
			}
			continue
		}
		if values, ok := o.match(path); ok {
			return o.fill(values)
		}
	}
	return path
}

// match reports whether path is of the command's form, with the text of each
// placeholder.
func (o *override) match(path string) (map[string]string, bool) {
	if o.from == nil {
		return nil, false
	}
	segs := strings.Split(path, "/")
	if len(segs) != len(o.from) {
		return nil, false
	}
	var values map[string]string
	for i, want := range o.from {
		switch {
		case isPlaceholder(want):
			if values == nil {
				values = map[string]string{}
			}
			values[want] = segs[i]
		case want != segs[i]:
			return nil, false
		}
	}
	return values, true
}

func (o *override) fill(values map[string]string) string {
	if !strings.Contains(o.to, "{") {
		return o.to
	}
	segs := strings.Split(o.to, "/")
	for i, seg := range segs {
		if isPlaceholder(seg) {
			segs[i] = values[seg]
		}
	}
	return strings.Join(segs, "/")
}

func isPlaceholder(seg string) bool {
	return len(seg) > 2 && seg[0] == '{' && seg[len(seg)-1] == '}'
}
