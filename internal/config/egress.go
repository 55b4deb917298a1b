package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/imhook/imhook/internal/egress"
)

// Egress is whom the gateway may call beside public addresses and, for what this file
// names, private ones.
type Egress struct {
	// Allow are networks. Link-local addresses and metadata services are never called,
	// whatever it says.
	Allow []netip.Prefix `key:"allow"`
}

// Calls says whom a hook or endpoint may call: one of the file, or one that the API
// defined, which need not be the operator's. Of a sandbox that only this machine reaches
// it is, and what it calls is on this machine.
func (c *Config) Calls(fromAPI bool) egress.Policy {
	if fromAPI {
		allow := c.Egress.Allow
		if c.Sandbox && isLoopback(c.Listen) {
			allow = append(slices.Clone(allow), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
		}
		return egress.ForAPI(allow)
	}
	return egress.ForFile(c.Egress.Allow)
}

// egress reads whom the gateway may call.
func (l *loader) egress(o *object) {
	e := &l.config.Egress
	e.Allow = o.prefixes("allow")
	if v, ok := o.get("allow"); ok {
		for _, item := range v.list() {
			p, err := netip.ParsePrefix(item.node.Value)
			if a, bad := netip.ParseAddr(item.node.Value); bad == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if because, ok := egress.Never(p); err == nil && ok {
				item.wrong("is link-local, a metadata service or no host (%s), which is never called; remove it", because)
			}
		}
	}
	o.done()
}

// callable reads a host that v names, and says what is wrong with calling it; false then.
// What a name leads to is seen when it is called.
func (l *loader) callable(v value, host string) (egress.Host, bool) {
	h, err := egress.ParseHost(host)
	addr := h.Addr
	if strings.EqualFold(strings.TrimSuffix(h.Name, "."), "localhost") {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1}) // wherever it is asked
	}
	if err == nil && addr.IsValid() {
		err = l.config.Calls(l.fromAPI).Check(addr)
	}
	if err != nil {
		v.wrong("%v", err)
		return egress.Host{}, false
	}
	return h, true
}

// callableURLs is [loader.callable] for each of some URLs.
func (l *loader) callableURLs(v value, all []string) {
	for _, s := range all {
		if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
			l.callable(v, u.Hostname())
		}
	}
}
