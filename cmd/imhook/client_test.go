package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/tlsfile"
)

func TestClient_SaysWhatToDoWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	defer encrypted.Close()
	asking := httptest.NewUnstartedServer(http.NotFoundHandler())
	asking.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	asking.StartTLS()
	defer asking.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: asking.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	swap := strings.NewReplacer("https://", "http://", "http://", "https://")
	for _, tt := range []struct {
		name, gateway string
		tls           tlsfile.Client
		want          string
	}{
		{"nobody", "http://127.0.0.1:1", tlsfile.Client{}, "start one with imhook serve, or name it with --gateway"},
		{"not encrypted", swap.Replace(plain.URL), tlsfile.Client{}, "write http://"},
		{"encrypted", swap.Replace(encrypted.URL), tlsfile.Client{}, "write https://"},
		{"unknown authority", encrypted.URL, tlsfile.Client{}, "--tls-ca"},
		{"no certificate", asking.URL, tlsfile.Client{CAFile: ca}, "--tls-cert and --tls-key"},
		{"certificate without its key", asking.URL, tlsfile.Client{CAFile: ca, CertFile: ca}, "--tls-cert and --tls-key belong together"},
		{"listener of callbacks", plain.URL, tlsfile.Client{}, "where admin.listen is set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &program{gateway: tt.gateway, tls: tt.tls}
			c, err := p.client()
			if err == nil {
				err = c.get(t.Context(), "/api/v1/endpoints", nil, &struct{}{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}
