package config

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
)

// Fingerprint has a hash of each app, source, hook and endpoint ("endpoint
// shop/backend"), so that gateways of a cluster can tell what they have otherwise.
// Of secrets it has how many there are and when they hold, not what they are: a hash
// of one that is weak would give it away.
func (c *Config) Fingerprint() map[string]string {
	all := map[string]string{}
	for _, t := range things(c) {
		if t.object == ObjectGateway {
			continue // addresses and directories are each gateway's own
		}
		h := sha256.New()
		for _, l := range t.leaves {
			same := l.same
			if l.secret {
				same = l.value
			}
			_, _ = io.WriteString(h, strings.TrimPrefix(l.path, t.path)+"\x00"+same+"\x00")
		}
		what := string(t.object) + " " + t.app
		if t.name != "" {
			what += "/" + t.name
		}
		all[what] = hex.EncodeToString(h.Sum(nil)[:8])
	}
	return all
}
