package egress

import (
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		host, name string
		addr       string // empty for a name
	}{
		{"backend", "backend", ""},
		{"Backend.Example.COM", "backend.example.com", ""},
		{"backend.example.com.", "backend.example.com.", ""},
		{"my_backend-1", "my_backend-1", ""},
		{"web.1", "web.1", ""},
		{"0xbackend", "0xbackend", ""},
		{"例子.中国", "xn--fsqu00a.xn--fiqs8s", ""},
		{"bücher。example", "xn--bcher-kva.example", ""},
		{"１0.1.2.3", "10.1.2.3", "10.1.2.3"},
		{"10.1.2.3", "10.1.2.3", "10.1.2.3"},
		{"::1", "::1", "::1"},
		{"2001:DB8::0:1", "2001:db8::1", "2001:db8::1"},
		{"::ffff:169.254.169.254", "169.254.169.254", "169.254.169.254"},
	} {
		got, err := ParseHost(tt.host)
		addr := ""
		if got.Addr.IsValid() {
			addr = got.Addr.String()
		}
		if err != nil || got.Name != tt.name || addr != tt.addr {
			t.Errorf("ParseHost(%q) = %q, %q, %v, want %q, %q", tt.host, got.Name, addr, err, tt.name, tt.addr)
		}
	}
}

func TestParseHost_OneSpellingOfEachAddress(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"2852039166":          "the address 169.254.169.254 in another spelling",
		"0xa9fea9fe":          "the address 169.254.169.254",
		"0XA9.0xFE.0xA9.0xFE": "the address 169.254.169.254",
		"0251.0376.0251.0376": "the address 169.254.169.254",
		"169.254.43518":       "the address 169.254.169.254",
		"169.16689662":        "the address 169.254.169.254",
		"169.254.169.254.":    "the address 169.254.169.254",
		"１６９。２５４．１６９｡２５４.": "the address 169.254.169.254",
		"127.1":                  "the address 127.0.0.1",
		"0":                      "the address 0.0.0.0",
		"0x":                     "the address 0.0.0.0",
		"010.1.2.3":              "the address 8.1.2.3",
		"256.1.1.1":              "is no address",
		"1.2.3.4.5":              "is no address",
		"4294967296":             "is no address",
		"08.1.1.1":               "is no address",
		"fe80::1%eth0":           "link-local addresses are never called",
		"::1%lo":                 "has a zone (%lo)",
		"127.0.0.1%25":           "no IPv6 address",
		"::g":                    "no IPv6 address",
		"":                       "host is missing",
		".":                      "host is missing",
		"a..b":                   "no name that can be looked up",
		"a b":                    "no name that can be looked up",
		"a/b":                    "no name that can be looked up",
		"xn--\u00fc":             "no name that can be looked up",
		strings.Repeat("a", 300): "no name that can be looked up",
	} {
		if got, err := ParseHost(host); err == nil || !strings.Contains(err.Error(), want) || got != (Host{}) {
			t.Errorf("ParseHost(%q) = %+v, %v, want %q", host, got, err, want)
		}
	}
}
