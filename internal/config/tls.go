package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// soonCertificate is how long before its end a certificate is warned of.
const soonCertificate = 14 * 24 * time.Hour

// serverTLS reads how a listener is encrypted.
func (l *loader) serverTLS(o *object) *ServerTLS {
	var t ServerTLS
	t.CertFile, t.KeyFile = l.pair(o)
	for _, key := range []string{"cert_file", "key_file"} {
		if !o.has(key) {
			o.missing(key, "a listener needs a certificate with its key, both PEM")
		}
	}
	t.ClientCAFile = l.authorities(o, "client_ca_file")
	o.done()
	return &t
}

// clientTLS reads how somebody is called.
func (l *loader) clientTLS(o *object) *ClientTLS {
	var t ClientTLS
	t.CAFile = l.authorities(o, "ca_file")
	t.CertFile, t.KeyFile = l.pair(o)
	if v, ok := o.get("server_name"); ok {
		if s, ok := v.text(); ok {
			if _, err := netip.ParseAddr(s); err != nil && (s == "" || strings.ContainsAny(s, ":/ ")) {
				v.wrong("%q is not the name of a server; write the one in its certificate, without scheme and port", s)
			}
			t.ServerName = s
		}
	}
	switch {
	case o.has("cert_file") && !o.has("key_file"):
		o.missing("key_file", "cert_file needs it")
	case o.has("key_file") && !o.has("cert_file"):
		o.missing("cert_file", "key_file needs it")
	}
	if len(o.keys) == 0 && o.node.Kind == yaml.MappingNode {
		o.wrong("is empty; give ca_file, cert_file with key_file, or server_name, or remove it")
	}
	o.done()
	return &t
}

// pem reads a file that must be there; its path is absolute or relative to the
// working directory. Nil data means that nothing is there to look at: a problem
// was reported, or the key is not given.
func (l *loader) pem(o *object, key string) (v value, path string, data []byte) {
	v, ok := o.get(key)
	if !ok {
		return v, "", nil
	}
	name, ok := v.text()
	switch {
	case !ok:
		return v, "", nil
	case name == "":
		v.wrong("is empty; name a file or remove the key")
		return v, "", nil
	}
	path = l.path(name)
	data, err := l.open(path)
	switch {
	case err != nil:
		v.wrong("the file cannot be read; %v", err)
		return v, path, nil
	case len(data) == 0:
		v.wrong("the file %s is empty; name the right one", name)
		return v, path, nil
	}
	return v, path, data
}

// pair reads cert_file and key_file and sees that they belong together.
func (l *loader) pair(o *object) (certFile, keyFile string) {
	certAt, certFile, cert := l.pem(o, "cert_file")
	keyAt, keyFile, key := l.pem(o, "key_file")
	if cert == nil {
		return certFile, keyFile
	}
	chain := certAt.certificates(cert)
	if len(chain) == 0 {
		return certFile, keyFile
	}
	l.valid(certAt, chain)
	if key == nil {
		return certFile, keyFile
	}
	// Not the library's words: they are about its own types.
	switch _, err := tls.X509KeyPair(cert, key); {
	case err == nil:
	case strings.Contains(err.Error(), "does not match"):
		keyAt.wrong("is not the key of the certificate in cert_file; name the one that belongs to it")
	case bytes.Contains(key, []byte("ENCRYPTED")):
		keyAt.wrong("the key in it is encrypted; write it without a password (openssl pkey)")
	default:
		keyAt.wrong("holds no private key that can be read; name a PEM file with the key of cert_file")
	}
	return certFile, keyFile
}

// authorities reads a file of certificates that are trusted.
func (l *loader) authorities(o *object, key string) string {
	v, path, data := l.pem(o, key)
	if data == nil {
		return path
	}
	all := v.certificates(data)
	if len(all) == 0 {
		return path
	}
	now := l.Now()
	live := 0
	for _, c := range all {
		if now.Before(c.NotAfter) {
			live++
		}
	}
	if live == 0 {
		v.wrong("every certificate in it has expired, the last on %s; name the present ones", day(latest(all)))
		return path
	}
	for _, c := range all {
		switch left := c.NotAfter.Sub(now); {
		case left <= 0:
			v.warn("the certificate of %q in it expired on %s; remove it", subject(c), day(c.NotAfter))
		case left < soonCertificate:
			v.warn("the certificate of %q in it expires on %s; add its successor", subject(c), day(c.NotAfter))
		}
	}
	return path
}

// certificates reads PEM; what is none is reported, and the result then empty.
func (v value) certificates(data []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			v.wrong("certificate %d in it cannot be read; write the file anew", len(all)+1)
			return nil
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		v.wrong("holds no certificate; name a PEM file with BEGIN CERTIFICATE in it")
	}
	return all
}

// valid looks at the dates of a certificate and of those that vouch for it.
func (l *loader) valid(v value, chain []*x509.Certificate) {
	now := l.Now()
	for _, c := range chain {
		switch left := c.NotAfter.Sub(now); {
		case left <= 0:
			v.wrong("the certificate of %q expired on %s; renew it", subject(c), day(c.NotAfter))
			return
		case now.Before(c.NotBefore):
			v.warn("the certificate of %q is valid from %s on; nobody accepts it before", subject(c), day(c.NotBefore))
			return
		case left < soonCertificate:
			v.warn("the certificate of %q expires on %s; renew it", subject(c), day(c.NotAfter))
			return
		}
	}
}

func subject(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return c.Subject.String()
}

func latest(all []*x509.Certificate) time.Time {
	var t time.Time
	for _, c := range all {
		if c.NotAfter.After(t) {
			t = c.NotAfter
		}
	}
	return t
}

// day is a time as a person reads it in a sentence.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
