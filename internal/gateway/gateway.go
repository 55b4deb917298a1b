// Package gateway draws the path of an event and names what its stages hand to
// each other. A stage is a folder below this one; no stage imports another, each
// declares the small interface that it needs, and package app connects them.
//
//	IM server ─► receive ─► dialect.Decode ─┬ before ─► decide ─► dialect.Answer ─► IM server
//	             authenticate, bound        │             ├─► match, then send: ask a hook ─► moderation backend
//	                                        │             └─► trail
//	                                        └ after ──► journal ─► (durable) ─► dialect.Ack ─► IM server
//	                                                       │
//	                                                       └─► match ─► deliver: lane → attempt → retry | park
//	                                                                       └─► send: encode, sign, POST, classify ─► app backend
//
// receive decodes, decide asks, journal keeps, match picks, deliver tries, send speaks.
package gateway
