// Package dialect is the contract between imhook and the wire: what one vendor's
// language must be able to do, in both directions.
//
//	IM server ─► Verify ─► Decode ─► (kept) ─► Ack            after-events
//	                          └────► (decided) ─► Answer       before-events
//	(matched) ─► Path + Raw, or Encode ─► Sign ─► app backend ─► Judge | Verdict
//
// A dialect is one folder below this one with both directions in it, a stateless
// value that is safe for concurrent use. Adding one touches that folder and one
// line of package builtin, nothing else. Every dialect passes the suite of
// package dialecttest.
//
// The contract holds what all vendors need: a body that is a JSON object, an
// array or a form; the command in the path, the query or the body; the signature
// in the query, the headers or the body; generations; before and after; verdicts
// per member; one body that splits into items; one event that becomes several
// requests; batches out; and the body passed through byte for byte.
//
// Dialects import event, this package, the JSON library of the tree and the
// standard library.
package dialect
