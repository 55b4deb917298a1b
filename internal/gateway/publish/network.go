package publish

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"

	"github.com/imhook/imhook/internal/gateway"
)

// network is the reason of a failure on the way to a broker.
func network(err error) gateway.Reason {
	var (
		dns     *net.DNSError
		verify  *tls.CertificateVerificationError
		host    x509.HostnameError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		op      *net.OpError
		timeout net.Error
	)
	switch {
	case errors.As(err, &dns):
		return gateway.ReasonDNS
	case errors.As(err, &verify), errors.As(err, &host), errors.As(err, &record), errors.As(err, &alert):
		return gateway.ReasonTLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return gateway.ReasonTimeout
	case errors.As(err, &op) && op.Op == "dial":
		return gateway.ReasonConnect
	}
	return gateway.ReasonReset
}
