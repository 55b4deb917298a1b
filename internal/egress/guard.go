package egress

import (
	"fmt"
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"
)

// guard checks addresses by a policy. Immutable and safe for concurrent use.
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

// check returns an error that wraps ErrBlocked when a may not be called.
func (g guard) check(a netip.Addr) error {
	if !a.IsValid() {
		return fmt.Errorf("%w: it is none", ErrBlocked)
	}
	// Prefixes never contain an address with a zone or an IPv4 address in IPv6
	// clothes, so both are taken off first.
	a = a.Unmap().WithZone("")
	inner := embedded(a)
	for _, b := range append([]netip.Addr{a}, inner...) {
		if p, ok := never(b); ok {
			return fmt.Errorf("%w: %s is link-local, a metadata service or no host (%s), which is never called", ErrBlocked, named(a, b), p)
		}
	}
	if s := tail4(a); slices.Contains(metadata4, s) {
		return fmt.Errorf("%w: %s is a metadata service, which is never called", ErrBlocked, named(a, s))
	}
	if g.lib.SafeAddr(a) != nil {
		return refused(a, a)
	}
	// An IPv4 address inside an IPv6 one leads where the inner one leads.
	for _, b := range inner {
		if g.lib.SafeAddr(b) != nil {
			return refused(a, b)
		}
	}
	return nil
}

// refused says that a may not be called because of b, which is a or leads to it, and
// what one does about it.
func refused(a, b netip.Addr) error {
	what := "not a public address"
	for _, p := range privatePrefixes {
		if p.Contains(b) {
			what = fmt.Sprintf("private (%s)", p)
			break
		}
	}
	return fmt.Errorf("%w: %s is %s; if it is meant, add it to egress.allow", ErrBlocked, named(a, b), what)
}

// named is how a is called when b is what is said about it.
func named(a, b netip.Addr) string {
	if a == b {
		return a.String()
	}
	return fmt.Sprintf("%s, which leads to %s,", a, b)
}
