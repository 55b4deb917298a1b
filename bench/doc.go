// Bench puts the gateway beside a bare relay: the same machine, the same minutes,
// the same poster and the same sink, in turns.
//
//	poster ── 64 connections ──► relay │ imhook ── HTTP ──► sink
//	(this process)              (children)                  (this process)
//
// The relay is a net/http server that reads a body, hands it through a channel to
// workers with a net/http client, and answers 200 at once: it keeps nothing, loses
// what it holds when it dies, and mixes the order up. imhook runs as built from
// this tree, with every event fsynced before its answer.
//
//	go run ./bench [-rounds 5] [-duration 3s] [-conns 64] [-endpoint-dialect wildfirechat,cloudevents] [-batch 100] [-beside 10,10000] [-profiles DIR] [-json]
//	go run ./bench -before -conns 64,512 [-asks openim,wildfirechat]
//
// With -batch the gateway gets CloudEvents in batches and hands them on in batches;
// the relay, which knows nothing of bodies, gets the same messages singly.
//
// With -beside there is a gateway for each number, with that many endpoints beside
// the one that gets everything. They get nothing: half of them by their type
// pattern, half by a condition of their own.
//
// With -history on,off there are two gateways, of which one keeps no history to search in.
//
// With -before there is a hook in the place of the sink, a net/http server that
// denies every sixteenth message, and it is asked through three children in turns:
//
//	poster ── 64 connections ──► proxy │ imhook │ imhook to cloudevents ── HTTP ──► hook
//
// The proxy is net/http with httputil.ReverseProxy. Every question is about another
// message, and every answer is looked at: it must be the hook's verdict in the form
// of the server that asks, or the program fails. A round is over with its last
// answer.
//
// With -outage N there is no relay: the gateway's endpoint answers each event after
// -answer-after, 64 at once. First some live events come, then as many as the endpoint
// takes; then it is down while N events come, and comes back while live events of other
// conversations go on. Compared are memory with the backlog and before, the rate of the
// drain and full speed, and how long live events took in the drain and before.
//
//	go run ./bench -outage 1000000 [-answer-after 10ms] [-live-rate 200] [-duration 15s]
//
// With -soak there is no relay either: messages are posted at a steady rate to a
// gateway with four endpoints, one that is well, one that fails every other half
// minute, one that is slow, and one that is not there. Rate, times, memory, disk and
// backlogs go to a table and a picture every five seconds:
//
//	go run ./bench -soak 30m [-live-rate 1000] [-soak-out docs/soak]
//
// A round posts for the duration and ends when the sink has everything, so that
// neither side gains by taking in more than it hands on: its rate is all events
// of the round over all of that time. Ratios are taken round by round against the
// relay's round of the same turn. The messages carry their place (package imfake),
// so that a loss fails the program and disorder is printed.
package main
