package cloudevents

import (
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "cloudevents"

// The media types of the wire.
const (
	singleType = "application/cloudevents+json"
	batchType  = "application/cloudevents-batch+json"
	linesType  = "application/x-ndjson"
	jsonType   = "application/json"
)

// Dialect is the wire language. It has no state; use [New].
type Dialect struct{ spec dialect.Spec }

var (
	_ dialect.Dialect = (*Dialect)(nil)
	_ dialect.Batcher = (*Dialect)(nil)
	_ dialect.Bulker  = (*Dialect)(nil)
)

// New returns the dialect.
func New() *Dialect {
	return &Dialect{spec: dialect.Spec{
		Name:     Name,
		Commands: commands(),
		Credentials: []dialect.CredentialKey{
			{Name: "secret", Secret: true, Line: "whsec_ and base64, as Standard Webhooks writes it; without one nothing is signed or checked"},
		},
		MaxAge:          5 * time.Minute,
		Deadline:        5 * time.Second,
		SignatureExempt: []string{"webhook-signature"},
	}}
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Path is always empty: the type says everything.
func (d *Dialect) Path(*event.Event) string { return "" }

// beforeSuffix ends the command of a type's proposal.
const beforeSuffix = "/before"

func commands() []dialect.Command {
	var all []dialect.Command
	for _, entry := range event.Catalogue() {
		for _, phase := range []event.Phase{event.After, event.Before} {
			if entry.In(phase) {
				all = append(all, dialect.Command{
					Name: commandOf(entry.Type, phase), Phase: phase, Types: []event.Type{entry.Type}, Line: entry.Line,
				})
			}
		}
	}
	return all
}

func commandOf(t event.Type, phase event.Phase) string {
	if phase == event.Before {
		return string(t) + beforeSuffix
	}
	return string(t)
}
