package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Host is whom a URL or a broker's address names.
type Host struct {
	// Name is how it is looked up, connected to and named in requests: ASCII, small
	// letters, an IPv6 address without brackets.
	Name string
	// Addr is its address when it is one; invalid for a name.
	Addr netip.Addr
}

// maxName is the longest name that DNS has.
const maxName = 253

// ParseHost reads a host without port and brackets. There is one spelling for each
// address: 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 are errors that say which address
// they are, for resolvers disagree about them. A name in other letters becomes what DNS
// has for it. The error is for the person who wrote it.
func ParseHost(s string) (Host, error) {
	if strings.Contains(s, ":") || strings.Contains(s, "%") {
		a, err := netip.ParseAddr(s)
		switch {
		case err != nil:
			return Host{}, fmt.Errorf("%q is no IPv6 address", s)
		case a.Zone() != "":
			return Host{}, fmt.Errorf("%q has a zone (%%%s): link-local addresses are never called; write another address of that machine", s, a.Zone())
		}
		a = a.Unmap()
		return Host{Name: a.String(), Addr: a}, nil
	}
	name, err := ascii(s)
	if err != nil {
		return Host{}, err
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return Host{Name: name, Addr: a}, nil
	}
	if !numeric(name) {
		return Host{Name: name}, nil
	}
	a, ok := aton(strings.TrimSuffix(name, "."))
	if !ok {
		return Host{}, fmt.Errorf("%q is no address; write one as 10.1.2.3, or a name", s)
	}
	return Host{}, fmt.Errorf("%q is the address %s in another spelling; write it so", s, a)
}

// lookup maps names as browsers do, but for underscores and dashes at odd places, which
// names inside a cluster have.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule())

// ascii is the name as DNS has it.
func ascii(s string) (string, error) {
	name := strings.ToLower(s)
	if strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) {
		var err error
		if name, err = lookup.ToASCII(s); err != nil {
			return "", fmt.Errorf("%q is no name that can be looked up", s)
		}
	}
	bare := strings.TrimSuffix(name, ".")
	switch {
	case bare == "":
		return "", errors.New("host is missing")
	case len(bare) > maxName || strings.Contains(bare, "..") || bare[0] == '.':
		return "", fmt.Errorf("%q is no name that can be looked up", s)
	}
	for _, c := range []byte(bare) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"#%/:<>?@[\]^|`+"`{}", c) >= 0 {
			return "", fmt.Errorf("%q is no name that can be looked up", s)
		}
	}
	return name, nil
}

// numeric reports whether all parts of a name are numbers, as those of an address are.
func numeric(name string) bool {
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		digits, set := part, "0123456789"
		if hex, ok := strings.CutPrefix(part, "0x"); ok {
			digits, set = hex, "0123456789abcdef"
		}
		if strings.Trim(digits, set) != "" {
			return false
		}
	}
	return true
}

// aton reads an IPv4 address as inet_aton does: one to four numbers, each decimal, octal
// (0…) or hexadecimal (0x…), of which the last has all bytes that are left.
func aton(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var all uint32
	for i, part := range parts {
		base, digits := 10, part
		if hex, ok := strings.CutPrefix(part, "0x"); ok {
			base, digits = 16, hex
			if digits == "" {
				digits = "0" // as browsers read it
			}
		} else if len(part) > 1 && part[0] == '0' {
			base, digits = 8, part[1:]
		}
		left := 8 * (4 - i) // bits
		size := 8
		if i == len(parts)-1 {
			size = left
		}
		n, err := strconv.ParseUint(digits, base, size)
		if err != nil {
			return netip.Addr{}, false
		}
		all |= uint32(n) << (left - size)
	}
	return netip.AddrFrom4([4]byte{byte(all >> 24), byte(all >> 16), byte(all >> 8), byte(all)}), true
}
