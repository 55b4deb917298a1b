package egress

import "net/netip"

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
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS: metadata ::254, credentials of pods ::23
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud metadata
	netip.MustParsePrefix("fd00:42::42/128"),    // Scaleway metadata
}

// metadata4 are metadata services by their IPv4 address. A network's own NAT64 prefix,
// which nobody here knows, has them in the last four bytes.
var metadata4 = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // most clouds
	netip.MustParseAddr("169.254.170.2"),   // AWS: credentials of containers
	netip.MustParseAddr("169.254.170.23"),  // AWS: credentials of pods
	netip.MustParseAddr("169.254.0.23"),    // Tencent Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
}

// never returns the prefix because of which a is never called.
func never(a netip.Addr) (netip.Prefix, bool) {
	for _, p := range neverPrefixes {
		if p.Contains(a) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// Never reports whether no address of p is ever called, whatever a policy allows, and
// the network because of which.
func Never(p netip.Prefix) (because netip.Prefix, ok bool) {
	p = unmapPrefix(p)
	for _, n := range neverPrefixes {
		if n.Bits() <= p.Bits() && n.Contains(p.Addr()) {
			return n, true
		}
	}
	return netip.Prefix{}, false
}

// unmapPrefix turns ::ffff:a.b.c.d/n into its IPv4 form.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p
}
