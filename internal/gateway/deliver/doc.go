// Package deliver tries: it hands every event that an endpoint shall get to that
// endpoint's sender, in order per lane, until it arrives or is parked.
//
// One tail reads the journal once for all endpoints. For each page the index
// says which endpoints an event concerns, and only those are touched: ten
// thousand endpoints of which one matches cost what ten cost. An endpoint that
// cannot take what the tail offers (too much in hand, or just started) falls
// behind: the tail forgets it, a reader of its own follows the journal for it,
// and once it has caught up the tail serves it again. A slow or dead endpoint
// therefore costs bounded memory and delays nobody.
//
//	journal ─► tail ─► index ─► endpoint ─► lane ─► worker ─► Sender
//	   └─────► catch-up reader ────┘           └─► retry | park
//
// # Ahead of the backlog
//
// What comes new for an endpoint that is behind need not wait for its reader. A table of
// fixed size knows of each lane the last page in which something of it waits; the tail
// still offers everything, and what has nothing of its lane before it is taken at once,
// the rest is noted. The reader passes over what was taken when it comes there. An
// endpoint that begins behind, after a restart or with another rule, has the table
// filled by a survey that reads what lies between once for all such endpoints; until
// then everything waits. A lane may be taken for one that waits, never the other way.
//
// New events, the backlog and retries stand in lines of their own and share the
// endpoint's attempts: of those that want them each gets at least a quarter.
//
// When an endpoint comes back from an outage, what waits in its lanes without being in
// memory goes back to its reader, which reads each page once.
//
// # Position
//
// An endpoint's durable state is one small record: how far it has read, and the
// events up to there that are still open (waiting, failing, in flight). An event
// is finished when it is below the read position and not open. A delivered event
// costs no write of its own; the record is saved at most every tenth of a second,
// and what was delivered since then is delivered again after a crash. Attempts
// and due times of failing events stand in the record, so that a restart forgets
// no schedule. What went ahead of the reader is a queue of positions, in chunks that
// are written once; its last chunk is a part of the record. It is bounded: past
// that everything waits for the reader.
//
// # Batches
//
// Where the endpoint takes several events in a request, a worker carries the first
// events of many lanes, and several of one lane in their order; a lane is never in
// two batches at once. What fails together comes back together. What is refused
// together is tried again in halves, in a bounded number of requests, until the
// event that spoils the others is alone; it is parked only after an attempt of its
// own, and so is every event. An event that keeps failing with a 5xx or a time-out
// while the endpoint takes others gets less company, then none.
//
// # Health
//
// An endpoint is judged as a whole, by requests: what it says of one event counts for
// nothing, nor does an event that fails while others pass. When it is down its breaker
// opens: workers take nothing, lanes that failed because of it stand in line again, and
// from time to time the oldest event is tried, alone and without counting. When that
// one is taken the others follow under a ramp, a limit of events in flight that doubles
// with each round. A record says that an endpoint was failing or on its way back, so
// that a restart does not rush.
//
//	attempt ─► judge ─► breaker ─► spare? ─► take (paused? rate? bytes?) ─► attempt
//	              └───► ramp ────────┘
//
// # Guarantees
//
// Every event that matches is delivered at least once, or parked, or expired by
// the endpoint's backlog bounds, and each of these is counted. In one lane the
// next event is not tried before the one before it is finished, across retries
// and restarts. A failing event holds its own lane only: its followers, and where
// many fail the events themselves, wait as bare positions and are read again from
// the journal when their turn comes. Of a lane that does not go on, followers past the
// first thousand are left behind: the record says from where to where, and a reader of
// their own brings them when it does.
package deliver
