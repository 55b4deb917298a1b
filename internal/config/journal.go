package config

import (
	"strings"
	"time"
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
	if o.servers(&j.URL) {
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
		login := l.natsLogin(o)
		j.CredentialsFile, j.User, j.Password, j.Token = login.credentialsFile, login.user, login.password, login.token
		if v, ok := o.get("tls"); ok {
			j.TLS = l.clientTLS(v.object())
		}
		login.plain(o, j.URL, j.TLS)
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
	if v, ok := o.get("attempts"); ok {
		d := v.object()
		d.duration("age", &j.AttemptsAge)
		if v, ok := d.get("age"); ok && j.AttemptsAge < leastTrailAge {
			v.wrong("is less than %v: nobody could look at an attempt in time; write more", leastTrailAge)
		}
		d.size("bytes", &j.AttemptsBytes)
		if v, ok := d.get("bytes"); ok && j.AttemptsBytes < leastRetain {
			v.wrong("is less than %d bytes: hardly an attempt would be kept; write more", leastRetain)
		}
		d.integer("sample", 0, &j.AttemptsSample)
		d.done()
	}
	o.size("max_body", &j.MaxBody)
	if v, ok := o.get("max_body"); ok && j.MaxBody > maxMaxBody {
		v.wrong("is more than %d bytes, which one event of the journal can hold; write less", maxMaxBody)
	}
	o.done()
}
