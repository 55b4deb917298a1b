package send

import (
	"bytes"
	"cmp"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

const (
	// shownBytes bounds each text of an exchange.
	shownBytes = 4 << 10
	// searchedBytes is how much of a request is searched for secrets to show that
	// much of it.
	searchedBytes = 16 * shownBytes
	// detailBytes bounds the line for a person.
	detailBytes = 300
	// minSecret is the shortest text that is searched for as a secret: shorter
	// ones would redact half of the prose and protect nothing.
	minSecret = 4
)

// redactor takes secrets out of texts that people will read. Backends echo
// requests in their error pages, so answers are searched as well.
type redactor struct {
	secrets *strings.Replacer
	// exempt are query keys that carry a signature.
	exempt []string
}

func newRedactor(spec *dialect.Spec, cred dialect.Credentials, base *url.URL) *redactor {
	var all []string
	add := func(s string) {
		if len(s) >= minSecret {
			all = append(all, forms(s)...)
		}
	}
	for _, s := range cred.Secrets {
		add(s.Value.Reveal())
	}
	if base.User != nil {
		password, _ := base.User.Password()
		add(password)
		all = append(all, strings.TrimRight(basicAuth(base.User), "="))
	}
	for _, vs := range base.Query() {
		for _, v := range vs {
			add(v)
		}
	}
	// Where one begins with another, as when somebody rotates them, the longer one
	// goes whole.
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(all))
	for _, s := range all {
		pairs = append(pairs, s, dialect.Redacted)
	}
	return &redactor{secrets: strings.NewReplacer(pairs...), exempt: spec.SignatureExempt}
}

// forms are the ways in which a backend's error page may write a secret that it was
// sent: as it is, in a URL, in JSON, in HTML.
func forms(s string) []string {
	all := []string{s, html.EscapeString(s)}
	for _, escaped := range []string{url.QueryEscape(s), url.PathEscape(s)} {
		all = append(all, escaped, lowerHex(escaped))
	}
	if b, err := jsontext.AppendQuote(nil, s); err == nil {
		quoted := string(b[1 : len(b)-1])
		all = append(all, quoted, strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(quoted))
	}
	return all
}

// lowerHex writes percent-encoded bytes in lower case.
func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// text returns b as valid UTF-8 without secrets, cut to limit bytes.
func (r *redactor) text(b string, limit int) string {
	return cut(strings.ToValidUTF8(r.secrets.Replace(b), "\uFFFD"), limit)
}

// line is text on one line.
func (r *redactor) line(s string) string {
	s = r.text(s, detailBytes)
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// headBytes bounds the headers of an answer that are shown.
const headBytes = 2 << 10

// head shows the headers of an answer, one a line, in the order of their names. What
// opens doors is hidden.
func (r *redactor) head(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			switch name {
			case "Set-Cookie", "Authorization", "Www-Authenticate", "Proxy-Authenticate", "Authentication-Info":
				v = dialect.Redacted
			}
			if r.isExempt(name) {
				v = dialect.Redacted
			}
			b.WriteString(name + ": " + r.line(v) + "\n")
		}
	}
	return r.text(strings.TrimSuffix(b.String(), "\n"), headBytes)
}

// url shows where a request went: the values of the endpoint's own query and of
// signature keys are hidden, user and password left out.
func (r *redactor) url(u *url.URL, own url.Values) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	var s strings.Builder
	s.WriteString(shown.String())
	sep := "?"
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if pair == "" {
			continue
		}
		key, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if _, mine := own[name]; mine || err != nil || r.isExempt(name) {
			pair = key + "=" + dialect.Redacted
		}
		s.WriteString(sep + pair)
		sep = "&"
	}
	return r.text(s.String(), shownBytes)
}

func (r *redactor) isExempt(name string) bool {
	return slices.ContainsFunc(r.exempt, func(e string) bool { return strings.EqualFold(e, name) })
}

// cut shortens s to at most limit bytes without breaking a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const mark = "…"
	n := limit - len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
