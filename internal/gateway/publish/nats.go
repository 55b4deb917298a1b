package publish

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// NATSConfig is what a [NATS] is made of.
type NATSConfig struct {
	Voice
	// URL is one or more servers of a cluster, separated by commas.
	URL string
	// Subject is where events go. {type} in it is the event's type, {app} and
	// {source} are where it came from.
	Subject string
	// At most one of CredentialsFile, User with Password, and Token signs in.
	CredentialsFile string
	User            string
	Password        dialect.Secret
	Token           dialect.Secret
	// TLS gives the configuration of connections; nil means that the server says
	// whether they are encrypted, and the system's roots whom to trust.
	TLS    func() (*tls.Config, error)
	Egress egress.Policy
	// Timeout is for one attempt.
	Timeout time.Duration
	Log     *slog.Logger
}

// NATS publishes to JetStream, which a stream must take the subject for. The id of
// the event, with the subject, is the id of the message, so that a stream keeps one of
// several attempts; what is replayed has none, for it shall be there once more. It is
// safe for concurrent use. Make it with [NewNATS].
type NATS struct {
	cfg    NATSConfig
	dialer natsDialer
	// unmade is why the connection could not be made or made again.
	unmade lastError

	mu sync.Mutex // guards the following
	js jetstream.JetStream
	nc *nats.Conn
}

// NewNATS returns a publisher; nothing is called before [NATS.Send].
func NewNATS(cfg NATSConfig) *NATS {
	d := cfg.Egress.Dialer()
	d.Timeout = cfg.Timeout
	return &NATS{cfg: cfg, dialer: natsDialer{dialer: d}}
}

// natsDialer remembers why the last connection could not be made, which the library
// keeps to itself while it tries again.
type natsDialer struct {
	dialer *net.Dialer
	failed lastError
}

// Dial connects.
func (d *natsDialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.dialer.Dial(network, address)
	d.failed.set(err)
	return c, err
}

// lastError is how something went the last time: nil when it went well. The zero value
// is nil.
type lastError struct{ err atomic.Pointer[error] }

func (l *lastError) set(err error) { l.err.Store(&err) }

func (l *lastError) get() error {
	if err := l.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Close ends the connection, and with it attempts that are under way.
func (n *NATS) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.nc != nil {
		n.nc.Close()
	}
}

// connected returns the connection, which is made at the first time: a server that is
// not there yet must not keep the gateway from starting. It finds the server again by
// itself.
func (n *NATS) connected() (jetstream.JetStream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.nc != nil {
		return n.js, nil
	}
	// The library makes the first connection again and again, and says why it failed
	// from a goroutine of its own.
	told := make(chan struct{})
	tell := sync.OnceFunc(func() { close(told) })
	opts := []nats.Option{
		nats.Name("imhook"), nats.SetCustomDialer(&n.dialer), nats.SkipHostLookup(), nats.Timeout(n.cfg.Timeout),
		nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2),
		// What cannot be sent now fails now: the endpoint tries again.
		nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), nats.RetryOnFailedConnect(true),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			n.unmade.set(err)
			tell()
		}),
		nats.ConnectHandler(func(*nats.Conn) {
			n.unmade.set(nil)
			tell()
		}),
		nats.ReconnectHandler(func(*nats.Conn) { n.unmade.set(nil) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			n.cfg.Log.Warn("NATS says that something is wrong", "err", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				n.cfg.Log.Warn("connection to NATS is lost, trying again", "err", err)
			}
		}),
	}
	switch {
	case n.cfg.CredentialsFile != "":
		opts = append(opts, nats.UserCredentials(n.cfg.CredentialsFile))
	case n.cfg.User != "":
		opts = append(opts, nats.UserInfo(n.cfg.User, n.cfg.Password.Reveal()))
	case n.cfg.Token != "":
		opts = append(opts, nats.Token(n.cfg.Token.Reveal()))
	}
	if n.cfg.TLS != nil {
		conf, err := n.cfg.TLS()
		if err != nil {
			return nil, err
		}
		opts = append(opts, nats.Secure(conf))
	}
	nc, err := nats.Connect(n.cfg.URL, opts...)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	if !nc.IsConnected() {
		select {
		case <-told:
		case <-time.After(n.cfg.Timeout):
		}
	}
	n.nc, n.js = nc, js
	return js, nil
}

// Send makes one attempt to publish ev, and returns when a stream has stored it, when
// it failed, or when ctx ends.
func (n *NATS) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	begin := n.cfg.Now()
	out := n.send(ctx, ev)
	out.Took = n.cfg.Now().Sub(begin)
	return out
}

func (n *NATS) send(ctx context.Context, ev *event.Event) gateway.Outcome {
	said, out := n.cfg.say(ev)
	if out.Kind != "" {
		return out
	}
	js, err := n.connected()
	if err != nil {
		return n.classify(ctx, err)
	}
	if nc := js.Conn(); !nc.IsConnected() {
		// Why, such as credentials that were refused.
		return n.classify(ctx, cmp.Or(n.dialer.failed.get(), nc.LastError(), n.unmade.get(), nats.ErrDisconnected))
	}
	try, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	subject := n.subject(ev)
	m := nats.NewMsg(subject)
	m.Data = said.body
	// The NATS binding of CloudEvents, structured mode.
	m.Header.Set("Content-Type", said.contentType)
	opts := []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}
	if ev.Repeat != event.Replayed {
		// A stream compares ids whatever the subject: without it, one that takes the
		// subjects of two endpoints would keep the event of one of them.
		opts = append(opts, jetstream.WithMsgID(ev.ID+"@"+subject))
	}
	if _, err := js.PublishMsg(try, m, opts...); err != nil {
		return n.classify(ctx, err)
	}
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

func (n *NATS) subject(ev *event.Event) string {
	if !strings.Contains(n.cfg.Subject, "{") {
		return n.cfg.Subject
	}
	return strings.NewReplacer("{type}", string(ev.Type), "{app}", ev.App, "{source}", ev.Source).Replace(n.cfg.Subject)
}

// classify says what a failure means. parent is the caller's context, without the
// attempt's own time.
func (n *NATS) classify(parent context.Context, err error) gateway.Outcome {
	var api *jetstream.APIError
	switch {
	case parent.Err() != nil:
		return failed(gateway.Retry, gateway.ReasonCancelled, err)
	case errors.Is(err, egress.ErrBlocked):
		return failed(gateway.Misconfigured, gateway.ReasonEgress, err)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return failed(gateway.Misconfigured, gateway.ReasonAbsent, fmt.Errorf("no stream takes subject %s (%w): create one, or mend nats.subject", n.cfg.Subject, err))
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return failed(gateway.Misconfigured, gateway.ReasonDenied, fmt.Errorf("NATS refuses the credentials, or the subject to them: %w", err))
	case errors.Is(err, nats.ErrMaxPayload):
		return failed(gateway.Refused, gateway.ReasonTooLong, err)
	case errors.As(err, &api):
		// A full stream, a stream whose leader is being elected: it may work later.
		return failed(gateway.Retry, gateway.ReasonStatus5xx, err)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting), errors.Is(err, nats.ErrDisconnected):
		return failed(gateway.Retry, gateway.ReasonConnect, err)
	case errors.Is(err, nats.ErrTimeout):
		return failed(gateway.Retry, gateway.ReasonTimeout, err)
	}
	return failed(gateway.Retry, network(err), err)
}
