// Package openim speaks the webhooks of OpenIM servers (openimsdk/open-im-server),
// v2.0 to v3.8.
//
// Inbound:  POST, one JSON object. The command is the last element of the path
// (v3.5 and newer), else the query's callbackCommand (v3.0 to v3.4), else the
// body's callbackCommand (v2). The open-source server signs nothing: what protects
// a source is its address list or the secret path segment that the receiver takes
// off.
//
// Reply:    always JSON, {"actionCode","errCode","errMsg","errDlt","nextCode"} and
// the fields that a command lets the backend replace. All zeros allow. What stops
// an operation changed four times, see [generations]; one body stops every v3.
// The server waits 5 s by default (2 s in v2) and looks at no HTTP status.
//
// Retry:    none. After-events sit in a queue of 100 in the server's memory, so
// that they may overtake each other and are lost when it is full. Only message ids
// and connection ids are keys; operationID is not, since callers of the REST API
// may write a constant.
//
// Outbound: the same forms with the names of the endpoint's generation. Empty
// arrays are null, as Go writes what Protocol Buffers leave nil.
//
// Read: the specification page of the vendor, pkg/callbackstruct and
// internal/*/callback.go of v2.0.6, v2.3.3, v3.2.0, v3.5.0, v3.8.3 and main of
// 2026-07-02, on 2026-11-21. Verified against: the structs of v3.8.3, in the test
// module of folder structs.
//
// Not supported: see SKIPPED.md.
package openim
