// Package history is where people find out what happened to a message: a read model
// that is fed from the journal, the trail of decisions, the log of attempts and the
// dead letters, and searched by event, message, user, conversation, type, time and
// outcome.
//
//	journal ───► feeder ─► segment (SQLite file, or tables of PostgreSQL) ─► search
//	decisions ─►   ▲                                                      └► story of an event
//	attempts ──►   └── how deliveries ended, as they end
//	dead letters ►
//
// # What it promises
//
// Nothing waits for it: not a callback, not a delivery, not a start. It follows with a
// position of its own, which is kept in the same transaction as what was read, so that
// it resumes where it was and misses nothing that the journal still has. When it lags,
// breaks, or has no room, it says so ([Status]), and goes on by itself. It takes only
// processor time that nobody else wants, and a small share when there is none.
//
// It is made anew from what the others keep ([History.Rebuild]). What they do not keep
// is when a delivery that went well ended: that is noted as it happens, and lost with
// the history, or when the process is killed in the same quarter of a second.
//
// # What is kept
//
// Of an event: who, where, what, when, which endpoints its rules picked, and what
// became of it there; no text of a message. What it said is read from the journal as
// long as that has it. Bounds are an age and a number of bytes; the oldest segment
// leaves whole. On a disk that gets full the history leaves before the journal refuses.
//
// # How it is searched
//
// What an event can be found by are its terms: 64-bit hashes of "user alice", "id 42".
// New events wait, with their terms, in the segment's open chunk, which is in memory as
// well. When that has enough of them its terms are sorted and written once, each with
// the places of all its events, and never changed: everything is appended, nothing is
// updated in place, so that writing costs the same however much is kept. A search goes
// through the chunks from the newest on, intersects places, and reads the rows that are
// left.
//
// # Format
//
// A place is the position of an event in the journal, or of a decision in its trail with
// 2^62 taken off. Places of a term are varints: page and index of the first, then the
// distance in pages and, in the same page, in events. Segments have the format's number;
// one of a newer imhook is left alone and the history is off.
package history
