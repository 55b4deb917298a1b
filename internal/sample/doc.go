// Package sample makes the requests that a person asks for: what a vendor's
// server would send for a command, changed where the person said so, and signed.
//
//	dialect.Sample ─► the source's own keys ─► edits ─► dialect.Sign
//
// An edit is path=value. The path goes into a JSON body key by key, with a number
// for the place in an array; into a form by key; and into the query after
// "query.". Bytes that no edit touches stay as they are, so numbers keep their
// digits and keys their order.
package sample
