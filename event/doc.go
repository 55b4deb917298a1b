// Package event is what travels through imhook: one canonical form for
// everything that happens, or is about to happen, in an IM system.
//
// An [Event] is an envelope (who says it, what type it is, which vendor command
// it came from) and the typed bodies that apply ([Message], [Group], [Member] …).
// Its JSON form is CloudEvents 1.0, see [Event.MarshalJSON]. What a vendor writes
// that has no canonical place is kept in Event.Vendor under the vendor's own
// names, so that a round trip through the canonical form loses nothing. The bytes
// that came in stay in Event.Raw and are what a same-dialect endpoint gets.
//
// Every id is a string, whatever the vendor writes; times are UTC with
// millisecond precision.
//
// # Glossary
//
// One word per idea, in code, configuration, CLI, metrics and console alike.
//
//	event      one thing that happened, or is about to happen, in an IM system
//	phase      before (a proposal: it waits for a verdict) or after (a fact)
//	type       canonical name, a noun path and a verb: message.send, group.member.join
//	dialect    one vendor's wire language, both directions
//	command    the vendor's own name for what it reports
//	source     an IM system that calls us: a dialect, an app, credentials
//	app        the tenant that sources, hooks and endpoints belong to
//	hook       somebody we ask before
//	verdict    allow, deny (seen by the sender), drop (silently), rewrite
//	endpoint   somebody we tell after
//	rule       which events a hook or an endpoint gets
//	journal    the durable log of after-events
//	lane       the unit of order inside an endpoint: a conversation, by default
//	attempt    one request to an endpoint
//	outcome    what became of an attempt: delivered, retry, refused, misconfigured
//	park       set an event aside as a dead letter, so that its lane goes on
//	echo       a second report of a fact that another command already reports
//	link       the key that joins what belongs to one message
//
// The package does no I/O and its values are not safe for concurrent mutation;
// an Event that has been handed to another stage is read-only.
package event
