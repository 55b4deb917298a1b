package rongcloud

import (
	"net/http"
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
// any signature that is there; those of moderation results into headers, where
// their page has them and their receivers look. The nonce follows from event and
// body, so that two bodies never share one in the same millisecond.
func (d *Dialect) Sign(req *dialect.Request, cred dialect.Credentials, id string, now time.Time) error {
	secret, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	nonce := event.DeriveID(id, req.ID, string(req.Body))[:nonceBytes]
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	sum := signature(secret, nonce, timestamp)

	key, rest := cred.Get("app_key"), unsigned(req.Query)
	req.Header = unsignedHeader(req.Header)
	if "/"+commandOf(req.Path) == auditResult {
		if req.Header == nil {
			req.Header = http.Header{}
		}
		n := headerNames[0]
		if key != "" {
			req.Header.Set(n.appKey, key)
		}
		req.Header.Set(n.nonce, nonce)
		req.Header.Set(n.timestamp, timestamp)
		req.Header.Set(n.signature, string(sum[:]))
		req.Query = rest
		return nil
	}

	var b strings.Builder
	if rest != "" {
		b.WriteString(rest + "&")
	}
	if key != "" {
		b.WriteString("appKey=" + url.QueryEscape(key) + "&")
	}
	b.WriteString("timestamp=" + timestamp + "&nonce=" + nonce + "&signature=")
	b.Write(sum[:])
	req.Query = b.String()
	return nil
}

// unsignedHeader is a header without the fields that authenticate. It is a new one
// unless there is none: requests share theirs.
func unsignedHeader(header http.Header) http.Header {
	if len(header) == 0 {
		return nil
	}
	h := header.Clone()
	h.Del("appKey")
	for _, n := range headerNames {
		for _, name := range []string{n.appKey, n.nonce, n.timestamp, n.signature} {
			h.Del(name)
		}
	}
	return h
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

// authenticates knows the names of parameters, and a signature in any case: what
// might be one is not kept.
func authenticates(name string) bool {
	for _, n := range queryNames {
		if name != "" && (name == n.appKey || name == n.nonce || name == n.timestamp || strings.EqualFold(name, n.signature)) {
			return true
		}
	}
	return false
}
