// Package imfake holds scriptable fakes for tests of callbacks: an app backend
// ([Backend]), an IM server ([Server]) and, for load, a [Sink] that only counts.
//
//	Server ── POST, signed ──► what is tested ── POST ──► Backend or Sink
//	   └─ Accepted() ─────────────── Tally.Check ─────────────┘
//
// The fakes speak any [dialect.Dialect], listen on loopback ports that the system
// picks, share no state, and are safe for concurrent use. Nothing in them sleeps
// to wait for something: waiting ends with the condition or with the context.
//
// [Server.Ask] asks before and judges the answer ([Judge]): what the vendor's own server
// would do with it, from the vendors' documents and not from the dialects.
//
// A load posts messages that carry a [Mark] in their text: a lane and a position
// in it. The mark survives every dialect, so a [Tally] at the other end tells
// what is missing, what came twice and what came in the wrong order.
//
// What they do not do stands in SKIPPED.md.
package imfake
