// Chaos runs gateways as users do and does to them what happens in a bad year: it
// kills, stops and hangs them, takes endpoints away, makes them slow, broken, rude or
// overloaded, cuts and spoils connections, pauses, resumes, requeues and changes the
// configuration, all at random, while every vendor's servers post signed callbacks.
// What was answered 200 is remembered. In the end everything is let be, and it says
// whether all promises were kept.
//
//	go run ./chaos [-for 30m] [-seed 1] [-gateways 1] [-rate 300] [-v]
//	go run ./chaos -gateways 3 -for 30m
//
//	servers ─► gateway ─── link ───► backends      (the binary; package toxiproxy; this process)
//	              └──── link ───► NATS server      (with -gateways 3: three of each, each in a process of its own)
//
// With one gateway the journal is in it. With three, they share one on three NATS
// servers, each pair with a link of its own.
//
// A seed says what is done, when, for how long, and to whom; what that meets is up to
// the machine, as it is with everything that runs at the same time. The seed is
// printed first: run the same again with -seed.
//
// What must hold in the end:
//
//   - every backend has every message that was answered 200;
//   - of no conversation a message came to a backend for the first time after a later
//     one, but those that were requeued;
//   - every request to a backend was signed as its dialect has it;
//   - every dead letter is one that its backend refused;
//   - the ledger of every gateway balanced whenever it was asked, and nothing is open;
//   - imhook doctor finds nothing.
package main
