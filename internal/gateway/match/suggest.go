package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/imhook/imhook/event"
)

// maxSuggestions is how many near names an error holds.
const maxSuggestions = 3

// suggestion is the end of an error: the names of all that are nearest to text,
// or "" when none is near enough to have been meant.
func suggestion(text string, all []string) string {
	type near struct {
		name string
		far  int
	}
	var ns []near
	for _, name := range all {
		// The case of a vendor's command is easily wrong and costs nothing here.
		far := levenshtein.Distance(strings.ToLower(text), strings.ToLower(name), nil)
		if far <= max(2, len(name)/3) {
			ns = append(ns, near{name, far})
		}
	}
	if len(ns) == 0 {
		return ""
	}
	slices.SortStableFunc(ns, func(a, b near) int { return cmp.Compare(a.far, b.far) })
	// Only those that are about as near as the nearest.
	var names []string
	for _, n := range ns[:min(len(ns), maxSuggestions)] {
		if n.far <= ns[0].far+1 {
			names = append(names, `"`+n.name+`"`)
		}
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

// typePatterns are all types of a phase and the patterns that name a family of
// them.
func typePatterns(phase event.Phase) []string {
	var all []string
	seen := map[string]bool{}
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	for _, e := range event.Catalogue() {
		if !e.In(phase) {
			continue
		}
		add(string(e.Type))
		add(e.Type.Family() + "." + "*")
		for family := e.Type.Family(); ; family = event.Type(family).Family() {
			add(family + "." + "**")
			if !strings.Contains(family, ".") {
				break
			}
		}
	}
	return all
}
