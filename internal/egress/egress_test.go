package egress

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	public := newGuard(Policy{})
	private := newGuard(Policy{AllowPrivate: true})
	listed := newGuard(Policy{Allow: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("::ffff:10.2.0.0/112"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("fe80::/10"),
	}})
	for _, tt := range []struct {
		addr                    string
		public, private, listed bool
	}{
		{"93.184.215.14", true, true, true},
		{"2606:2800:21f:cb07:6820:80da:af6b:8b2c", true, true, true},
		{"127.0.0.1", false, true, false},
		{"127.9.9.9", false, true, false},
		{"::1", false, true, false},
		{"10.1.2.3", false, true, true},
		{"10.2.2.3", false, true, true},
		{"10.3.2.3", false, true, false},
		{"172.16.0.1", false, true, false},
		{"172.32.0.1", true, true, true},
		{"192.168.1.1", false, true, false},
		{"100.64.0.1", false, true, false},
		{"fd12:3456::1", false, true, false},
		// An IPv4 address in IPv6 clothes is that IPv4 address.
		{"::ffff:10.1.2.3", false, true, true},
		{"::ffff:127.0.0.1", false, true, false},
		{"::ffff:169.254.169.254", false, false, false},
		{"64:ff9b::a9fe:a9fe", false, false, false},
		{"64:ff9b::7f00:1", false, false, false},
		{"64:ff9b::5db8:d70e", false, false, true},
		{"64:ff9b:1::a9fe:a9fe", false, false, false},       // in a network's own NAT64, /96
		{"64:ff9b:1:a9fe:a9:fe00::", false, false, false},   // /48
		{"64:ff9b:1:a9:fe:a9fe::", false, false, false},     // /56
		{"64:ff9b:1:0:a9:fea9:fe00:0", false, false, false}, // /64
		{"64:ff9b:1::a01:203", false, false, false},
		{"2a00:1450:4001:64::a9fe:a9fe", false, false, false}, // below a prefix that only the network knows
		{"2002:a9fe:a9fe::1", false, false, false},
		{"2002:a01:203::1", false, false, false},
		{"2001::a9fe:a9fe:0:0:f5ff:fffe", false, false, false}, // Teredo: server
		{"2001:0:a00:1:0:0:5601:5601", false, false, false},    // Teredo: client
		{"2a00:1450:4001:64:0:5efe:10.3.2.3", false, true, false},
		{"2a00:1450:4001:64:200:5efe:169.254.1.1", false, false, false},
		{"::ffff:0:169.254.169.254", false, false, false},
		{"::169.254.169.254", false, false, false},
		{"::10.1.2.3", false, false, false},
		// Never, whatever is allowed.
		{"169.254.169.254", false, false, false},
		{"169.254.0.23", false, false, false},
		{"fe80::1", false, false, false},
		{"fe80::1%eth0", false, false, false},
		{"fd00:ec2::254", false, false, false},
		{"fd00:ec2::23", false, false, false},
		{"fd20:ce::254", false, false, false},
		{"fd00:42::42", false, false, false},
		{"192.0.0.192", false, false, false},
		{"100.100.100.200", false, false, false},
		{"168.63.129.16", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
	} {
		for name, g := range map[string]struct {
			guard
			want bool
		}{"public": {public, tt.public}, "private": {private, tt.private}, "listed": {listed, tt.listed}} {
			err := g.check(netip.MustParseAddr(tt.addr))
			if (err == nil) != g.want {
				t.Errorf("%s guard on %s: %v, want allowed = %v", name, tt.addr, err, g.want)
			}
			if err != nil && !errors.Is(err, ErrBlocked) {
				t.Errorf("%s guard on %s: %v does not wrap ErrBlocked", name, tt.addr, err)
			}
		}
	}
}

func TestGuard_ControlRefusesWhatIsNotTCP(t *testing.T) {
	t.Parallel()
	g := newGuard(Policy{AllowPrivate: true})
	for _, tt := range []struct {
		network, address string
		ok               bool
	}{
		{"tcp4", "127.0.0.1:80", true},
		{"tcp6", "[::1]:8080", true},
		{"udp4", "127.0.0.1:80", false},
		{"unix", "/run/x.sock", false},
		{"tcp4", "127.0.0.1", false},
	} {
		if err := g.control(tt.network, tt.address, nil); (err == nil) != tt.ok {
			t.Errorf("control(%s, %s) = %v, want ok = %v", tt.network, tt.address, err, tt.ok)
		}
	}
}
