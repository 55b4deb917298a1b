package app

import (
	"crypto/tls"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway/publish"
)

// publisher is the speaker of an endpoint that is a topic or a subject.
func (a *App) publisher(app string, e config.Endpoint, cloudEvents dialect.Outbound, encrypted func() (*tls.Config, error), calls egress.Policy) (*speaker, error) {
	voice := publish.Voice{CloudEvents: cloudEvents, Registry: a.cfg.Registry, Echoes: e.Echoes, Now: a.cfg.Now}
	log := a.cfg.Log.With("endpoint", app+"/"+e.Name)
	if n := e.NATS; n != nil {
		s := publish.NewNATS(publish.NATSConfig{
			Voice: voice, URL: n.URL, Subject: n.Subject, CredentialsFile: n.CredentialsFile, User: n.User, Password: n.Password, Token: n.Token,
			TLS: encrypted, Egress: calls, Timeout: e.Timeout, Log: log,
		})
		return &speaker{sender: s, of: spoken(e), release: s.Close}, nil
	}
	k := e.Kafka
	s, err := publish.NewKafka(publish.KafkaConfig{
		Voice: voice, Brokers: k.Brokers, Topic: k.Topic, User: k.User, Password: k.Password, Mechanism: publish.Mechanism(k.Mechanism),
		TLS: encrypted, Egress: calls, Timeout: e.Timeout, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &speaker{sender: s, of: spoken(e), release: s.Close}, nil
}
