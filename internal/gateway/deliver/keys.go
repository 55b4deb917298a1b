package deliver

import "strings"

// TailKey is the key of the tail's position.
const TailKey = tailKey

// EndpointKey is the key of the position of an endpoint (app/name).
func EndpointKey(id string) string { return endpointPrefix + id }

// EndpointOf is the inverse of [EndpointKey]; false for other keys.
func EndpointOf(key string) (id string, ok bool) { return strings.CutPrefix(key, endpointPrefix) }

// AheadOf is the endpoint (app/name) that a key of what went ahead is about; false for
// other keys.
func AheadOf(key string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(key, aheadPrefix)
	if !ok {
		return "", false
	}
	_, id, ok = strings.Cut(rest, ".")
	return id, ok && !strings.Contains(id, "#")
}
