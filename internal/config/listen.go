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

// CheckListen is the rule about the one listener for a configuration that was not
// loaded from a file: an address that others reach needs an admin token.
func (c *Config) CheckListen() error {
	if err := checkListen(c.Listen); err != nil {
		return err
	}
	if !isLoopback(c.Listen) && c.Admin.Token == "" {
		return fmt.Errorf("%s is reachable from outside and the API is open; give a token, or listen on 127.0.0.1", c.Listen)
	}
	return nil
}
