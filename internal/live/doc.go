// Package live says how a gateway is doing now: rates of sources, hooks and endpoints,
// what waits, and in words what somebody should look at ([Overview]); and how it did in
// the last hour and day ([Charts]).
//
// Nothing that travels passes it. Stages count as ever; this package looks at what they
// count every ten seconds, and every second while somebody watches. What stages do not
// count by themselves, how long attempts and decisions took by type of event, a [Meter]
// is told: that costs two looks into a map and a handful of atomic additions.
//
// Memory is bounded: of sources, hooks, endpoints and types the first some hundred have
// a chart each and the others one together. All of it is in memory and begins with the
// process.
package live
