package gateway

import "time"

// Whereabouts says where an event stands at an endpoint that gets it.
type Whereabouts uint8

// The whereabouts.
const (
	// StandsUnknown: somebody else delivers it, or there is no such endpoint.
	StandsUnknown Whereabouts = iota
	// StandsUnread: the endpoint has not come to it.
	StandsUnread
	// StandsOpen: it waits for its turn or for a retry, or is in flight.
	StandsOpen
	// StandsFinished: the endpoint is done with it, or never got it.
	StandsFinished
)

// Standing is where an event stands at one endpoint now.
type Standing struct {
	Where Whereabouts
	// Attempts that failed so far, of an open one; DueAt is when the next one is due, zero
	// when it only waits for its turn.
	Attempts int
	DueAt    time.Time
}
