package config

import (
	"net"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/suggest"
)

// cloudEvents is the dialect in which brokers get events.
const cloudEvents = "cloudevents"

// Kafka is a topic that gets events.
type Kafka struct {
	// Brokers are host:port of some brokers of the cluster.
	Brokers []string `key:"brokers"`
	Topic   string   `key:"topic"`
	// User signs in with Password by Mechanism; empty means that nobody does.
	User      string         `key:"user"`
	Password  dialect.Secret `key:"password"`
	Mechanism Mechanism      `key:"mechanism"`
}

// Mechanism is how one signs in to Kafka. The words are configuration: append only.
type Mechanism string

// The mechanisms.
const (
	MechanismPlain  Mechanism = "plain"
	MechanismSCRAM2 Mechanism = "scram-sha-256"
	MechanismSCRAM5 Mechanism = "scram-sha-512"
)

// NATS is a subject that gets events.
type NATS struct {
	// URL of a server, or several of one cluster separated by commas.
	URL string `key:"url"`
	// Subject may hold {type}, {app} and {source}.
	Subject         string         `key:"subject"`
	CredentialsFile string         `key:"credentials_file"`
	User            string         `key:"user"`
	Password        dialect.Secret `key:"password"`
	Token           dialect.Secret `key:"token"`
}

// broker reads an endpoint that is a topic or a subject; false when it is something
// else.
func (l *loader) broker(o *object, e *Endpoint) bool {
	kafka, isKafka := o.get("kafka")
	subject, isNATS := o.get("nats")
	if !isKafka && !isNATS {
		return false
	}
	at, name := subject, "nats"
	if isKafka {
		at, name = kafka, "kafka"
	}
	for _, key := range []string{"builtin", "url", "generation", "credentials", "paths", "batch", "on_refusal"} {
		if o.has(key) {
			at.wrong("at most one of %s and %s; remove one", name, key)
			o.get(key)
		}
	}
	if isKafka && isNATS {
		kafka.wrong("at most one of kafka and nats; make two endpoints of it")
	}
	if v, ok := o.get("dialect"); ok {
		if s, ok := v.text(); ok && s != cloudEvents {
			v.wrong("is %q, and a broker gets %s; remove it", s, cloudEvents)
		}
	}
	e.Dialect = cloudEvents
	if v, ok := o.get("tls"); ok {
		e.TLS = l.clientTLS(v.object())
	}
	if isKafka {
		e.Kafka = l.kafka(kafka.object(), e.TLS)
	}
	if isNATS {
		e.NATS = l.nats(subject.object(), e.TLS)
	}
	return true
}

func (l *loader) kafka(o *object, t *ClientTLS) *Kafka {
	k := &Kafka{Mechanism: MechanismSCRAM5}
	if v, ok := o.get("brokers"); ok {
		items := v.list()
		if items != nil && len(items) == 0 {
			v.wrong("is empty; name at least one broker: host:9092")
		}
		for _, item := range items {
			s, ok := item.text()
			if !ok {
				continue
			}
			host, port, err := net.SplitHostPort(s)
			if err != nil || host == "" || port == "" || !isPort(port) || strings.ContainsAny(s, "/@ ") {
				item.wrong("is no broker; write host:9092, without scheme")
				continue
			}
			if _, ok := l.callable(item, host); ok {
				k.Brokers = append(k.Brokers, s)
			}
		}
	} else {
		o.missing("brokers", "write host:port of some brokers of the cluster: [kafka-1:9092, kafka-2:9092]")
	}
	if v, ok := o.get("topic"); ok {
		s, ok := v.text()
		if ok && !isTopic(s) {
			v.wrong("%q is no name of a topic; use letters, digits, dots, - and _, up to 249", s)
		}
		k.Topic = s
	} else {
		o.missing("topic", "write the name of the topic")
	}
	o.text("user", &k.User)
	var password bool
	k.Password, password = l.secret(o, "password")
	word(o, "mechanism", &k.Mechanism, MechanismPlain, MechanismSCRAM2, MechanismSCRAM5)
	switch user := o.has("user"); {
	case user && !password:
		o.missing("password", "user needs it: write password, password_env or password_file")
	case password && !user:
		o.missing("user", "password needs it")
	case !user && o.has("mechanism"):
		v, _ := o.get("mechanism")
		v.wrong("has no effect without user; add user and password, or remove it")
	case user && t == nil:
		for _, b := range k.Brokers {
			if host, _, err := net.SplitHostPort(b); err == nil && isPublic(host) {
				o.warn("%s looks public and tls is not given: credentials and events can be read on the way; add tls", host)
				break
			}
		}
	}
	o.done()
	return k
}

// isTopic reports whether Kafka takes s as the name of a topic.
func isTopic(s string) bool {
	if s == "" || len(s) > 249 || s == "." || s == ".." {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

func (l *loader) nats(o *object, t *ClientTLS) *NATS {
	n := &NATS{}
	if !o.servers(&n.URL) {
		o.missing("url", "write the URL of the NATS server: nats://host:4222")
	}
	if v, ok := o.get("subject"); ok {
		s, ok := v.text()
		if ok {
			v.subject(s)
		}
		n.Subject = s
	} else {
		o.missing("subject", "write the subject that a stream takes: im.events, or im.{type}")
	}
	if v, ok := o.get("url"); ok && n.URL != "" {
		l.callableURLs(v, strings.Split(n.URL, ","))
	}
	login := l.natsLogin(o)
	n.CredentialsFile, n.User, n.Password, n.Token = login.credentialsFile, login.user, login.password, login.token
	login.plain(o, n.URL, t)
	o.done()
	return n
}

// subject says what is wrong with a subject and what stands for something in it.
func (v value) subject(s string) {
	rest := s
	for {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			break
		}
		name, next, closed := strings.Cut(after, "}")
		known := []string{"type", "app", "source"}
		if !closed || name != "type" && name != "app" && name != "source" {
			v.wrong("%q has a word in braces that stands for nothing%s", s, suggest.DidYouMean(name, known))
			return
		}
		rest = next
	}
	plain := strings.NewReplacer("{type}", "a.b", "{app}", "a", "{source}", "a").Replace(s)
	for token := range strings.SplitSeq(plain, ".") {
		if token == "" || strings.ContainsAny(token, "*> {}\t\r\n") || strings.HasPrefix(plain, "$") {
			v.wrong("%q is no subject that can be published to; write words with dots between, without * and >", s)
			return
		}
	}
}
