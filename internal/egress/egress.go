// Package egress keeps the gateway from calling what it was not meant to call.
//
// An address is checked when a connection to it is made, after name resolution, and it
// is the address that is connected to: neither a name that changes between two look-ups
// nor an odd spelling gets around it. Nothing here reads HTTP_PROXY: whoever calls
// through a proxy has its addresses checked by nobody.
package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// ErrBlocked is wrapped when an address may not be called.
var ErrBlocked = errors.New("address may not be called")

// Policy says which addresses may be called. The zero value allows public
// addresses only. Link-local addresses and metadata services are never called,
// whatever it says.
type Policy struct {
	// AllowPrivate allows private and loopback addresses.
	AllowPrivate bool
	// Allow lists further prefixes that may be called.
	Allow []netip.Prefix
}

// ForFile is the policy for what the operator's own file names: private addresses, where
// IM backends live, and what allow lists.
func ForFile(allow []netip.Prefix) Policy { return Policy{AllowPrivate: true, Allow: allow} }

// ForAPI is the policy for what somebody names through the API, who need not be the
// operator: public addresses, and of the others what allow lists.
func ForAPI(allow []netip.Prefix) Policy { return Policy{Allow: allow} }

// Dialer returns a dialer that connects over TCP, and only to what the policy
// allows. An address that may not be called is an error that wraps [ErrBlocked] and
// says why in words.
func (p Policy) Dialer() *net.Dialer { return &net.Dialer{Control: newGuard(p).control} }

// Check says in words why a may not be called, in an error that wraps [ErrBlocked]; nil
// when it may. It is for telling somebody early: what counts is what the dialer finds.
func (p Policy) Check(a netip.Addr) error { return newGuard(p).check(a) }

// control is a net.Dialer's Control: it sees the address that the connection is about to
// be made to.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network is %s, not TCP", ErrBlocked, network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: reading address: %w", ErrBlocked, err)
	}
	return g.check(ap.Addr())
}
