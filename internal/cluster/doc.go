// Package cluster shares the work of several gateways that have one journal on a
// NATS cluster. One of them writes the journal (see package journal); this package
// says which of them delivers what, and lets nobody deliver or save what another
// one has by now.
//
// # Slices
//
// Endpoints are cut into parts, most of them into one; an endpoint with spread: n
// into n, by the hash of the lane. A part lies in one of 32 slices, by the hash of
// the endpoint's name. A slice is what a gateway owns: it runs a deliver.Deliverer
// of its own, with a tail and positions of its own. So a slice that moves is, to
// package deliver, a gateway that was stopped or killed here and started there, and
// all that holds across restarts holds across moves.
//
//	journal ─┬─► slice 3 ─► deliver ─► endpoint a, part 2 of 4 of endpoint b
//	         └─► slice 7 ─► deliver ─► endpoint c
//
// # Grants
//
// The gateway that writes keeps the board: who has which slice, under which number.
// Each gateway beats twice a second: it says what it holds and is told what it
// shall hold. What is taken from it it stops in good order, and the next one gets it
// when it has said so; what belongs to a gateway that does not beat any more is given
// away after Lapse. The board is saved before anybody is told of a change, so that
// the next gateway that writes goes on with it.
//
// A grant is never longer than the lease of who gave it. Before each attempt it is
// looked at; positions are saved through the gateway that writes, which takes them
// under the number of the grant alone. Whoever was cut off or stopped for a while
// thus neither sends nor saves anything that is not its own.
//
// # What moves
//
// Slices move so that gateways have parts in even numbers, and no more of them than
// that takes. When a gateway leaves in good order its attempts in flight end first.
// When it is killed, what it delivered in the last tenth of a second is delivered
// again by the next one.
package cluster
