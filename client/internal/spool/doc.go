// Package spool keeps what could not be sent yet: a queue of byte strings in the
// files of one directory, first in, first out.
//
// What Append took is on the disk (fsynced) and comes back after a crash of the
// process or of the machine; one Append is kept whole or not at all. Items come
// twice when the machine stops between an item's delivery and the note of it,
// never in another order.
//
// # Files
//
// Segments, "0000000000000001.spool" and on, hold frames one after the other:
//
//	magic    4 bytes
//	length   4 bytes, little endian: of the payload
//	checksum 4 bytes, little endian: CRC-32C of length and payload
//	payload  moment of the Append (8 bytes, milliseconds), then length (4 bytes) and bytes of each item
//
// A frame is one Append. A segment is never written to again by another process
// than the one that made it, and is removed when all of its items are done. The
// file "cursor" says what is done; without it everything there is comes again.
//
// What a crash left behind the last whole frame is passed over. So is a damaged
// piece in the middle: the frames behind it are found by their magic. Both are
// reported. The magic's last byte is the version of the format; a directory with a
// segment of a newer one is refused.
//
// A library was looked for and none fits inside another's server: those for
// write-ahead logs refuse to open after a torn write or do not notice a changed
// byte, embedded databases end the process when their file is cut short, and
// consensus logs bring their whole family.
package spool
