package config

import (
	"strings"

	"github.com/imhook/imhook/dialect"
)

// secret reads the secret of key, key_env or key_file; false when there is none.
// At most one may be given. It is true with an empty secret when one is given and
// cannot be read, which was reported.
func (l *loader) secret(o *object, key string) (dialect.Secret, bool) {
	var given []string
	var secret dialect.Secret
	for _, form := range []struct {
		suffix string
		read   func(v value, s string) string
	}{
		{"", func(v value, s string) string { return s }},
		{"_env", l.fromEnv},
		{"_file", l.fromFile},
	} {
		v, ok := o.get(key + form.suffix)
		if !ok {
			continue
		}
		given = append(given, key+form.suffix)
		if len(given) > 1 {
			v.wrong("at most one of %s and %s; remove one", given[0], given[1])
			continue
		}
		s, ok := v.text()
		switch {
		case !ok:
			continue
		case s == "":
			v.wrong("is empty; give it a value or remove the key")
			continue
		}
		secret = dialect.Secret(form.read(v, s))
		kind := map[string]OriginKind{"": OriginKey, "_env": OriginEnv, "_file": OriginFile}[form.suffix]
		if kind == OriginKey {
			s = "" // it is the secret
		}
		v.came(join(o.path, key), kind, s)
	}
	return secret, len(given) > 0
}

// fromEnv reads an environment variable.
func (l *loader) fromEnv(v value, name string) string {
	if strings.ContainsFunc(name, func(c rune) bool { return c != '.' && needsEscape(c) }) {
		// Not even the text: it may be the secret itself, in the wrong place.
		v.wrong("is not the name of an environment variable; write its name, in letters, digits, - _ and .")
		return ""
	}
	s, ok := l.LookupEnv(name)
	switch {
	case !ok:
		v.wrong("the environment variable %s is not set; set it before starting imhook", name)
	case s == "":
		v.wrong("the environment variable %s is empty; give it a value", name)
	}
	return s
}

// maxSecretFile bounds a secret's file, in bytes: more is another file.
const maxSecretFile = 64 << 10

// fromFile reads a file, less the end of its last line.
func (l *loader) fromFile(v value, name string) string {
	b, err := l.open(l.path(name))
	s := strings.TrimRight(string(b), "\r\n")
	switch {
	case err != nil:
		v.wrong("the file cannot be read; %v", err)
		return ""
	case s == "":
		v.wrong("the file %s is empty; write the secret into it", name)
	case len(b) > maxSecretFile:
		v.wrong("the file %s is too large for a secret; name the right file", name)
		return ""
	}
	return s
}
