// Package rongcloud speaks the RongCloud (融云) IM server callbacks, and the
// webhooks of Nexconn, which is RongCloud's name abroad.
//
// Inbound:  POST below the source's URL; the command is the path
// (/chatroom_status …), or the type in Nexconn's envelope {type, id, time, data[]}
// where there is no path. Message callbacks and user deactivation are forms, all
// else is JSON: one object, or an array of independent items of which a bad one
// does not spoil the others. Where pages and examples disagree both are taken. The
// signature is lower-case hex SHA-1(AppSecret ‖ Nonce ‖ Timestamp), in the query
// under one of three generations of names or in headers, compared in constant
// time. The body is not covered: the same nonce and timestamp with another body is
// a replay, for which Verify returns them as Proof.Once.
//
// Reply:    HTTP 200 with any body; a question {"pass":1} to deliver (2: and skip
// the vendor's later checks), {"pass":0,"extra":"…"} to refuse, replace… beside 1 or
// 2 to change. The platform waits 5 s for an after-callback and 3 s for
// message_callback, which it delivers when no answer comes; Nexconn does not.
//
// Retry:    the platform resends an after-callback twice with the same body, so
// the event id is built from message ids, or from all that an item says. It
// promises no order.
//
// Outbound: the same forms, so an endpoint written for RongCloud needs no change;
// generation nexconn writes the envelope. The signature goes into the query under
// the current names, that of moderation results into headers, with the time in
// milliseconds; the nonce is drawn from event id and body.
//
// Read: the pages on chatroom status and attributes, online status, post- and
// pre-messaging, moderation, deactivation, group and user profiles, friends,
// message content, signatures, bots in part, and Nexconn's webhooks, 2026-11-20 and
// -21; message operations and the rest of bots from the library
// feymanlee/rongcloud-go alone. Verified
// against: documentation only; the signature also against three published or
// computed vectors.
//
// Not supported: see SKIPPED.md.
package rongcloud
