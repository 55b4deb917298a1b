package tlsfile_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/internal/tlsfile"
	"github.com/imhook/imhook/internal/tlsfile/tlsfiletest"
)

// shake returns the serial number of the server's certificate, as the client saw
// it.
func shake(t *testing.T, server, client *tls.Config) (serial int64, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refused := make(chan error, 1)
	go func() {
		a, err := l.Accept()
		if err == nil {
			defer a.Close()
			err = tls.Server(a, server).HandshakeContext(ctx)
		}
		refused <- err
	}()
	var d net.Dialer
	b, err := d.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := tls.Client(b, client)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = b.Close()
		return 0, errors.Join(err, <-refused)
	}
	if err := <-refused; err != nil {
		return 0, err // with TLS 1.3 the client hears of it later
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

func configs(t *testing.T, c tlsfile.Client) func() *tls.Config {
	t.Helper()
	get, err := c.Configs(nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() *tls.Config {
		conf, err := get()
		if err != nil {
			t.Fatal(err)
		}
		conf = conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName = "127.0.0.1"
		}
		return conf
	}
}

func TestConfig_WhoIsBelieved(t *testing.T) {
	t.Parallel()
	ours, other := tlsfiletest.New(t), tlsfiletest.New(t)
	serverCert, serverKey := ours.Issue("gateway")
	clientCert, clientKey := ours.Issue("im-server")
	strangerCert, strangerKey := other.Issue("stranger")
	server, err := tlsfile.Server{CertFile: serverCert, KeyFile: serverKey}.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	mutual, err := tlsfile.Server{CertFile: serverCert, KeyFile: serverKey, ClientCAFile: ours.File}.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		server *tls.Config
		client tlsfile.Client
		want   bool
	}{
		{"the authority is known", server, tlsfile.Client{CAFile: ours.File}, true},
		{"by another name", server, tlsfile.Client{CAFile: ours.File, ServerName: "gateway"}, true},
		{"it is somebody else", server, tlsfile.Client{CAFile: ours.File, ServerName: "elsewhere"}, false},
		{"another authority", server, tlsfile.Client{CAFile: other.File}, false},
		{"the system's authorities", server, tlsfile.Client{}, false},
		{"client shows its certificate", mutual, tlsfile.Client{CAFile: ours.File, CertFile: clientCert, KeyFile: clientKey}, true},
		{"client shows none", mutual, tlsfile.Client{CAFile: ours.File}, false},
		{"client shows a stranger's", mutual, tlsfile.Client{CAFile: ours.File, CertFile: strangerCert, KeyFile: strangerKey}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := shake(t, tc.server, configs(t, tc.client)()); (err == nil) != tc.want {
				t.Errorf("handshake = %v, want success %v", err, tc.want)
			}
		})
	}
}

func TestConfig_FollowsItsFiles(t *testing.T) {
	t.Parallel()
	ca := tlsfiletest.New(t)
	cert, key := ca.Issue("gateway")
	synctest.Test(t, func(t *testing.T) {
		var said safeBuffer
		server, err := tlsfile.Server{CertFile: cert, KeyFile: key}.Config(slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		serial := func() int64 {
			t.Helper()
			<-time.After(2 * time.Second) // of synctest's clock
			got, err := server.GetConfigForClient(nil)
			if err != nil {
				t.Fatal(err)
			}
			return got.Certificates[0].Leaf.SerialNumber.Int64()
		}
		old := serial()
		ca.Issue("gateway")
		renewed := serial()
		if renewed != old+1 {
			t.Errorf("serial is %d after the renewal, want %d", renewed, old+1)
		}
		if err := os.WriteFile(cert, []byte("half a cert"), 0o600); err != nil {
			t.Fatal(err)
		}
		if now := serial(); now != renewed {
			t.Errorf("serial is %d with a broken file, want the old %d", now, renewed)
		}
		serial()
		if n := strings.Count(said.String(), "cannot be read"); n != 1 {
			t.Errorf("it was said %d times, want once: %s", n, said.String())
		}
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		if now := serial(); now != renewed {
			t.Errorf("serial is %d without a file, want the old %d", now, renewed)
		}
		ca.Issue("gateway")
		if now := serial(); now != renewed+1 {
			t.Errorf("serial is %d after the repair, want %d", now, renewed+1)
		}
	})
}

func TestConfig_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ca := tlsfiletest.New(t)
	cert, key := ca.Issue("one")
	_, otherKey := ca.Issue("two")
	for _, tc := range []struct {
		name   string
		server tlsfile.Server
		want   string
	}{
		{"missing", tlsfile.Server{CertFile: cert + "x", KeyFile: key}, "does not exist"},
		{"not a pair", tlsfile.Server{CertFile: cert, KeyFile: otherKey}, "does not match"},
		{"authority is no certificate", tlsfile.Server{CertFile: cert, KeyFile: key, ClientCAFile: key}, "no certificate"},
	} {
		if _, err := tc.server.Config(nil); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := (tlsfile.Client{CAFile: "nowhere.pem"}).Configs(nil); err == nil || !strings.Contains(err.Error(), "nowhere.pem does not exist") {
		t.Errorf("client: %v", err)
	}
}

// safeBuffer is written to and read by different goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
