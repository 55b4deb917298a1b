package journal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TLS is how the connection to a NATS server is encrypted. Files are read again
// at each connection.
type TLS struct {
	// CAFile holds the authorities that are trusted instead of the system's.
	CAFile string
	// CertFile and KeyFile are shown to the server; empty means none.
	CertFile, KeyFile string
	// ServerName is who the server must be; empty means the URL's host.
	ServerName string
}

// external says whether the engine is a NATS server of its own.
func (c *Config) external() bool { return c.URL != "" }

// Times of an external engine.
const (
	dialTimeout = 2 * time.Second
	// tryTimeout is how long one try of a page may take before it is sent again,
	// and externalTimeout how long all tries together.
	tryTimeout      = 2 * time.Second
	externalTimeout = 5 * time.Second
	// startTimeout is how long Open tries to reach NATS.
	startTimeout = 30 * time.Second
)

// minVersion is the oldest NATS server that has what is used: metadata of streams.
var minVersion = [2]int{2, 10}

// hopeless is a failure that trying again does not mend.
type hopeless struct{ err error }

func (h hopeless) Error() string { return h.err.Error() }
func (h hopeless) Unwrap() error { return h.err }

func isHopeless(err error) bool {
	var h hopeless
	return errors.As(err, &h)
}

// servers is the URL without what is secret in it, for people. A user without a
// password is a token to NATS.
func (c Config) servers() string {
	var all []string
	for s := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil {
			all = append(all, "?")
			continue
		}
		if _, named := u.User.Password(); u.User != nil && !named {
			u.User = url.User("xxxxx")
		}
		all = append(all, u.Redacted())
	}
	return strings.Join(all, ",")
}

// checkExternal says what is wrong with the settings of an external engine.
func (c Config) checkExternal() error {
	for s := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss" {
			// The text is not repeated: it may hold a password.
			return errors.New("url is not a list of NATS servers, want nats://host:4222 (or tls://, ws://, wss://), several separated by commas")
		}
	}
	ways := 0
	for _, set := range []bool{c.CredentialsFile != "", c.User != "", c.Token != ""} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("credentials_file, user and token are three ways to log in: choose one")
	case c.User == "" && c.Password != "":
		return errors.New("password is given without user")
	case c.Replicas < 1 || c.Replicas > 5:
		return fmt.Errorf("replicas is %d, want 1 to 5", c.Replicas)
	case c.TLS != nil && (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return errors.New("tls.cert_file and tls.key_file belong together")
	}
	return checkName(c.Name)
}

// dial connects to the NATS server.
func (j *Journal) dial() (*nats.Conn, error) {
	c := j.cfg
	host, _ := os.Hostname()
	opts := []nats.Option{
		nats.Name("imhook " + host), nats.Timeout(dialTimeout),
		nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		// A connection that is dead without a word is noticed in seconds.
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2),
		// What cannot be sent now fails now: a page must not be sent later, when
		// nobody waits for it any more.
		nats.ReconnectBufSize(-1),
		// Credentials that are refused may be taken again after they were renewed.
		nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				if sub != nil && strings.HasPrefix(sub.Subject, j.at.nodePrefix) {
					c.Log.Warn("NATS does not permit what other gateways need to join this one: allow the user to subscribe", "to", j.at.nodePrefix+">", "err", err)
					return
				}
				why := err.Error()
				j.denied.Store(&why)
				if abort := j.abort.Load(); abort != nil {
					(*abort)()
				}
				c.Log.Error("NATS does not permit what the journal needs", "err", err)
			}
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Log.Warn("connection to NATS is lost, trying again", "err", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.Log.Info("connected to NATS again", "server", nc.ConnectedServerName())
			j.setLimit(nc.MaxPayload())
		}),
	}
	switch {
	case c.CredentialsFile != "":
		opts = append(opts, nats.UserCredentials(c.CredentialsFile))
	case c.User != "":
		opts = append(opts, nats.UserInfo(c.User, c.Password.Reveal()))
	case c.Token != "":
		opts = append(opts, nats.Token(c.Token.Reveal()))
	}
	if t := c.TLS; t != nil {
		opts = append(opts, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}))
		if t.CAFile != "" {
			opts = append(opts, nats.RootCAs(t.CAFile))
		}
		if t.CertFile != "" {
			opts = append(opts, nats.ClientCert(t.CertFile, t.KeyFile))
		}
	}
	nc, err := nats.Connect(j.nextServers(), append(opts, nats.DontRandomize())...)
	if err != nil {
		return nil, j.explainDial(err)
	}
	at := nc.ConnectedUrl()
	j.dialed.Store(&at)
	j.setLimit(nc.MaxPayload())
	return nc, nil
}

// nextServers are the servers in the order in which they are tried: by chance, so that
// gateways spread over them, and last the one that was dialed before. Whoever dials
// anew got no answer there, and it may be one that others cannot reach.
func (j *Journal) nextServers() string {
	all := strings.Split(j.cfg.URL, ",")
	rand.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	if was := j.dialed.Load(); was != nil {
		slices.SortStableFunc(all, func(a, b string) int { return int(sameServer(a, *was)) - int(sameServer(b, *was)) })
	}
	return strings.Join(all, ",")
}

// sameServer is 1 when two URLs are those of one server, 0 otherwise.
func sameServer(a, b string) (same byte) {
	x, err := url.Parse(strings.TrimSpace(a))
	y, err2 := url.Parse(b)
	if err == nil && err2 == nil && x.Host == y.Host {
		same = 1
	}
	return same
}

// severalServers reports whether there is another one to go to.
func (c Config) severalServers() bool { return strings.Contains(c.URL, ",") }

// explainDial says what to do about a connection that failed.
func (j *Journal) explainDial(err error) error {
	where := j.cfg.servers()
	var (
		verify *tls.CertificateVerificationError
		host   x509.HostnameError
		alert  tls.AlertError
		record tls.RecordHeaderError
		file   *fs.PathError
	)
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), strings.Contains(strings.ToLower(err.Error()), "authorization violation"):
		return hopeless{fmt.Errorf("NATS at %s refuses the credentials (%w): mend credentials_file, user and password, or token of the journal", where, err)}
	case errors.As(err, &verify), errors.As(err, &host):
		return hopeless{fmt.Errorf("NATS at %s shows a certificate that is not trusted (%w): name its authority in tls.ca_file of the journal, or its name in tls.server_name", where, err)}
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"),
		// A server that wants a certificate may close before its alert is read.
		strings.Contains(err.Error(), "after TLS handshake") && (j.cfg.TLS == nil || j.cfg.TLS.CertFile == ""):
		return hopeless{fmt.Errorf("NATS at %s refuses the TLS connection (%w): if it asks for a certificate, name one in tls.cert_file and tls.key_file of the journal", where, err)}
	case errors.As(err, &record), errors.Is(err, nats.ErrSecureConnWanted):
		return hopeless{fmt.Errorf("NATS at %s does not speak TLS (%w): leave tls out of the journal, or turn it on in the server", where, err)}
	case errors.As(err, &file):
		return hopeless{fmt.Errorf("reading a file for the connection to NATS: %w", err)}
	case strings.Contains(err.Error(), "certificate") && j.cfg.TLS != nil, errors.Is(err, nats.ErrNkeysNotSupported), strings.Contains(err.Error(), "decode"):
		return hopeless{fmt.Errorf("preparing the connection to NATS at %s: %w", where, err)}
	}
	return fmt.Errorf("connecting to NATS at %s: %w", where, err)
}

// checkServer looks at what the server is and what the account may.
func (j *Journal) checkServer(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) (account jetstream.AccountLimits, err error) {
	where := j.cfg.servers()
	if v := nc.ConnectedServerVersion(); olderThan(v, minVersion) {
		return account, hopeless{fmt.Errorf("NATS at %s is version %s, the journal needs %d.%d or newer", where, v, minVersion[0], minVersion[1])}
	}
	if limit := j.limit.Load(); limit < leastPage {
		return account, hopeless{fmt.Errorf("NATS at %s takes messages of up to %d KiB, the journal needs %d KiB: raise max_payload in the server", where, nc.MaxPayload()>>10, (leastPage+recordSlack)>>10)}
	}
	info, err := js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return account, hopeless{fmt.Errorf("JetStream is not enabled for this account of NATS at %s: enable it in the account, or use another one", where)}
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		// A cluster that is still electing says the same.
		return account, fmt.Errorf("JetStream is not enabled in NATS at %s, or not up yet: turn it on in the server (jetstream {store_dir: …}): %w", where, err)
	case err != nil:
		return account, fmt.Errorf("asking NATS at %s for the account: %w", where, err)
	}
	return j.checkAccount(info)
}

// leastPage is the smallest bound of a page, in bytes, with which the journal is
// of use.
const leastPage = 64 << 10

// streamsNeeded is how many streams a journal has.
const streamsNeeded = 4

// checkAccount compares what the account may with what the journal needs, and
// takes less when it must.
func (j *Journal) checkAccount(info *jetstream.AccountInfo) (jetstream.AccountLimits, error) {
	tier, per := info.Tier, uint64(j.cfg.Replicas)
	if t, ok := info.Tiers[fmt.Sprintf("R%d", j.cfg.Replicas)]; ok {
		tier = t
	} else if len(info.Tiers) > 0 {
		return tier.Limits, hopeless{fmt.Errorf("the NATS account has no JetStream limits for streams of %d replicas: set replicas to what it has (%s)", j.cfg.Replicas, tierNames(info.Tiers))}
	}
	limits := tier.Limits
	if limits.MaxStreams > 0 && limits.MaxStreams < streamsNeeded {
		return limits, hopeless{fmt.Errorf("the NATS account may have %d streams, the journal needs %d: raise the account's limit", limits.MaxStreams, streamsNeeded)}
	}
	bound := j.cfg.RetainBytes
	if limits.MaxStore >= 0 && (limits.MaxStore > 0 || len(info.Tiers) == 0) {
		most := uint64(limits.MaxStore)
		if len(info.Tiers) == 0 {
			most /= per // one limit for all: each replica counts
		}
		if most < leastStore {
			return limits, hopeless{fmt.Errorf("the NATS account may store %d MiB, a journal of %d replicas needs %d MiB at least: raise the account's limit", limits.MaxStore>>20, j.cfg.Replicas, uint64(leastStore)*per>>20)}
		}
		bound = min(bound, int64(most-most/8))
	}
	if limits.StoreMaxStreamBytes > 0 {
		bound = min(bound, limits.StoreMaxStreamBytes-limits.StoreMaxStreamBytes/8)
	}
	if bound < j.cfg.RetainBytes {
		j.cfg.Log.Warn("the NATS account may store less than retain.bytes: history is dropped, and the journal is full, earlier",
			"retain", j.cfg.RetainBytes, "bytes", bound)
		j.cfg.RetainBytes = bound
	}
	return limits, nil
}

// leastStore is how many bytes an account must be able to store.
const leastStore = 16 << 20

func tierNames(tiers map[string]jetstream.Tier) string {
	var all []string
	for n := range tiers {
		all = append(all, n)
	}
	return strings.Join(all, ", ")
}

// olderThan compares the first two numbers of a version; what is no version is
// taken for new.
func olderThan(version string, want [2]int) bool {
	var have [2]int
	parts := strings.SplitN(version, ".", 3)
	for i := range have {
		if i >= len(parts) {
			return false
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		have[i] = n
	}
	return have[0] < want[0] || have[0] == want[0] && have[1] < want[1]
}

// setLimit bounds pages by what the engine takes as one message. Headers, and
// what a dead letter has around its event, need room of their own.
func (j *Journal) setLimit(payload int64) {
	limit := min(maxPage, payload-recordSlack)
	if j.limit.Swap(limit) != limit && limit < j.cfg.MaxBody+recordSlack {
		j.cfg.Log.Warn("NATS takes messages that are smaller than max_body: larger events are refused until max_payload of the server is raised",
			"maxPayload", payload, "maxBody", j.cfg.MaxBody, "largest", limit-recordSlack)
	}
}

// startExternal connects to the server, takes or keeps the lease, and makes the
// streams.
func (j *Journal) startExternal(ctx context.Context) (*engine, error) {
	nc, err := j.dial()
	if err != nil {
		return nil, err
	}
	e := &engine{at: j.at, nc: nc}
	if j.nodes != nil {
		if err := j.listen(e); err != nil {
			e.close()
			return nil, err
		}
	}
	if err := j.prepare(ctx, e); err != nil {
		if !j.started {
			// Whoever comes next need not wait; if it is us, the lease is taken again.
			_ = j.lease.release(context.WithoutCancel(ctx))
		}
		e.close()
		var api *jetstream.APIError
		if why := j.denied.Swap(nil); why != nil && !errors.As(err, &api) {
			name := j.cfg.Name
			err = hopeless{fmt.Errorf("NATS at %s does not permit what the journal needs (%s): allow the user to publish to $JS.API.> and %s.>, and to subscribe to _INBOX.>", j.cfg.servers(), *why, name)}
		}
		return nil, err
	}
	return e, nil
}

func (j *Journal) prepare(ctx context.Context, e *engine) error {
	within := prepareTimeout
	if j.started {
		// Streams are there; a question to one that has no leader yet is not answered,
		// and is better asked anew.
		within = mendTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	j.abort.Store(&cancel)
	defer j.abort.Store(nil)
	var err error
	if e.js, err = jetstream.New(e.nc, jetstream.WithDefaultTimeout(tryTimeout)); err != nil {
		return fmt.Errorf("connecting to the engine: %w", err)
	}
	account, err := j.checkServer(ctx, e.nc, e.js)
	if err != nil {
		return err
	}
	e.account = account
	// The lease comes first: who is second touches nothing.
	leases, err := j.stream(ctx, e, leaseStream(j.at), account)
	if err != nil {
		return err
	}
	e.leases = leases
	err = j.lease.take(ctx, e.js, leases, j.at.leaseSubject, j.started && j.nodes == nil)
	if j.nodes != nil && errors.Is(err, ErrTaken) {
		return j.standBy(ctx, e)
	}
	if err != nil {
		return err
	}
	j.lease.begin(j.cfg.Log, j.lapsed)
	return j.streams(ctx, e, account)
}

// prepareTimeout bounds looking at the server and making streams; a cluster that
// is new takes about 5 s for its first one.
const prepareTimeout = 25 * time.Second

// mendTimeout is the same for an engine that was there before.
const mendTimeout = 4 * time.Second

// lapsed is called when the lease was not renewed in time, or is gone.
func (j *Journal) lapsed() { j.broke() }

// begin opens the engine for the first time. An external one may be on its way up,
// just as this gateway is.
func (j *Journal) begin(ctx context.Context) error {
	if !j.cfg.external() {
		return j.reopen(ctx)
	}
	deadline := time.Now().Add(j.cfg.StartWithin)
	for {
		err := j.reopen(ctx)
		if err == nil || isHopeless(err) || errors.Is(err, ErrTaken) || errors.Is(err, ErrNewer) || ctx.Err() != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", j.cfg.StartWithin, err)
		}
		j.cfg.Log.Warn("opening the journal failed, trying again", "err", err)
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// pause waits, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
