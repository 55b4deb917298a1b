// Package send speaks: it says one event to one endpoint in the endpoint's
// dialect, signs it, posts it and classifies what came of it.
//
// An event that came in the endpoint's own dialect goes out byte for byte; only
// the envelope (path, query, signature) is made anew. Any other event is read
// again and encoded; what the dialect cannot express is not sent, and the outcome
// says so. An event that takes several requests is sent in order and resumes at
// the first one that is not through.
//
// Where the dialect has batches, several events can share a request: their bytes,
// or what they are encoded to, joined and signed once. What one answer says about
// all of them is the outcome of each.
//
// Nothing is called that was not meant: addresses are checked when the connection
// is made, after name resolution; redirects never leave the host; the time and the
// size of an answer are bounded; proxies from the environment are ignored. No
// secret enters an outcome.
//
// The package does not retry, wait or count: that is deliver's part.
package send
