package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nkeys"
)

// testFiles are the files that configurations of the tests name, below testdata.
// The certificates are made anew each time: their dates must lie around now.
var testFiles = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{
		"secret": []byte("s-file-value\n"),
		"empty":  nil,
		"broken.crt": pem.EncodeToMemory(&pem.Block{
			Type: "CERTIFICATE", Bytes: []byte("nothing"),
		}),
		"encrypted.key": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("nothing")}),
	}
	pair := func(name string, from, until time.Time) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		cert := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + ".example.com"},
			DNSNames: []string{name + ".example.com"}, NotBefore: from, NotAfter: until,
		}
		der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
		if err != nil {
			panic(err)
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			panic(err)
		}
		files[name+".crt"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		files[name+".key"] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	}
	const year = 365 * 24 * time.Hour
	for _, name := range []string{"server", "client", "ca"} {
		pair(name, now.Add(-year), now.Add(year))
	}
	pair("expired", now.Add(-year), now.Add(-time.Hour))
	pair("soon", now.Add(-year), now.Add(72*time.Hour))
	pair("early", now.Add(time.Hour), now.Add(year))
	files["mixed-ca.crt"] = slices.Concat(files["expired.crt"], files["soon.crt"], files["ca.crt"])

	user, err := nkeys.CreateUser()
	if err != nil {
		panic(err)
	}
	seed, err := user.Seed()
	if err != nil {
		panic(err)
	}
	files["user.creds"] = slices.Concat([]byte("-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n"), seed, []byte("\n------END USER NKEY SEED------\n"))
	return files
})
