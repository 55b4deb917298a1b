package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers each question for an IPv4 address with what next says, and has no
// IPv6 addresses. It returns a resolver that asks it alone.
func nameServer(t *testing.T, next func() []netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = pc.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := reply(buf[:n], next); out != nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func reply(packet []byte, next func() []netip.Addr) []byte {
	var q dnsmessage.Message
	if q.Unpack(packet) != nil || len(q.Questions) != 1 {
		return nil
	}
	r := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true}, Questions: q.Questions}
	if q.Questions[0].Type == dnsmessage.TypeA {
		for _, a := range next() {
			r.Answers = append(r.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Class: dnsmessage.ClassINET}, // TTL 0
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	out, err := r.Pack()
	if err != nil {
		return nil
	}
	return out
}

// listener accepts and counts connections.
func listener(t *testing.T, at string) (port string, accepted *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int64)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = c.Close()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, accepted
}

// TestDialer_CallsTheAddressThatWasChecked: a name that is harmless at its first look-up
// and leads inside at the next is checked each time, by what is connected to.
func TestDialer_CallsTheAddressThatWasChecked(t *testing.T) {
	t.Parallel()
	port, accepted := listener(t, "127.0.0.1")
	good, bad := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	var asked atomic.Int64
	d := Policy{Allow: []netip.Prefix{netip.PrefixFrom(good, 32)}}.Dialer()
	d.Resolver = nameServer(t, func() []netip.Addr {
		if asked.Add(1)%2 == 1 {
			return []netip.Addr{good}
		}
		return []netip.Addr{bad}
	})
	for i := range 6 {
		c, err := d.DialContext(t.Context(), "tcp", "rebind.example:"+port)
		if i%2 == 0 {
			if err != nil {
				t.Fatalf("look-up %d: %v, want the connection", i, err)
			}
			if got := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(); got != good {
				t.Errorf("connected to %s, want %s", got, good)
			}
			_ = c.Close()
			continue
		}
		if !errors.Is(err, ErrBlocked) || !strings.Contains(err.Error(), "127.0.0.2") {
			t.Errorf("look-up %d: %v, want it blocked", i, err)
		}
	}
	if n := asked.Load(); n != 6 {
		t.Errorf("the name was looked up %d times in 6 connections: what is checked is not what is connected to", n)
	}
	if n := accepted.Load(); n > 3 {
		t.Errorf("%d connections were accepted, want 3", n)
	}
}

// TestDialer_OfSeveralAddressesTheBlockedAreLeftOut: one harmless address beside others
// opens no way to them.
func TestDialer_OfSeveralAddressesTheBlockedAreLeftOut(t *testing.T) {
	t.Parallel()
	port, _ := listener(t, "127.0.0.1")
	d := Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}.Dialer()
	d.Resolver = nameServer(t, func() []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1")}
	})
	c, err := d.DialContext(t.Context(), "tcp", "several.example:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.1" {
		t.Errorf("connected to %s", got)
	}
}

// TestPolicies: what the file names may be private, what the API names may not, unless it
// is allowed; what is never called is neither's.
func TestPolicies(t *testing.T) {
	t.Parallel()
	port, accepted := listener(t, "127.0.0.1")
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, tt := range []struct {
		name   string
		policy Policy
		ok     bool
	}{
		{"file", ForFile(nil), true},
		{"API", ForAPI(nil), false},
		{"API, allowed", ForAPI(loopback), true},
		{"API, another network allowed", ForAPI([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}), false},
	} {
		c, err := tt.policy.Dialer().DialContext(t.Context(), "tcp", "localhost:"+port)
		if err == nil {
			_ = c.Close()
		}
		if (err == nil) != tt.ok || !tt.ok && !errors.Is(err, ErrBlocked) {
			t.Errorf("%s: %v, want allowed = %v", tt.name, err, tt.ok)
		}
	}
	for name, p := range map[string]Policy{"file": ForFile(nil), "API": ForAPI(nil), "everything": everything()} {
		_, err := p.Dialer().DialContext(t.Context(), "tcp", "169.254.169.254:80")
		if !errors.Is(err, ErrBlocked) || !strings.Contains(err.Error(), "never called") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := ForAPI(nil).Dialer().DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1 is private (127.0.0.0/8); if it is meant, add it to egress.allow") {
		t.Errorf("blocked with %v, want the remedy", err)
	}
	if n := accepted.Load(); n > 2 {
		t.Errorf("%d connections were accepted, want 2", n)
	}
}

func TestNever(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]bool{
		"169.254.0.0/16": true, "169.254.169.254/32": true, "::ffff:169.254.0.0/112": true, "fe80::/64": true, "fd00:ec2::254/128": true,
		"0.0.0.0/0": false, "169.0.0.0/8": false, "10.0.0.0/8": false, "100.64.0.0/10": false, "::/0": false,
	} {
		if because, ok := Never(netip.MustParsePrefix(prefix)); ok != want || ok != because.IsValid() {
			t.Errorf("Never(%s) = %s, %v", prefix, because, ok)
		}
	}
}
