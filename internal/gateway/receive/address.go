package receive

import (
	"net/netip"
	"slices"
	"strings"
)

// caller is the address that a request came from: the peer's, or, when the peer
// is a trusted proxy, the last address in X-Forwarded-For that is not one. What
// stands further left was written by the caller itself. The invalid Addr means
// that it cannot be told.
func caller(r *Request, trusted []netip.Prefix) netip.Addr {
	ap, err := netip.ParseAddrPort(r.Peer)
	if err != nil {
		return netip.Addr{}
	}
	peer := plain(ap.Addr())
	if !contains(trusted, peer) {
		return peer
	}
	lines := r.Header["X-Forwarded-For"]
	for _, line := range slices.Backward(lines) {
		for line != "" {
			var last string
			if j := strings.LastIndexByte(line, ','); j >= 0 {
				line, last = line[:j], line[j+1:]
			} else {
				line, last = "", line
			}
			a, ok := parseForwarded(strings.TrimSpace(last))
			if !ok {
				return netip.Addr{}
			}
			if peer = a; !contains(trusted, peer) {
				return peer
			}
		}
	}
	return peer
}

// parseForwarded reads an address, with or without a port.
func parseForwarded(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return plain(a), true
	}
	ap, err := netip.ParseAddrPort(s)
	return plain(ap.Addr()), err == nil
}

// plain takes off what prefixes do not match: zones, and IPv6 clothes of an IPv4
// address.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
