package config

import (
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// admin reads who may use the API, and where it listens.
func (l *loader) admin(o *object) {
	a := &l.config.Admin
	// The presence of a token decides about the listener even when its value
	// cannot be read: one problem is reported then, not two.
	a.Token, l.hasToken = l.secret(o, "token")
	if all, ok := l.rotation(o, "tokens", "admin token"); ok {
		if l.hasToken {
			v, _ := o.get("tokens")
			v.wrong("at most one of token and tokens; remove one")
		}
		a.Tokens, l.hasToken = all, true
	}
	for _, token := range append([]dialect.DatedSecret{{Value: a.Token}}, a.Tokens...) {
		if strings.ContainsFunc(token.Value.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			o.wrong("a token holds white space or another character that no request can bear; use letters, digits and punctuation")
			break
		}
	}
	o.text("listen", &a.Listen)
	if v, ok := o.get("listen"); ok {
		l.adminListen = v
		if a.Listen == "" {
			v.wrong("is empty; write host:port, or remove it: the API is then at listen")
		}
	}
	if v, ok := o.get("tls"); ok {
		a.TLS = l.serverTLS(v.object())
		if !o.has("listen") {
			v.wrong("is for a listener of the API's own; set admin.listen, or write tls at the top for both")
		}
	}
	o.done()
}

// Closed reports whether the API asks for a token at all.
func (a Admin) Closed() bool { return a.Token != "" || len(a.Tokens) > 0 }

// Live returns the tokens that open the API at t, which may be none: once all
// have expired nobody gets in.
func (a Admin) Live(t time.Time) []dialect.Secret { return live(a.Token, a.Tokens, t) }

// HasPathToken reports whether a path token is asked for at all.
func (s Source) HasPathToken() bool { return s.PathToken != "" || len(s.PathTokens) > 0 }

// LivePathTokens returns the path tokens that open the source at t, the one to
// show first.
func (s Source) LivePathTokens(t time.Time) []dialect.Secret {
	return live(s.PathToken, s.PathTokens, t)
}

func live(one dialect.Secret, several []dialect.DatedSecret, t time.Time) []dialect.Secret {
	var all []dialect.Secret
	if one != "" {
		all = append(all, one)
	}
	for _, d := range several {
		if d.Live(t) {
			all = append(all, d.Value)
		}
	}
	return all
}
