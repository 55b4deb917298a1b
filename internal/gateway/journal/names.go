package journal

import (
	"fmt"
	"strings"
)

// names are what the journal is called in an engine. They are on disk: what
// namesOf makes of a name never changes.
type names struct {
	pageStream, pageSubject        string
	fillerSubject                  string // a number that no page has
	positionStream, positionPrefix string
	deadStream, deadPrefix         string
	leaseStream, leaseSubject      string
	trailStream, trailSubject      string
	attemptStream, attemptSubject  string
	auditStream, auditSubject      string
	settingStream, settingPrefix   string
	nodePrefix                     string // what gateways tell each other, in no stream
}

// DefaultName is the name of a journal that was given none, and of every embedded
// one.
const DefaultName = "imhook"

// maxName bounds a name; longer ones are hard to read in the engine's listings.
const maxName = 64

// namesOf returns the names of the journal name. Different names have nothing in
// common, so that several gateways can share a server.
func namesOf(name string) names {
	stream, subject := name+"_", name+"."
	if name == DefaultName {
		stream = "IMHOOK_"
	}
	return names{
		pageStream: stream + "PAGES", pageSubject: subject + "page", fillerSubject: subject + "filler",
		positionStream: stream + "POSITIONS", positionPrefix: subject + "position.",
		deadStream: stream + "DEADLETTERS", deadPrefix: subject + "dead.",
		leaseStream: stream + "LEASES", leaseSubject: subject + "lease.journal",
		trailStream: stream + "DECISIONS", trailSubject: subject + "decisions",
		attemptStream: stream + "ATTEMPTS", attemptSubject: subject + "attempts",
		auditStream: stream + "AUDIT", auditSubject: subject + "audit",
		settingStream: stream + "SETTINGS", settingPrefix: subject + "setting.",
		nodePrefix: subject + "node.",
	}
}

// checkName says what is wrong with a name.
func checkName(name string) error {
	ok := name != "" && len(name) <= maxName && name[0] != '-' && name[0] != '_'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !ok {
		return fmt.Errorf("name is %q, want letters, digits, - and _, beginning with a letter or digit, at most %d of them", name, maxName)
	}
	if name == strings.ToUpper(DefaultName) {
		return fmt.Errorf("name is %s, which the streams of %s begin with: write it small, or choose another one", name, DefaultName)
	}
	return nil
}
