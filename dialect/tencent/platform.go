package tencent

import "strings"

// platforms are the words of OptPlatform and of Platform (pages 34354 and 2570).
// Of several words of one platform the first is the one that is written.
var platforms = [...]struct{ word, wire string }{
	{"ios", "iOS"},
	{"android", "Android"},
	{"web", "Web"},
	{"windows", "Windows"},
	{"mac", "Mac"},
	{"mac", "macOS"}, // the English page
	{"ipad", "iPad"},
	{"linux", "Linux"},
	{"server", "RESTAPI"},
	{"unknown", "Unknown"},
	{"unknown", "Unkown"}, //nolint:misspell // as an old library writes it
	// What the vendor has no word for, by the nearest one.
	{"android-pad", "Android"},
	{"miniprogram", "Web"},
	{"bot", "RESTAPI"},
}

// platformWord is the canonical word of a platform; the vendor's own where the
// table has none.
func platformWord(wire string) string {
	for _, p := range platforms {
		if strings.EqualFold(p.wire, wire) {
			return p.word
		}
	}
	return wire
}

// platformWire is the inverse. own keeps a word that the table does not have.
func platformWire(word string, own bool) string {
	for _, p := range platforms {
		if p.word == word {
			return p.wire
		}
	}
	if own && word != "" {
		return word
	}
	return "Unknown"
}
