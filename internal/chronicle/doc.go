// Package chronicle keeps what happened for people who look back: decisions,
// attempts. What is kept and what of it, its user says.
//
// An entry waits in a bounded queue and is kept in batches, so that whoever records
// it never waits. What does not fit into the queue, and what the store does not
// take, is dropped and counted: nothing depends on it. The same holds for the last
// moments before a kill. What is kept is bounded by the store, in age and in bytes.
//
// # Format
//
// A page is a version byte, the number of entries, the earliest and the latest moment
// of them in Unix milliseconds, and then each entry as JSON with its length before
// it. Numbers are varints. A page that cannot be read is skipped and counted.
package chronicle
