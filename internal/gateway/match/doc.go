// Package match picks: it says which rules get an event.
//
// A rule names events in two ways. A type pattern is words with dots between,
// as the types have them:
//
//	message.send     exactly this type
//	message.*        * is one word: message.send, not message.extension.set
//	group.**         ** at the end is one word or more: group.create and
//	                 group.member.join, but never a type that is only "group"
//	**.join          ** elsewhere is any number of words, also none
//	**               every type, also those that no catalogue knows
//
// A vendor pattern is a dialect and one of its commands, "easemob:muc:kick". On
// an event in that dialect's words it means exactly that command; on any other
// event it means the canonical types that the command stands for.
//
// A pattern that can never match is an error when the rule is compiled, not a
// silence at night. An event that no rule matches goes nowhere.
package match
