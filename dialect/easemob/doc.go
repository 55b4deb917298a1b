// Package easemob speaks the callbacks of Easemob (环信), and of Agora Chat and
// EasyIM, which are the same server.
//
// Inbound:  POST, one JSON object; the command is told from the body (event,
// eventType, step, status, chat_type, in this order), only pre-send callbacks have
// a path of their own, /pre_send. The signature is the body's security: lower-case
// hex MD5(callId ‖ secret ‖ timestamp), compared in constant time. It covers
// nothing else of the body. Reactions, threads and most push reports come
// unsigned and are accepted where the source says so.
//
// Reply:    HTTP 200 with at most 1000 characters; pre-send {"valid":true},
// {"valid":false,"code":"…"} or {"valid":true,"payload":…}. The platform waits
// 200 ms for pre-send by default and then applies the rule's own default.
//
// Retry:    the platform resends a failed post-send callback once, at once, and
// bans a rule that fails 90 times in 30 s. callId repeats on the retry, but also
// in the copies for offline members and in the push report of one message, so the
// event id is built from command, callId and to. It promises no order.
//
// Groups and chatrooms come in two families: group_op_event (current) and chat_type
// muc (legacy). Both are read; the target's generation says which is written.
//
// Outbound: the same forms, so an endpoint written for Easemob needs no change.
// Encode leaves security empty and Sign puts its value in place, every other byte
// untouched.
//
// Ids lose their wrapping ("org#app_ann@easemob.com/android_1" is ann on device
// android_1); the wrapped form is kept under vendor where it differs.
//
// Read: the post-send, pre-send, message and configuration pages, old and new
// generation, 2026-11-20. Verified against: documentation only; no published
// example gives its secret, so the signature's vector is our own.
//
// Not supported: see SKIPPED.md.
package easemob
