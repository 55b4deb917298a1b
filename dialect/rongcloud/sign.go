package rongcloud

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// nonceBytes is the vendor's bound on a nonce.
const nonceBytes = 18

// Sign puts the current generation's parameters behind the query, in place of
// any signature that is there. The nonce follows from event and body, so that two
// bodies never share one in the same millisecond.
func (d *Dialect) Sign(req *dialect.Request, cred dialect.Credentials, id string, now time.Time) error {
	secret, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	nonce := event.DeriveID(id, req.ID, string(req.Body))[:nonceBytes]
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	sum := signature(secret, nonce, timestamp)

	var b strings.Builder
	if rest := unsigned(req.Query); rest != "" {
		b.WriteString(rest + "&")
	}
	if key := cred.Get("app_key"); key != "" {
		b.WriteString("appKey=" + url.QueryEscape(key) + "&")
	}
	b.WriteString("timestamp=" + timestamp + "&nonce=" + nonce + "&signature=")
	b.Write(sum[:])
	req.Query = b.String()
	return nil
}

// unsigned is a raw query without the parameters that authenticate, the others
// byte for byte.
func unsigned(query string) string {
	if query == "" {
		return ""
	}
	kept := make([]string, 0, 4)
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if !authenticates(name) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

func authenticates(name string) bool {
	for _, n := range queryNames {
		if name != "" && (name == n.appKey || name == n.nonce || name == n.timestamp || name == n.signature) {
			return true
		}
	}
	return false
}
