// Package trail keeps decisions for people: who decided what about a message, in
// how long, and what is different between what came in and what went out.
//
// A decision waits in a bounded queue and is kept in batches, so that the answer to
// the IM server never waits for it. What does not fit into the queue, and what the
// store does not take, is dropped and counted (imhook_trail_lost_total): the trail
// is for looking back, and no event depends on it. The same holds for the last
// moments before a kill. What is kept is bounded by the store, in age and in bytes.
//
// An entry is at most 64 KiB: long texts in it are cut and end in "…", long lists
// lose their end, and Cut says so. An allowed message is kept as its envelope and
// the beginning of what it says, because its after-event has the rest; one that was
// refused is kept nowhere else and has more room.
//
// # Format
//
// A page is a version byte, the number of entries, the earliest and the latest At
// of them in Unix milliseconds, and then each entry as JSON with its length before
// it. Numbers are varints. A page that cannot be read is skipped and counted
// (imhook_trail_unreadable_total).
package trail
