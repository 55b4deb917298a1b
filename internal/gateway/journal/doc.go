// Package journal keeps events: what it has said yes to survives kill -9 and,
// with sync always, loss of power.
//
// All events that arrive while one commit is under way form the next page. A page
// is one message of one JetStream stream, and with the engine set to fsync every
// write that is one fsync per page: group commit on the engine's public surface.
// Events are duplicates when app, source, command and the vendor's own key are
// equal within the window; the window is bounded in time and in number and is
// known again after a start, from snapshots and the pages behind the last one.
//
// Readers keep their own positions (gateway.Pos) through Save and Load; there are
// no consumers per endpoint and no acknowledgements. Pages leave from the front
// only, when every endpoint is done with them and they are past what is retained.
//
// # Where the engine runs
//
// In this process by default, with its files in the data directory; or on a NATS
// server or cluster of its own (Config.URL). It is the same code and the same
// streams; what differs:
//
//   - One gateway only writes a journal: a lock on the directory here, there a lease
//     that the gateway renews, and sequence numbers that each message must fit
//     behind, so that nothing of a gateway that lost the journal comes late.
//   - Others may join it there (Config.Join). A member hands what it is given to the
//     one that writes, which appends and answers item by item; it reads along, knows
//     the window, and takes over when the lease lapses. What is sent again is known
//     by its keys: an event that has none gets one.
//   - A page whose answer was lost is sent again and stored once. When NATS does not
//     answer for 5 s, arrivals are refused as unavailable until it does.
//   - Durable means what that server means by it: stored by most replicas, and
//     fsynced when its operator set sync_interval: always.
//   - Records beside the store (high-water, snapshots, copy of the positions) are not
//     kept: a start reads the window's pages again, and damage is the cluster's to
//     heal. What the engine lost while the gateway ran is noticed.
//   - Decisions and attempts have a stream of their own in both. They are not needed to
//     take events: one that cannot be made or written is told, and nothing else stops.
//   - A page is bounded by the server's max_payload, room by the account's limits.
//
// # What is lost, and where it shows
//
// Nothing that was answered is lost by a crash. With when_full: drop_oldest,
// pages that some endpoint is not done with are dropped when the journal is full
// (Stats.Dropped). A page that cannot be read is skipped (Stats.Unreadable).
//
// Files that were cut, changed or removed are told in numbers, at start or when it
// is found out (Losses): a high-water record beside the store says what there was,
// and each page how many events came before it. Numbers are never given out a
// second time, so that positions stay true: those of lost pages are passed over.
// Positions that are lost are taken from their copy, which is some seconds old.
//
// # Files in the data directory
//
//	format      which format all of it has; a newer one is refused
//	lock        who has the directory
//	journal/    the engine's
//	highwater   what there was, about a second ago; two records in turns, in place
//	window/     keys and guards of the window, so that a start reads few pages
//	positions   a copy of all positions, about ten seconds old
//
// All but journal/ may be missing: a start then takes longer and can tell less.
package journal
