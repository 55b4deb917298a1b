// Package match picks: it says which rules get an event.
//
// A rule names events in two ways. A type pattern is an [event.Pattern]:
// "message.send", "message.*", "group.**".
//
// A vendor pattern is a dialect and one of its commands, "easemob:muc:kick". On
// an event in that dialect's words it means exactly that command; on any other
// event it means the canonical types that the command stands for. Where the vendor's
// own filters have a word for several commands, that word is a pattern too:
// "easemob:muc" is every command that begins with "muc:", those included that
// nobody knows yet.
//
// A pattern that can never match is an error when the rule is compiled, not a
// silence at night. An event that no rule matches goes nowhere.
//
// A condition narrows further. It is written in CEL, the Common Expression
// Language, over one variable: event, with the envelope (id, app, source, type,
// phase, time, dialect, command, lane …) and the bodies of the canonical JSON form
// under their names there:
//
//	event.message.kind == "text" && !event.actor.admin
//	event.group.id in ["g1", "g2"] || event.members.exists(m, m.role == "owner")
//	event.message.text.matches("(?i)refund") && has(event.message.media)
//	event.vendor.chat_type == "groupchat"
//
// What an event does not have reads as empty, zero or false, so that a condition on
// messages is false for a member who joins and never an error; has() tells whether
// it is there. The names in event.vendor are the vendor's and cannot be checked; a
// name that is not there equals nothing. A name, type or kind that does not exist
// is an error when the rule is compiled.
//
// Conditions are bounded: there are no loops but over lists that the event has, and
// an evaluation that costs too much is stopped. One that is stopped, or that cannot
// be evaluated (a text taken for a number, the first element of an empty list), does
// not match, and [Rule.Failed] is told.
//
// Conditions that compare a text with values, alone or together with more, are found
// by the event's value and not asked one by one: ten thousand endpoints, each with
// its own group, cost what ten cost. An event that comes from the journal without
// bodies has them read again, in a copy, when a condition asks for one; when that
// cannot be done, the condition sees the envelope.
package match
