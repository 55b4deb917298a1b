package tencent

import (
	"net/url"
	"slices"
	"strings"
)

// commandKey is the key of the query that names the command.
const commandKey = "CallbackCommand"

// query is what the vendor's server writes behind the URL of the console.
type query struct {
	appID       string // SdkAppid
	command     string // CallbackCommand
	clientIP    string
	platform    string // OptPlatform
	requestTime string
	sign        string
	// hasIP and hasPlatform tell an empty value from none: Push.* and
	// Group.CallbackOnMemberStateChange have neither.
	hasIP, hasPlatform bool
}

// parseQuery reads the first value of each name; a pair that cannot be read is
// somebody else's.
func parseQuery(raw string) query {
	var q query
	var seen struct{ appID, command, requestTime, sign bool }
	first := func(to *string, had *bool, value string) {
		if !*had {
			*to, *had = unescape(value), true
		}
	}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch unescape(name) {
		case "SdkAppid":
			first(&q.appID, &seen.appID, value)
		case commandKey:
			first(&q.command, &seen.command, value)
		case "ClientIP":
			first(&q.clientIP, &q.hasIP, value)
		case "OptPlatform":
			first(&q.platform, &q.hasPlatform, value)
		case "RequestTime":
			first(&q.requestTime, &seen.requestTime, value)
		case "Sign":
			first(&q.sign, &seen.sign, value)
		}
	}
	return q
}

func unescape(s string) string {
	if strings.ContainsAny(s, "%+") {
		if plain, err := url.QueryUnescape(s); err == nil {
			s = plain
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// without is a raw query without the pairs of some names, the others byte for byte.
func without(raw string, names ...string) string {
	if raw == "" {
		return ""
	}
	drop := func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(names, unescape(name))
	}
	found := false
	for pair := range strings.SplitSeq(raw, "&") {
		found = found || drop(pair)
	}
	if !found {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for pair := range strings.SplitSeq(raw, "&") {
		if drop(pair) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair)
	}
	return b.String()
}

// appendQuery appends a pair.
func appendQuery(b []byte, name, value string) []byte {
	if len(b) > 0 {
		b = append(b, '&')
	}
	return append(append(append(b, name...), '='), url.QueryEscape(value)...)
}
