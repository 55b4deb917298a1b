package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// Fingerprint tells a configuration from another one: a hash of each thing in it
// ("endpoint shop/backend"). It holds no secret and nothing that one could be
// guessed from.
type Fingerprint map[string]string

// Sum is one hash of all.
func (f Fingerprint) Sum() string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(f)) {
		for _, s := range []string{k, f[k]} {
			h.Write([]byte(s))
			h.Write([]byte{0})
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// maxDiffers is how many differences are told.
const maxDiffers = 8

// Against says in words what is different in theirs.
func (f Fingerprint) Against(theirs Fingerprint) (words []string) {
	for _, k := range slices.Sorted(maps.Keys(f)) {
		switch their, ok := theirs[k]; {
		case !ok:
			words = append(words, k+" is missing there")
		case their != f[k]:
			words = append(words, k+" is different there")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(theirs)) {
		if _, ok := f[k]; !ok {
			words = append(words, k+" is there alone")
		}
	}
	if more := len(words) - maxDiffers; more > 0 {
		words = append(words[:maxDiffers], "and more")
	}
	return words
}
