package config

import (
	"net/url"
	"time"

	"github.com/imhook/imhook/dialect"
)

// History is the read model that events are searched in.
type History struct {
	// URL of a PostgreSQL database that several gateways may share; empty means SQLite
	// files below the data directory. It is a secret, because it holds a password.
	URL dialect.Secret `key:"url"`
	// Age and Bytes bound what is kept; the oldest leaves past either.
	Age   time.Duration `key:"age"`
	Bytes int64         `key:"bytes"`
	// Off keeps none.
	Off bool `key:"off"`
}

// Bounds of what a history may be bounded by.
const (
	leastHistoryAge   = time.Hour
	leastHistoryBytes = 16 << 20
)

// history reads the read model.
func (l *loader) history(o *object) {
	h := &l.config.History
	var ok bool
	if h.URL, ok = l.secret(o, "url"); ok && h.URL != "" {
		l.historyURL(o, h.URL)
	}
	o.duration("age", &h.Age)
	if v, ok := o.get("age"); ok && h.Age < leastHistoryAge {
		v.wrong("is less than %v: nobody could look in time; write more, or off: true", leastHistoryAge)
	}
	o.size("bytes", &h.Bytes)
	if v, ok := o.get("bytes"); ok && h.Bytes < leastHistoryBytes {
		v.wrong("is less than %d bytes: hardly an hour would be kept; write more, or off: true", leastHistoryBytes)
	}
	o.boolean("off", &h.Off)
	if h.Off {
		for _, key := range []string{"url", "url_env", "url_file", "age", "bytes"} {
			if v, ok := o.get(key); ok {
				v.wrong("has no effect with off: true; remove it")
			}
		}
	}
	o.done()
}

// historyURL says what is wrong with the URL of a database, without a word of it.
func (l *loader) historyURL(o *object, secret dialect.Secret) {
	for _, key := range []string{"url", "url_env", "url_file"} {
		v, ok := o.get(key)
		if !ok {
			continue
		}
		// The first one that is given is the one that was read.
		u, err := url.Parse(secret.Reveal())
		switch {
		case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql":
			v.wrong("is no URL of a PostgreSQL database; write postgres://user:password@host:5432/database, or remove it: without url the history is in files under data_dir")
		case u.Host == "" && u.Query().Get("host") == "":
			v.wrong("names no host; write postgres://user:password@host:5432/database")
		}
		return
	}
}
