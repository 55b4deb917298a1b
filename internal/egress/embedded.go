package egress

import "net/netip"

// Prefixes under which an IPv6 address has an IPv4 address in it.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	compat4    = netip.MustParsePrefix("::/96")
	siit       = netip.MustParsePrefix("::ffff:0:0:0/96")
)

// embedded are the IPv4 addresses that a translating or tunnelling IPv6 address may
// lead to.
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	at := func(i ...int) netip.Addr { return netip.AddrFrom4([4]byte{b[i[0]], b[i[1]], b[i[2]], b[i[3]]}) }
	tail := at(12, 13, 14, 15)
	switch {
	case a == netip.IPv6Loopback(), a.IsUnspecified():
		return nil
	case nat64.Contains(a), compat4.Contains(a), siit.Contains(a):
		return []netip.Addr{tail}
	case nat64Local.Contains(a):
		// How long the prefix is inside of this one is up to the network, and with it
		// where the four bytes stand (RFC 6052). Where there is nothing they are not.
		var all []netip.Addr
		for _, in := range []netip.Addr{tail, at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12)} {
			if in.As4()[0] != 0 {
				all = append(all, in)
			}
		}
		return all
	case sixToFour.Contains(a):
		return []netip.Addr{at(2, 3, 4, 5)}
	case teredo.Contains(a):
		return []netip.Addr{at(4, 5, 6, 7), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return []netip.Addr{tail} // ISATAP, below any prefix
	}
	return nil
}

// tail4 is the last four bytes of an IPv6 address; the invalid Addr of an IPv4 one.
func tail4(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
