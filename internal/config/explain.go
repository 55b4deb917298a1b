package config

import (
	"fmt"
	"strings"

	"github.com/imhook/imhook/internal/suggest"
)

// Setting is one effective value with where it comes from.
type Setting struct {
	// Path is its key, with names: "apps.shop.endpoints.backend.timeout".
	Path string `json:"path"`
	// Value as the file writes it. A secret is redacted, with the time in which it
	// is valid.
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitzero"`
	Origin Origin `json:"origin"`
}

// Explain returns every value of c, in the order of the reference. under narrows
// to what is at or below a path, with names or, as problems have it, with
// numbers; empty is everything. A path at which nothing is is an error with the
// nearest one.
func (c *Config) Explain(under string) ([]Setting, error) {
	var all []Setting
	var paths []string
	for _, l := range c.leaves() {
		paths = append(paths, l.path)
		if !isUnder(l.path, under) && !isUnder(l.place, under) {
			continue
		}
		all = append(all, Setting{Path: l.path, Value: l.value, Secret: l.secret, Origin: c.origin(l)})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is nothing at %q%s", under, suggest.DidYouMean(under, prefixes(paths)))
	}
	return all, nil
}

func (c *Config) origin(l leaf) Origin {
	o, ok := c.read.origins[l.place]
	switch {
	case ok:
		return o
	case c.Sandbox && isUnder(l.path, "apps"):
		return Origin{Kind: OriginSandbox}
	}
	return Origin{Kind: OriginDefault}
}

// isUnder reports whether a path is at or below another.
func isUnder(path, under string) bool {
	rest, ok := strings.CutPrefix(path, under)
	return ok && (under == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// prefixes are the paths and everything above them.
func prefixes(paths []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, p := range paths {
		for p != "" && !seen[p] {
			seen[p] = true
			all = append(all, p)
			p = p[:max(0, strings.LastIndexAny(p, ".["))]
		}
	}
	return all
}
