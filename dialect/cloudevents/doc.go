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
// Only a single event can be a proposal: inside a batch there is nothing to answer
// it with.
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
