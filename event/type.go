package event

import "strings"

// Type is the canonical name of what happened: a noun path and a verb in the
// base form. Values reach wire and disk: append only. The catalogue lists all.
type Type string

// CloudEventsPrefix stands before a Type in the CloudEvents attribute "type".
const CloudEventsPrefix = "im."

// Known reports whether t stands in the catalogue.
func (t Type) Known() bool {
	_, ok := Lookup(t)
	return ok
}

// Family returns the words before the last one: "group.member" of
// "group.member.join".
func (t Type) Family() string {
	i := strings.LastIndexByte(string(t), '.')
	if i < 0 {
		return string(t)
	}
	return string(t)[:i]
}
