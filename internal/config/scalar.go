package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/internal/suggest"
)

// text reads a scalar as it is written: an app key of digits needs no quotes.
func (v value) text() (string, bool) {
	if !v.usable() {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		v.wrong("must be a string, not %s", kindOf(v.node))
		return "", false
	}
	return v.node.Value, true
}

// texts reads a list of strings.
func (v value) texts() []string {
	var all []string
	for _, item := range v.list() {
		if s, ok := item.text(); ok {
			all = append(all, s)
		}
	}
	return all
}

func (o *object) text(key string, to *string) {
	if v, ok := o.get(key); ok {
		if s, ok := v.text(); ok {
			*to = s
		}
	}
}

func (o *object) boolean(key string, to *bool) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	s, ok := v.text()
	switch {
	case !ok:
	case s == "true":
		*to = true
	case s == "false":
		*to = false
	default:
		v.wrong("%q is neither true nor false", s)
	}
}

func (o *object) integer(key string, least int, to *int) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	s, ok := v.text()
	if !ok {
		return
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		v.wrong("%q is not a whole number", s)
	case n < least:
		v.wrong("is %d; it must be at least %d", n, least)
	default:
		*to = n
	}
}

func (o *object) duration(key string, to *time.Duration) {
	if v, ok := o.get(key); ok {
		v.duration(to)
	}
}

// pause reads a duration that may be zero.
func (o *object) pause(key string, to *time.Duration) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	if s, ok := v.text(); ok {
		switch d, err := parseDuration(s); {
		case err == nil && d == 0:
			*to = 0
		case err == nil && d < 0:
			v.wrong("is %s; it must be zero or more", s)
		default:
			v.duration(to)
		}
	}
}

// duration reads a duration above zero.
func (v value) duration(to *time.Duration) {
	s, ok := v.text()
	if !ok {
		return
	}
	d, err := parseDuration(s)
	switch {
	case err != nil:
		v.wrong("%q is not a duration; write a number with a unit: 400ms, 5s, 72h, 7d", s)
	case d <= 0:
		v.wrong("is %s; it must be more than zero", s)
	default:
		*to = d
	}
}

// parseDuration is time.ParseDuration with whole days.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		const most = int64(1<<63-1) / int64(24*time.Hour)
		if err == nil && (n > most || n < -most) {
			err = strconv.ErrRange
		}
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// size reads bytes above zero.
func (o *object) size(key string, to *int64) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	s, ok := v.text()
	if !ok {
		return
	}
	n, err := parseSize(s)
	switch {
	case err != nil:
		v.wrong("%q is not a size; write a number with a unit: 512KiB, 500MB, 20GiB", s)
	case n <= 0:
		v.wrong("is %s; it must be more than zero", s)
	default:
		*to = n
	}
}

// parseSize reads "1MiB", "500MB", "1.5GiB", "4096".
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	var unit float64
	switch strings.ToLower(s[len(number):]) {
	case "", "b":
		unit = 1
	case "kb":
		unit = 1e3
	case "mb":
		unit = 1e6
	case "gb":
		unit = 1e9
	case "tb":
		unit = 1e12
	case "kib":
		unit = 1 << 10
	case "mib":
		unit = 1 << 20
	case "gib":
		unit = 1 << 30
	case "tib":
		unit = 1 << 40
	default:
		return 0, fmt.Errorf("unknown unit")
	}
	number = strings.TrimSpace(number)
	if strings.Trim(number, "0123456789.") != "" {
		return 0, strconv.ErrSyntax // no signs, exponents, NaN
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, err
	}
	if f*unit >= 1<<62 {
		return 0, strconv.ErrRange
	}
	return int64(f * unit), nil
}

// prefixes reads CIDRs and bare addresses.
func (o *object) prefixes(key string) []netip.Prefix {
	v, ok := o.get(key)
	if !ok {
		return nil
	}
	var all []netip.Prefix
	for _, item := range v.list() {
		s, ok := item.text()
		if !ok {
			continue
		}
		if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			item.wrong("%q is neither an address nor a network; write 10.1.2.3 or 10.0.0.0/8", s)
			continue
		}
		if p != p.Masked() {
			item.wrong("%s has bits beyond its mask; write %s", p, p.Masked())
			continue
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // callers are compared without these clothes
		}
		all = append(all, p)
	}
	return all
}

// word reads one of some words.
func word[T ~string](o *object, key string, to *T, words ...T) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	s, ok := v.text()
	if !ok {
		return
	}
	names := make([]string, len(words))
	for i, w := range words {
		if names[i] = string(w); names[i] == s {
			*to = w
			return
		}
	}
	v.wrong("%q is not one of %s%s", s, strings.Join(names, ", "), suggest.DidYouMean(s, names))
}

// isName reports whether s can stand in a URL, a metric label and a file name.
func isName(s string) bool {
	if s == "" || len(s) > 64 || strings.ContainsRune("._-", rune(s[0])) {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// name reads the name of something; a missing or bad one is reported.
func (o *object) name(what string) string {
	v, ok := o.get("name")
	if !ok {
		o.missing("name", "name the "+what)
		return ""
	}
	s, ok := v.text()
	if ok && !isName(s) {
		v.wrong("%q cannot be a name; use up to 64 letters, digits, - _ . beginning with a letter or digit", s)
		return ""
	}
	return s
}
