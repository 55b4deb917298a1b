// Package tunnel brings the requests of endpoints and hooks whose url is "listen" to
// whoever listens: a developer's machine that no gateway could call.
//
// To a sender it is a connection like any other: it writes its request, signed as ever,
// and reads an answer (see [Hub.Dial]). The request goes down the stream of the session
// that has the name, the answer comes back by [Session.Answer]. Nothing is kept here:
// retries, order and positions are those of deliver, deadlines and policies those of
// decide. Where nobody listens there is no connection, at once.
//
// A name has one session: who comes later takes it over, so that one whose connection
// broke without anybody noticing stands in nobody's way.
package tunnel
