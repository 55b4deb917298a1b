package dialect

import "strings"

// JoinKey joins what tells an event or a message from others into one text:
// different parts give different texts. It is empty when a part is, since what is
// missing tells nothing apart.
func JoinKey(parts ...string) string {
	size := len(parts)
	for _, p := range parts {
		if p == "" {
			return ""
		}
		size += len(p)
	}
	var b strings.Builder
	b.Grow(size)
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('|')
		}
		if strings.ContainsAny(p, "%|") {
			p = strings.ReplaceAll(strings.ReplaceAll(p, "%", "%25"), "|", "%7C")
		}
		b.WriteString(p)
	}
	return b.String()
}
