// Package attempts keeps what was tried at endpoints, for people: failures whole,
// with the request, the head and the beginning of the answer, how long it took and
// why it failed; of what arrived one in so many, without its texts. All of them are
// counted in the metrics, whatever is kept.
//
// It is a [chronicle.Chronicle]: no attempt ever waits for it, and what could not be
// kept is counted (imhook_attempt_log_lost_total), as is what cannot be read
// (imhook_attempt_log_unreadable_total).
//
// Texts are those of [gateway.Exchange]: bounded, without secrets and signatures. Of
// a request that many events shared they stand with the first of them.
package attempts
