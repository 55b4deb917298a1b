// Package egress keeps the gateway from calling what it was not meant to call:
// addresses are checked when a connection is made, after name resolution, so that
// neither a name that changes nor an odd spelling of an address gets around it.
package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrBlocked is wrapped when an address may not be called.
var ErrBlocked = errors.New("address may not be called")

// Policy says which addresses may be called. The zero value allows public
// addresses only.
type Policy struct {
	// AllowPrivate allows private and loopback addresses: for what the
	// configuration file defines, since IM backends live there.
	AllowPrivate bool
	// Allow lists further prefixes that may be called. Metadata services and
	// link-local addresses never are, whatever it says.
	Allow []netip.Prefix
}

// privatePrefixes are allowed by AllowPrivate.
var privatePrefixes = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared address space: clusters and VPNs
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fc00::/7"),
}

// neverPrefixes hold credentials for whoever asks, or are no hosts at all.
var neverPrefixes = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // link-local; metadata of most clouds
	netip.MustParsePrefix("fe80::/10"),      // link-local
	netip.MustParsePrefix("fec0::/10"),      // site-local, given up
	netip.MustParsePrefix("0.0.0.0/8"),      // "this host": reaches loopback services on Linux
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("224.0.0.0/4"), // multicast
	netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud metadata
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure platform
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud metadata
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS metadata
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud metadata
	netip.MustParsePrefix("fd00:42::42/128"),    // Scaleway metadata
}

// Dialer returns a dialer that connects over TCP, and only to what the policy
// allows. An address that may not be called is an error that wraps [ErrBlocked].
func (p Policy) Dialer() *net.Dialer { return &net.Dialer{Control: newGuard(p).control} }

// guard checks addresses at the time of connecting, after name resolution, so
// that neither a redirect of the name nor an odd spelling of the address gets
// around it. Immutable and safe for concurrent use.
type guard struct{ lib *ssrf.Guardian }

func newGuard(p Policy) guard {
	allowed := p.Allow
	if p.AllowPrivate {
		allowed = append(slices.Clip(privatePrefixes), p.Allow...)
	}
	var v4, v6 []netip.Prefix
	for _, in := range allowed {
		in = unmapPrefix(in)
		if in.Addr().Is4() {
			v4 = append(v4, in)
		} else {
			v6 = append(v6, in)
		}
	}
	return guard{lib: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))}
}

// control is a net.Dialer's Control.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network is %s", ErrBlocked, network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: reading address: %w", ErrBlocked, err)
	}
	return g.check(ap.Addr())
}

// check returns an error that wraps ErrBlocked when a may not be called.
func (g guard) check(a netip.Addr) error {
	// Prefixes never contain an address with a zone or an IPv4 address in IPv6
	// clothes, so both are taken off first.
	a = a.Unmap().WithZone("")
	for _, b := range []netip.Addr{a, embedded4(a)} {
		for _, p := range neverPrefixes {
			if p.Contains(b) {
				return fmt.Errorf("%w: %s is link-local, a metadata service or no host (%s)", ErrBlocked, a, p)
			}
		}
	}
	// An IPv4 address inside an IPv6 one leads where the inner one leads.
	if in := embedded4(a); in.IsValid() {
		if err := g.lib.SafeAddr(in); err != nil {
			return fmt.Errorf("%w: %w", ErrBlocked, err)
		}
	}
	if err := g.lib.SafeAddr(a); err != nil {
		return fmt.Errorf("%w: %w", ErrBlocked, err)
	}
	return nil
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	compat4   = netip.MustParsePrefix("::/96")
)

// embedded4 is the IPv4 address that a translating or tunnelling IPv6 address
// leads to, or the invalid Addr.
func embedded4(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compat4.Contains(a) && a != netip.IPv6Loopback() && !a.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}

// unmapPrefix turns ::ffff:a.b.c.d/n into its IPv4 form.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p
}
