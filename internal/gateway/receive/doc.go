// Package receive decodes: it turns a request of an IM server into events, and
// what became of them into an answer in the server's own form.
//
//	POST /in/{source}           then whatever the dialect's own paths append
//	POST /in/{source}/{token}   the same, for sources with a path_token
//
// The steps, in order: the source by its path and token; the caller's address;
// method, encoding, size and depth of the body; the signature; the decoding;
// then, for after-events, the journal, and for a before-event the decision. Every
// step may refuse, with a [Reason] that is counted and a text that says what is
// wrong; nothing is answered "accepted" before the journal has it.
//
// One request is taken whole or not at all. A before-event comes alone: a request
// that mixes it with others is refused.
//
// Where the dialect has an answer for each item (dialect.Bulker) a batch is still
// kept whole or not at all, but an item that cannot be taken is refused alone. A body
// of lines is a stream of any length: lines are cut, decoded and kept in groups as
// they come, at most two groups in hand, and what was kept stays kept however the
// stream ends; the answer, at its end, says line by line what became of it and where
// to go on. A signature covers a whole body, so a signed stream is read whole first,
// within a bound. A stream lasts as long as lines arrive, each in its time.
//
// The package does not deliver, does not wait for endpoints and keeps no state of
// requests: [Handler.Drain] ends streams, then shutting the server down drains it.
package receive
