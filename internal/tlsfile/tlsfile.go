// Package tlsfile makes TLS configurations of certificate files and follows the
// files: a certificate that was renewed is used for the next connection, without
// a restart. A renewal that cannot be read leaves the old one in use.
package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Server is how a listener is encrypted.
type Server struct {
	// CertFile and KeyFile are shown to callers; both are required.
	CertFile, KeyFile string
	// ClientCAFile holds the authorities of which a caller must show a certificate;
	// empty means that none is asked for.
	ClientCAFile string
}

// Client is how somebody is called.
type Client struct {
	// CAFile holds the authorities that are trusted instead of the system's; empty
	// means the system's.
	CAFile string
	// CertFile and KeyFile are shown to the server; empty means none.
	CertFile, KeyFile string
	// ServerName is who the server must be; empty means whom the URL names.
	ServerName string
}

// Config reads the files, once to say what is wrong with them, and again when they
// change. log is told when a renewal cannot be read; nil means nobody.
func (s Server) Config(log *slog.Logger) (*tls.Config, error) {
	f := &follower{log: log, files: present(s.CertFile, s.KeyFile, s.ClientCAFile), load: s.load}
	if _, err := f.get(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return f.get()
		},
	}, nil
}

func (s Server) load() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificate %s and key %s: %w", s.CertFile, s.KeyFile, err)
	}
	// Callbacks and API speak HTTP/1.1 on this listener.
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	if s.ClientCAFile != "" {
		if c.ClientCAs, err = pool(s.ClientCAFile); err != nil {
			return nil, err
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// Configs returns what gives the configuration for the next connection. It reads
// the files, once to say what is wrong with them, and again when they change. log
// is told when a renewal cannot be read; nil means nobody. What it gives is shared
// and must not be changed.
func (c Client) Configs(log *slog.Logger) (func() (*tls.Config, error), error) {
	f := &follower{log: log, files: present(c.CAFile, c.CertFile, c.KeyFile), load: c.load}
	if _, err := f.get(); err != nil {
		return nil, err
	}
	return f.get, nil
}

func (c Client) load() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	var err error
	if c.CAFile != "" {
		if t.RootCAs, err = pool(c.CAFile); err != nil {
			return nil, err
		}
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading certificate %s and key %s: %w", c.CertFile, c.KeyFile, err)
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}

// pool reads a file of authorities.
func pool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading authorities: %w", err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading authorities: %s holds no certificate in PEM form", file)
	}
	return p, nil
}

func present(files ...string) []string {
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

// lookEvery bounds how often the files are looked at.
const lookEvery = time.Second

// follower keeps what was read of some files until they change.
type follower struct {
	log   *slog.Logger
	files []string
	load  func() (*tls.Config, error)

	mu     sync.Mutex
	config *tls.Config
	// seen is how the files were when they were read last, nil when they could not
	// be: then they are read again, for what was in the way may be no part of them.
	seen   []fs.FileInfo
	looked time.Time
	// said is what was wrong the last time.
	said string
}

// get returns the newest configuration that could be read. It fails only when none
// ever could.
func (f *follower) get() (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.config != nil && now.Sub(f.looked) < lookEvery {
		return f.config, nil
	}
	f.looked = now
	seen, err := f.look()
	if err == nil && f.config != nil && slices.EqualFunc(seen, f.seen, unchanged) {
		return f.config, nil
	}
	var c *tls.Config
	if err == nil {
		c, err = f.load()
	}
	if err == nil {
		f.config, f.seen, f.said = c, seen, ""
		return f.config, nil
	}
	if f.config == nil {
		return nil, err
	}
	f.seen = nil
	if f.said != err.Error() && f.log != nil {
		f.log.Warn("certificate files changed and cannot be read: the old ones stay in use", "err", err)
	}
	f.said = err.Error()
	return f.config, nil
}

// unchanged reports whether a file is the same and was not written to. A renewal
// may have size and time of the one before: it is another file then.
func unchanged(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func (f *follower) look() ([]fs.FileInfo, error) {
	all := make([]fs.FileInfo, len(f.files))
	var errs []error
	for i, name := range f.files {
		info, err := os.Stat(name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%s does not exist", name)
			}
			errs = append(errs, err)
		}
		all[i] = info
	}
	return all, errors.Join(errs...)
}
