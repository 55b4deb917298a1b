package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/sync/singleflight"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// Mechanism is how one signs in to Kafka.
type Mechanism string

// The mechanisms.
const (
	MechanismPlain  Mechanism = "plain"
	MechanismSCRAM2 Mechanism = "scram-sha-256"
	MechanismSCRAM5 Mechanism = "scram-sha-512"
)

// KafkaConfig is what a [Kafka] is made of.
type KafkaConfig struct {
	Voice
	// Brokers are host:port of some brokers of the cluster, which name the others.
	Brokers []string
	Topic   string
	// User signs in with Password by Mechanism; empty means that nobody does.
	User      string
	Password  dialect.Secret
	Mechanism Mechanism
	// TLS gives the configuration of the next connection, which is shared and not
	// changed; nil means that connections are not encrypted.
	TLS    func() (*tls.Config, error)
	Egress egress.Policy
	// Timeout is for one attempt.
	Timeout time.Duration
	Log     *slog.Logger
}

// Kafka publishes to a topic. The key of a record is the event's lane, so that a
// conversation stays in one partition and in order. It is safe for concurrent use.
// Make it with [NewKafka].
type Kafka struct {
	cfg    KafkaConfig
	client *kgo.Client
	// asking is why the brokers do not take events, found out once for all attempts
	// that failed at that moment.
	asking singleflight.Group
}

// NewKafka checks the configuration; nothing is called before [Kafka.Send].
func NewKafka(cfg KafkaConfig) (*Kafka, error) {
	dialer := cfg.Egress.Dialer()
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID("imhook"),
		kgo.DefaultProduceTopic(cfg.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		// Retries are the endpoint's: an attempt that outlives its time would come
		// back behind the one that follows it.
		kgo.ProduceRequestTimeout(cfg.Timeout),
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RequestRetries(1),
		kgo.ProducerLinger(0),
		kgo.WithLogger(kafkaLog{cfg.Log}),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil || cfg.TLS == nil {
				return c, err
			}
			return encrypt(ctx, c, address, cfg.TLS)
		}),
	}
	if cfg.User != "" {
		m, err := cfg.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("preparing to publish to Kafka: %w", err)
	}
	return &Kafka{cfg: cfg, client: client}, nil
}

// encrypt makes a connection to address one over TLS.
func encrypt(ctx context.Context, c net.Conn, address string, conf func() (*tls.Config, error)) (net.Conn, error) {
	given, err := conf()
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	own := given.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil && own.ServerName == "" {
		own.ServerName = host
	}
	tc := tls.Client(c, own)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return tc, nil
}

func (c KafkaConfig) mechanism() (sasl.Mechanism, error) {
	switch c.Mechanism {
	case MechanismPlain:
		return plain.Auth{User: c.User, Pass: c.Password.Reveal()}.AsMechanism(), nil
	case MechanismSCRAM2:
		return scram.Auth{User: c.User, Pass: c.Password.Reveal()}.AsSha256Mechanism(), nil
	case MechanismSCRAM5:
		return scram.Auth{User: c.User, Pass: c.Password.Reveal()}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("mechanism is %q, want %s, %s or %s", c.Mechanism, MechanismPlain, MechanismSCRAM2, MechanismSCRAM5)
}

// Close ends the connections, and with them attempts that are under way.
func (k *Kafka) Close() { k.client.Close() }

// Send makes one attempt to publish ev, and returns when every replica in sync has
// it, when it failed, or when ctx ends.
func (k *Kafka) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	begin := k.cfg.Now()
	out := k.send(ctx, ev)
	out.Took = k.cfg.Now().Sub(begin)
	return out
}

func (k *Kafka) send(ctx context.Context, ev *event.Event) gateway.Outcome {
	said, out := k.cfg.say(ev)
	if out.Kind != "" {
		return out
	}
	try, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	r := &kgo.Record{
		Key: []byte(ev.Lane), Value: said.body, Timestamp: ev.Time,
		// The Kafka binding of CloudEvents, structured mode.
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte(said.contentType)}},
	}
	err := k.client.ProduceSync(try, r).FirstErr()
	if err != nil && try.Err() != nil && ctx.Err() == nil {
		err = k.why(ctx)
	}
	if err != nil {
		return k.classify(ctx, err)
	}
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

// askWithin is how long a broker may take to say that it is there.
const askWithin = time.Second

// why finds out what is the matter when an event was not taken in time: the library
// tries again meanwhile and does not say.
func (k *Kafka) why(ctx context.Context) error {
	done := k.asking.DoChan("", func() (any, error) {
		// The library may take longer than it was given.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		return nil, k.client.Ping(ctx)
	})
	select {
	case found := <-done:
		if found.Err != nil {
			return found.Err
		}
		return fmt.Errorf("the brokers answer, and topic %s did not take the event: %w", k.cfg.Topic, context.DeadlineExceeded)
	case <-time.After(askWithin):
		return fmt.Errorf("no broker answers: %w", context.DeadlineExceeded)
	}
}

// classify says what a failure means. parent is the caller's context, without the
// attempt's own time.
func (k *Kafka) classify(parent context.Context, err error) gateway.Outcome {
	topic := k.cfg.Topic
	switch {
	case parent.Err() != nil:
		return failed(gateway.Retry, gateway.ReasonCancelled, err)
	case errors.Is(err, egress.ErrBlocked):
		return failed(gateway.Misconfigured, gateway.ReasonEgress, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return failed(gateway.Misconfigured, gateway.ReasonAbsent, fmt.Errorf("topic %s is not there (%w): create it, or mend kafka.topic", topic, err))
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return failed(gateway.Misconfigured, gateway.ReasonDenied, fmt.Errorf("%s may not write to topic %s: %w", k.user(), topic, err))
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return failed(gateway.Misconfigured, gateway.ReasonDenied, fmt.Errorf("signing in as %s: %w: mend kafka.user, its password and kafka.mechanism", k.user(), err))
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge), errors.Is(err, kerr.InvalidRecord):
		return failed(gateway.Refused, gateway.ReasonTooLong, err)
	}
	return failed(gateway.Retry, network(err), err)
}

func (k *Kafka) user() string {
	if k.cfg.User == "" {
		return "nobody (no kafka.user)"
	}
	return k.cfg.User
}

// kafkaLog tells the library's warnings in ours; what it does all day is not told.
type kafkaLog struct{ log *slog.Logger }

func (l kafkaLog) Level() kgo.LogLevel { return kgo.LogLevelError }

func (l kafkaLog) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	l.log.Warn("Kafka says that something is wrong", append([]any{"message", msg}, keyvals...)...)
}
