// Package rongcloud speaks the RongCloud (融云) IM server callbacks.
//
// Inbound:  POST below the source's URL; the command is the path
// (/chatroom_status …). Chatroom status is a JSON array of independent items, or
// one bare object, which the vendor's text speaks of. The signature is lower-case
// hex SHA-1(AppSecret ‖ Nonce ‖ Timestamp), in the query under one of three
// generations of names or in headers, compared in constant time. The body is not
// covered: the same nonce and timestamp with another body is a replay, for which
// Verify returns them as Proof.Once.
//
// Reply:    HTTP 200 with any body; /message_callback {"pass":1} to deliver,
// {"pass":0,"extra":"…"} to refuse. The platform waits 5 s for an after-callback
// and 3 s for message_callback, which it delivers when no answer comes.
//
// Retry:    the platform resends an after-callback twice with the same body, so
// the event id is built from all fields of an item. It promises no order.
//
// Outbound: the same forms, so an endpoint written for RongCloud needs no change.
// The signature goes into the query under the current names, with the time in
// milliseconds; the nonce is drawn from event id and body.
//
// Read: the chatroom status page and its newer copy, the signature pages, the
// pages on post- and pre-messaging, 2026-11-20. Verified against: documentation
// only; the signature also against three published or computed vectors.
//
// Not supported: see SKIPPED.md.
package rongcloud
