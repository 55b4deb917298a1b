package natstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Password asks clients for a user and a password.
func Password(user, password string) Option {
	return func(o *server.Options) { o.Username, o.Password = user, password }
}

// Token asks clients for a token.
func Token(token string) Option { return func(o *server.Options) { o.Authorization = token } }

// Allow lets one user, with a password, publish to and subscribe to the given
// subjects alone.
func Allow(user, password string, publish, subscribe []string) Option {
	return func(o *server.Options) {
		o.Users = []*server.User{{
			Username: user, Password: password,
			Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe},
			},
		}}
	}
}

// Certificates are files for one server and one client, both signed by an
// authority of their own.
type Certificates struct {
	CAFile                string
	ServerCert, ServerKey string
	ClientCert, ClientKey string
	OtherCAFile           string // an authority that signed none of them
	authorities           *x509.CertPool
	serverPair            tls.Certificate
}

// NewCertificates makes certificates for 127.0.0.1 that are valid for an hour.
func NewCertificates(tb testing.TB) *Certificates {
	tb.Helper()
	dir := tb.TempDir()
	file := func(name, kind string, der []byte) string {
		tb.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	key := func() *ecdsa.PrivateKey {
		tb.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		return k
	}
	sign := func(n int64, name string, ca bool, parent *x509.Certificate, k, by *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
		tb.Helper()
		c := &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if ca {
			c.KeyUsage, c.IPAddresses, c.ExtKeyUsage = x509.KeyUsageCertSign, nil, nil
		}
		if parent == nil {
			parent = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &k.PublicKey, by)
		if err != nil {
			tb.Fatal(err)
		}
		return c, der
	}
	keyFile := func(name string, k *ecdsa.PrivateKey) string {
		tb.Helper()
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			tb.Fatal(err)
		}
		return file(name, "EC PRIVATE KEY", der)
	}
	c := &Certificates{authorities: x509.NewCertPool()}
	caKey, otherKey, serverKey, clientKey := key(), key(), key(), key()
	ca, caDER := sign(1, "authority", true, nil, caKey, caKey)
	c.CAFile = file("ca.pem", "CERTIFICATE", caDER)
	_, otherDER := sign(2, "another authority", true, nil, otherKey, otherKey)
	c.OtherCAFile = file("other-ca.pem", "CERTIFICATE", otherDER)
	_, der := sign(3, "server", false, ca, serverKey, caKey)
	c.ServerCert, c.ServerKey = file("server.pem", "CERTIFICATE", der), keyFile("server.key", serverKey)
	_, der = sign(4, "client", false, ca, clientKey, caKey)
	c.ClientCert, c.ClientKey = file("client.pem", "CERTIFICATE", der), keyFile("client.key", clientKey)
	parsed, err := x509.ParseCertificate(caDER)
	if err != nil {
		tb.Fatal(err)
	}
	c.authorities.AddCert(parsed)
	if c.serverPair, err = tls.LoadX509KeyPair(c.ServerCert, c.ServerKey); err != nil {
		tb.Fatal(err)
	}
	return c
}

// TLS encrypts clients' connections and asks them for a certificate.
func TLS(c *Certificates) Option {
	return func(o *server.Options) {
		o.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{c.serverPair},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.authorities,
		}
		o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 5
	}
}
