// Package tencent speaks the webhooks (third-party callbacks) of Tencent Cloud Chat.
//
// Inbound:  POST, one JSON object; app and command stand in the query (SdkAppid,
// CallbackCommand), with authentication on also RequestTime and Sign = lower-case
// hex SHA-256 of token and RequestTime, compared in constant time. The signature
// covers neither body nor command, and a whole second's requests share it. Bodies
// with a list of independent items (PairList, Events, MsgSeqList …) are one event
// for each. EventTime is read as number and as text. A group of Type AVChatRoom is a
// chatroom, every other one a group.
//
// Reply:    {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}; for before-commands
// ErrorCode is the verdict, within a range of each command (see rules), or a list
// names who is refused. The server waits 2 s and then, unless the console says
// otherwise, lets the action through. Before-callbacks are never sent again,
// after-callbacks only where the console says so.
//
// Retry:    told by MsgKey, MsgSeq or the ids of who did what, with EventTime.
//
// Outbound: the same forms, every documented key there, so an endpoint written for
// Tencent needs no change. MsgSeq, MsgRandom and MsgKey of other vendors' messages
// are derived from the message id, the same each time.
//
// Read: the overview 34354, the command list 34355 and the pages of the commands on
// trtc.io and cloud.tencent.com, doocs/qcloud-im-server-sdk-java 0.4.20 and
// dobyte/tencent-im v0.1.1, 2026-11-20; the lists of follows (70355, 70356), push
// reports (67552, 67553), recalls with MsgId and the codes of official accounts
// (60803) again on 2026-11-21. Verified against: documentation, and the
// published signature; no captures.
//
// Not supported: see SKIPPED.md.
package tencent
