// Package trail keeps decisions for people: who decided what about a message, in
// how long, and what is different between what came in and what went out.
//
// It is a [chronicle.Chronicle]: the answer to the IM server never waits for it, and
// what could not be kept is counted (imhook_trail_lost_total), as is what cannot be
// read (imhook_trail_unreadable_total).
//
// An entry is at most 64 KiB: long texts in it are cut and end in "…", long lists
// lose their end, and Cut says so. An allowed message is kept as its envelope and
// the beginning of what it says, because its after-event has the rest; one that was
// refused is kept nowhere else and has more room.
package trail
