package egress

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// everything allows all that can be allowed.
func everything() Policy {
	return Policy{AllowPrivate: true, Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
}

// noHost is what Go's own library says about an address that nobody may call.
func noHost(a netip.Addr) bool {
	return a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{169, 254, 169, 254})
}

// in6 are the forms in which an IPv4 address can stand in an IPv6 one.
func in6(v4 netip.Addr) []netip.Addr {
	b := v4.As4()
	var all []netip.Addr
	for _, prefix := range []string{"::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::ffff:0:0:0", "2a00:1450:4001:64:0:5efe::", "2a00:1450:4001:64:200:5efe::", "::"} {
		w := netip.MustParseAddr(prefix).As16()
		copy(w[12:], b[:])
		all = append(all, netip.AddrFrom16(w))
	}
	w := netip.MustParseAddr("2002::1").As16()
	copy(w[2:6], b[:])
	return append(all, netip.AddrFrom16(w))
}

// FuzzPolicy_Check: what is never called is never called in any clothes and whatever is
// allowed; a policy that allows more blocks no more; nothing depends on the spelling.
func FuzzPolicy_Check(f *testing.F) {
	for _, s := range []string{
		"93.184.215.14", "127.0.0.1", "10.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192", "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "198.18.0.1", "::", "::1", "::ffff:169.254.169.254", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "fd12::1",
		"64:ff9b::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1", "2001::a9fe:a9fe:0:0:1:1", "2a00:1450:4001:64:0:5efe:7f00:1", "::ffff:0:7f00:1",
		"2606:2800:21f:cb07:6820:80da:af6b:8b2c",
	} {
		f.Add(netip.MustParseAddr(s).AsSlice())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		public, private, all := ForAPI(nil).Check(a), ForFile(nil).Check(a), everything().Check(a)
		for _, err := range []error{public, private, all} {
			if err != nil && (!errors.Is(err, ErrBlocked) || len(err.Error()) > 300) {
				t.Errorf("%s: %q does not wrap ErrBlocked, or is no line", a, err)
			}
		}
		if public == nil && private != nil || private == nil && all != nil {
			t.Errorf("%s: public %v, private %v, everything %v: allowing more blocks more", a, public, private, all)
		}
		if u := a.Unmap(); all == nil && noHost(u) || public == nil && (u.IsPrivate() || u.IsLoopback()) {
			t.Errorf("%s is called: public %v, everything %v", a, public, all)
		}
		if a.Is6() {
			if err := everything().Check(a.WithZone("eth0")); (err == nil) != (all == nil) {
				t.Errorf("%s: %v without a zone, %v with one", a, all, err)
			}
			return
		}
		for i, b := range in6(a) {
			// Below the local NAT64 prefix and ::/96 an address that begins with 0 is none.
			if all != nil && everything().Check(b) == nil && a.As4()[0] != 0 {
				t.Errorf("%s is never called, and %s, which leads there, is", a, b)
			}
			if p := ForAPI(nil).Check(b); public != nil && p == nil || i == 0 && (p == nil) != (public == nil) {
				t.Errorf("%s: %v, and %s, which leads there: %v", a, public, b, p)
			}
		}
	})
}

// FuzzParseHost: what is accepted is written in one way, is read again as the same, and no
// resolver takes it for an address that it does not say it is.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{
		"backend", "Backend.example.COM.", "10.1.2.3", "2852039166", "0x7f.1", "0177.1", "127.1", "0x", "08", "256.1.1.1", "1.2.3.4.5", "web.1",
		"::1", "::ffff:1.2.3.4", "fe80::1%eth0", "2001:db8::1", "例子.中国", "１６９。２５４。１６９。２５４", "bücher.example", "xn--fsqu00a", "a_b", "a..b", ".", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHost(s)
		if err != nil {
			if h != (Host{}) || err.Error() == "" {
				t.Fatalf("ParseHost(%q) = %+v beside %v", s, h, err)
			}
			return
		}
		if strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r >= 0x7f || 'A' <= r && r <= 'Z' }) {
			t.Errorf("ParseHost(%q) = %q, want small ASCII", s, h.Name)
		}
		if again, err := ParseHost(h.Name); err != nil || again != h {
			t.Errorf("ParseHost(%q) = %+v, and of that %+v, %v", s, h, again, err)
		}
		if a, ok := aton(strings.TrimSuffix(h.Name, ".")); ok != h.Addr.Is4() || ok && a != h.Addr {
			t.Errorf("ParseHost(%q) = %+v, which a resolver takes for %s", s, h, a)
		}
		if h.Addr.IsValid() && h.Name != h.Addr.String() {
			t.Errorf("ParseHost(%q) = %+v, want the address in its one spelling", s, h)
		}
	})
}
