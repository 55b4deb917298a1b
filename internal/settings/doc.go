// Package settings is what people set while gateways run, beside the configuration
// file: tokens of the API, sessions of the console, and the sources, hooks and
// endpoints that the API defined.
//
// A [Book] is all of it, as it is in a store that every gateway of a journal reads and
// writes. What one of them changes the others know within [Lag]. A change is made for
// what was read before: where somebody else was quicker it is made again, on top of
// that.
//
// Tokens and sessions are kept as SHA-256 sums: 256 random bits need no salt and no
// slow hash. Definitions are kept as they were written, secrets included, as a
// configuration file would hold them; whoever reads the store reads them.
package settings
