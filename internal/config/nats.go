package config

import (
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/imhook/imhook/dialect"
)

// natsLogin is who we are to NATS servers: one of three ways, or nobody.
type natsLogin struct {
	credentialsFile, user string
	password, token       dialect.Secret
}

// servers reads url; false when the journal is in this process. It is true for a
// url with problems, which are reported once.
func (o *object) servers(to *string) bool {
	v, ok := o.get("url")
	if !ok {
		return false
	}
	s, ok := v.text()
	if !ok || s == "" {
		return !ok
	}
	var web, plain bool
	var all []string
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		switch {
		case err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			// Not even the text: it may hold a password in the wrong place.
			v.wrong("is not the URL of a NATS server; write nats://host:4222 or tls://, ws://, wss://, several of one cluster with commas between")
			return true
		case u.User != nil:
			v.wrong("holds a user or password, which would be printed; move it to %s.user and %s.password_env, or %s.token_env", o.path, o.path, o.path)
			return true
		case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" && !strings.HasPrefix(u.Scheme, "ws"):
			v.wrong("has more than scheme, host and port; remove the rest")
			return true
		}
		web, plain = web || strings.HasPrefix(u.Scheme, "ws"), plain || !strings.HasPrefix(u.Scheme, "ws")
		all = append(all, one)
	}
	if web && plain {
		v.wrong("mixes web sockets (ws, wss) with nats and tls; write the servers in one of the two ways")
	}
	*to = strings.Join(all, ",")
	return true
}

// natsLogin reads who we are to the NATS servers.
func (l *loader) natsLogin(o *object) (n natsLogin) {
	v, path, data := l.pem(o, "credentials_file")
	n.credentialsFile = path
	if data != nil {
		_, err := nkeys.ParseDecoratedJWT(data)
		_, keyErr := nkeys.ParseDecoratedNKey(data)
		if err != nil || keyErr != nil {
			v.wrong("holds no NATS credentials; name a .creds file, with BEGIN NATS USER JWT and BEGIN USER NKEY SEED in it")
		}
	}
	o.text("user", &n.user)
	var password, token bool
	n.password, password = l.secret(o, "password")
	n.token, token = l.secret(o, "token")
	user := o.has("user")
	switch {
	case user && !password:
		o.missing("password", "user needs it: write password, password_env or password_file")
	case password && !user:
		o.missing("user", "password needs it")
	}
	var ways []string
	for _, w := range []struct {
		given bool
		name  string
	}{{o.has("credentials_file"), "credentials_file"}, {user || password, "user"}, {token, "token"}} {
		if w.given {
			ways = append(ways, w.name)
		}
	}
	if len(ways) > 1 {
		o.wrong("%s are different ways to sign in; keep one", strings.Join(ways, " and "))
	}
	return n
}

// plain warns of credentials that everybody on the way can read.
func (n natsLogin) plain(o *object, servers string, t *ClientTLS) {
	if t != nil || n.password == "" && n.token == "" {
		return
	}
	for one := range strings.SplitSeq(servers, ",") {
		u, err := url.Parse(one)
		if err == nil && (u.Scheme == "nats" || u.Scheme == "ws") && isPublic(u.Hostname()) {
			v, _ := o.get("url")
			v.warn("is %s to %s, which looks public: credentials and events can be read on the way; write tls or wss", u.Scheme, u.Hostname())
			return
		}
	}
}
