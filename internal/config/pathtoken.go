package config

import (
	"strings"

	"github.com/imhook/imhook/dialect"
)

// minPathToken is how many characters make a path token hard to guess.
const minPathToken = 12

// pathTokens reads a source's secret path segment, one or several with their
// times.
func (l *loader) pathTokens(o *object, spec *dialect.Spec, s *Source) {
	one, ok := l.secret(o, "path_token")
	if ok {
		s.PathToken = one
		for _, key := range []string{"path_token", "path_token_env", "path_token_file"} {
			if v, given := o.fields[key]; given {
				v.pathToken(one, spec)
				break
			}
		}
	}
	all, several := l.rotation(o, "path_tokens", "path token")
	if !several {
		return
	}
	v, _ := o.get("path_tokens")
	if ok {
		v.wrong("at most one of path_token and path_tokens; remove one")
		return
	}
	s.PathTokens = all
	if len(all) == 0 {
		return
	}
	for i, item := range v.list() {
		item.pathToken(all[i].Value, spec)
	}
}

// pathToken says what is wrong with a token that was read; empty was reported.
func (v value) pathToken(s dialect.Secret, spec *dialect.Spec) {
	if s == "" {
		return
	}
	if len(s.Reveal()) < minPathToken {
		v.wrong("is shorter than %d characters; take a longer random one", minPathToken)
	}
	if strings.ContainsFunc(s.Reveal(), needsEscape) {
		v.wrong("holds a character that needs escaping in a URL; use letters, digits, - and _")
	}
	for _, c := range spec.Commands {
		if first, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/"); first == s.Reveal() {
			v.wrong("is the beginning of a path of %s; take a random one", spec.Name)
			break
		}
	}
}

func needsEscape(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		return false
	}
	return true
}
