// Package wildfirechat speaks the WildfireChat (野火IM) server callbacks.
//
// Inbound:  POST, one JSON object; the command is the path and nothing else. The
// bodies have no signature, no token and no time window: what protects a source
// is its address list or the secret path segment that the receiver takes off.
// Bodies of the old documents ("legacy": userId, memberId, status) and those that
// the servers send ("current": operatorId, memberIds, type) are told apart by
// their keys.
//
// Reply:    after-events 200 "ok", which nobody reads; the remote censor 200
// without a body to allow, 403 to refuse, 200 with a whole MessagePayload to
// replace. The server waits 10 s and then sends the original.
//
// Retry:    none, so that most events have no dedupe key; messages have their id.
// Callbacks overtake each other on the wire.
//
// Outbound: the same forms as Gson writes them (null fields left out, numbers and
// booleans always there), so an endpoint written for WildfireChat needs no change;
// generation legacy writes the bodies of the old documents.
//
// Read: event_callback.md, server_config.md and sensitive_word_api.md of the
// vendor's documentation, im-server 1.2.4 and the classes of common-1.4.7.jar,
// 2026-11-20. Verified against: source code and compiled classes; the commercial
// kinds (message_read, conferences, moments) were never seen on a wire.
//
// Not supported: see SKIPPED.md.
package wildfirechat
