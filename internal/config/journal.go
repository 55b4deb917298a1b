package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

// maxMaxBody bounds max_body, in bytes: no vendor sends more, and one body is
// held in memory several times.
const maxMaxBody = 16 << 20

// leastRetain is how little of a journal may be kept, in bytes.
const leastRetain = 1 << 20

// leastTrailAge is how short decisions may be kept.
const leastTrailAge = time.Minute

// maxReplicas is what JetStream takes.
const maxReplicas = 5

// defaultJournalName begins the names of streams on an external server.
const defaultJournalName = "imhook"

// journal reads the durable log: the engine in this process, or NATS servers.
func (l *loader) journal(o *object) {
	j := &l.config.Journal
	if l.servers(o, j) {
		j.Name = defaultJournalName
		if v, ok := o.get("name"); ok {
			s, ok := v.text()
			switch {
			case ok && (!isName(s) || strings.Contains(s, ".")):
				v.wrong("%q cannot begin the name of a stream; use letters, digits, - and _, beginning with a letter or digit", s)
			case ok && s == strings.ToUpper(defaultJournalName):
				v.wrong("the streams of %s begin with it; write it small, or choose another", defaultJournalName)
			}
			j.Name = s
		}
		l.natsCredentials(o, j)
		if v, ok := o.get("tls"); ok {
			j.TLS = l.clientTLS(v.object())
		}
		j.plain(o)
		if v, ok := o.get("sync"); ok {
			v.wrong("has no effect with url: the servers there decide when they sync (sync_interval of their jetstream block); remove it")
		}
		o.integer("replicas", 1, &j.Replicas)
		if v, ok := o.get("replicas"); ok && j.Replicas > maxReplicas {
			v.wrong("is %d; JetStream keeps up to %d copies, 3 is usual", j.Replicas, maxReplicas)
		}
	} else {
		for _, key := range []string{"name", "credentials_file", "user", "password", "password_env", "password_file", "token", "token_env", "token_file", "tls"} {
			if v, ok := o.get(key); ok {
				v.wrong("is for a NATS server; set journal.url, or remove it: without url the journal is in this process, under data_dir")
			}
		}
		word(o, "sync", &j.Sync, SyncAlways, SyncInterval)
		o.integer("replicas", 1, &j.Replicas)
		if v, ok := o.get("replicas"); ok && j.Replicas > 1 {
			v.wrong("is %d, and copies need a NATS cluster; set journal.url, or remove it", j.Replicas)
		}
	}
	word(o, "when_full", &j.WhenFull, FullRefuse, FullDropOldest)
	if v, ok := o.get("retain"); ok {
		r := v.object()
		r.duration("age", &j.RetainAge)
		r.size("bytes", &j.RetainBytes)
		if v, ok := r.get("bytes"); ok && j.RetainBytes < leastRetain {
			v.wrong("is less than %d bytes: the journal would be full before it began; write more", leastRetain)
		}
		r.done()
	}
	if v, ok := o.get("decisions"); ok {
		d := v.object()
		d.duration("age", &j.DecisionsAge)
		if v, ok := d.get("age"); ok && j.DecisionsAge < leastTrailAge {
			v.wrong("is less than %v: nobody could look at a decision in time; write more", leastTrailAge)
		}
		d.size("bytes", &j.DecisionsBytes)
		if v, ok := d.get("bytes"); ok && j.DecisionsBytes < leastRetain {
			v.wrong("is less than %d bytes: hardly a decision would be kept; write more", leastRetain)
		}
		d.done()
	}
	o.size("max_body", &j.MaxBody)
	if v, ok := o.get("max_body"); ok && j.MaxBody > maxMaxBody {
		v.wrong("is more than %d bytes, which one event of the journal can hold; write less", maxMaxBody)
	}
	o.done()
}

// servers reads url; false when the journal is in this process. It is true for a
// url with problems, which are reported once.
func (l *loader) servers(o *object, j *Journal) bool {
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
			v.wrong("holds a user or password, which would be printed; move it to journal.user and journal.password_env, or journal.token_env")
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
	j.URL = strings.Join(all, ",")
	return true
}

// natsCredentials reads who we are to the NATS servers: one of three ways.
func (l *loader) natsCredentials(o *object, j *Journal) {
	v, path, data := l.pem(o, "credentials_file")
	j.CredentialsFile = path
	if data != nil {
		_, err := nkeys.ParseDecoratedJWT(data)
		_, keyErr := nkeys.ParseDecoratedNKey(data)
		if err != nil || keyErr != nil {
			v.wrong("holds no NATS credentials; name a .creds file, with BEGIN NATS USER JWT and BEGIN USER NKEY SEED in it")
		}
	}
	o.text("user", &j.User)
	var password, token bool
	j.Password, password = l.secret(o, "password")
	j.Token, token = l.secret(o, "token")
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
}
