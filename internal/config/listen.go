package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// checkListen says what is wrong with host:port.
func checkListen(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on; write host:port, 127.0.0.1:8420", listen)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return fmt.Errorf("%q is not a port; write a number up to 65535", port)
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is not an IP address of this machine; write 127.0.0.1, 0.0.0.0 or one of its addresses", host)
		}
	}
	return nil
}

// isLoopback reports whether only this machine reaches listen.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// overlaps reports whether two addresses cannot be listened on at once.
func overlaps(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || isAny(hostA) || isAny(hostB) || isLoopback(a) && isLoopback(b)
}

// isAny reports whether host is every address of the machine.
func isAny(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}

// apiListen is where the API is.
func (c *Config) apiListen() string {
	if c.Admin.Listen != "" {
		return c.Admin.Listen
	}
	return c.Listen
}

// CheckListen is the rule about listeners for a configuration that was not loaded
// from a file: where others reach the API it needs an admin token.
func (c *Config) CheckListen() error {
	if err := checkListen(c.Listen); err != nil {
		return err
	}
	if at := c.apiListen(); !isLoopback(at) && !c.Admin.Closed() {
		return fmt.Errorf("%s is reachable from outside and the API is open; give a token, or listen on 127.0.0.1", at)
	}
	return nil
}

// listen checks the addresses against each other and the token; the first may
// come from a flag.
func (l *loader) listen(o *object) {
	c := l.config
	at, ok := o.get("listen")
	if !ok || l.Listen != "" {
		at = o.value
		at.path = "listen"
	}
	if l.Listen != "" {
		at.path = "--listen"
		l.walk.origins["listen"] = Origin{Kind: OriginFlag, Name: "--listen"}
	}
	if err := checkListen(c.Listen); err != nil {
		at.wrong("%v", err)
		return
	}
	const todo = "set admin.token, admin.token_env or admin.token_file, or "
	if c.Admin.Listen == "" {
		if !isLoopback(c.Listen) && !l.hasToken {
			at.wrong("%s is reachable from outside and the API is open; "+todo+"listen on 127.0.0.1, or give the API a listener of its own with admin.listen", c.Listen)
		}
		return
	}
	at = l.adminListen
	switch err := checkListen(c.Admin.Listen); {
	case err != nil:
		at.wrong("%v", err)
	case overlaps(c.Listen, c.Admin.Listen):
		at.wrong("%s is where callbacks are taken already (listen is %s); choose another port, or remove it: the API is then at listen", c.Admin.Listen, c.Listen)
	case !isLoopback(c.Admin.Listen) && l.hasToken && c.Admin.TLS == nil:
		at.warn("%s is reachable from outside without TLS: the admin token can be read on the way; set admin.tls, or let a proxy on this machine do it", c.Admin.Listen)
	case !isLoopback(c.Admin.Listen) && !l.hasToken:
		at.wrong("%s is reachable from outside and the API is open; "+todo+"let the API listen on 127.0.0.1", c.Admin.Listen)
	}
}
