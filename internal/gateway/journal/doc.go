// Package journal keeps events: what it has said yes to survives kill -9 and,
// with sync always, loss of power.
//
// All events that arrive while one commit is under way form the next page. A page
// is one message of one JetStream stream, and with the engine set to fsync every
// write that is one fsync per page: group commit on the engine's public surface.
// Events are duplicates when app, source, command and the vendor's own key are
// equal within the window; the window is bounded in time and in number and is
// read again from the pages at start.
//
// Readers keep their own positions (gateway.Pos) through Save and Load; there are
// no consumers per endpoint and no acknowledgements. Pages leave from the front
// only, when every endpoint is done with them and they are past what is retained.
//
// # What is lost, and where it shows
//
// Nothing that was answered is lost by a crash. With when_full: drop_oldest,
// pages that some endpoint is not done with are dropped when the journal is full
// (Stats.Dropped). A page that cannot be read is skipped (Stats.Unreadable).
package journal
