// Package publish hands events to a broker, as CloudEvents: to a subject of NATS
// JetStream, or to a topic of Kafka, with the conversation as key. It makes one
// attempt and says what became of it, as send does for HTTP.
//
//	event ─► voice (CloudEvents, structured) ─► NATS │ Kafka ─► Outcome
//
// Delivered means that the broker has acknowledged it: that a stream stored it, or
// that all replicas in sync have it.
package publish
