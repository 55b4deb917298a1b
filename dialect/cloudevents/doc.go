// Package cloudevents speaks imhook's own language: the canonical event as
// CloudEvents 1.0 over HTTP, signed with Standard Webhooks. It is what an IM
// server without a dialect of its own posts, and what a new backend asks for.
//
// Inbound: POST, no path, JSON. One event in structured mode
// (application/cloudevents+json, plain application/json is taken as well), a batch
// (application/cloudevents-batch+json, or any array), one a line
// (application/x-ndjson), or one in binary mode (headers ce-id, ce-type …).
// Specversion, id and type must be there; everything else has a sensible default,
// so that events can be written by hand. A type outside the catalogue, and an item
// of a batch that cannot be read, is kept whole as vendor.unknown.
//
// Commands are the canonical types; the before-phase of a type is "<type>/before".
// Only a single event can be a proposal: among others there is nothing to answer
// it with, and it is refused.
//
// Signature: webhook-id, webhook-timestamp (seconds) and webhook-signature
// ("v1," and base64 HMAC-SHA256 over id.timestamp.body; several may be given,
// separated by spaces). The secret is "whsec_" and base64. A source without a
// secret takes requests unsigned.
//
// Reply: after-events {"accepted":n}; a before-event gets the verdict,
// {"verdict":"deny","code":0,"reason":"…","rewrite":{…},"refused":[…]}; a request that was
// not accepted gets its status and {"error":{"status":…,"message":"…","field":"…"}}.
//
// A batch is answered item by item, in runs of those that fared alike:
//
//	{"accepted":8,"duplicates":1,"unknown":1,"refused":1,"items":[
//	 {"index":0,"to":6,"result":"accepted"},
//	 {"index":7,"id":"…","result":"duplicate"},
//	 {"index":8,"id":"…","result":"unknown","error":"…"},
//	 {"index":9,"result":"refused","error":"…"}]}
//
// accepted counts what is kept and new, unknown those among them that nobody
// understands; accepted, duplicates and refused together are all items. Lines are
// answered with lines, at the end of the stream: one for each run, with "line" (from
// 1, blank ones counted) in place of "index", and a last one,
// {"lines":…,"accepted":…,"duplicates":…,"unknown":…,"refused":…}. Where the stream
// was not taken to its end it also has "resume", the first line that is not settled,
// and "error"; everything before that line need not be sent again. Past a megabyte
// of answer runs are left out, and "omitted" counts their items. The status is 400
// when no item could be taken.
//
// Retry: the sender repeats source and id, which is what CloudEvents identifies an
// event by; that pair tells a retry. The signature covers id and timestamp once.
//
// Outbound: every event can be said. imdialect and imcommand name the vendor's
// words that data.vendor uses; subject is the lane. An event of no canonical type
// carries what came in as data.vendor.
//
// Read: CloudEvents 1.0.2 with its JSON format and HTTP binding, Standard Webhooks
// 1.0.0, on 2026-11-20. Verified against: the CloudEvents and Standard Webhooks Go
// libraries.
//
// Not supported: see SKIPPED.md.
package cloudevents
