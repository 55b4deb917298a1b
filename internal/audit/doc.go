// Package audit keeps who changed what, and when, for people who look back: changes of
// the configuration with what was before, tokens that were made and revoked, logins,
// and everything that somebody did to endpoints and dead letters.
//
// It is a chronicle ([github.com/imhook/imhook/internal/chronicle]): entries are written
// in batches beside the journal, nobody waits for them, and what cannot be written is
// dropped and counted. An entry holds no secret: whoever records one has masked them.
package audit
