// Package wordlist is the built-in hook: it finds the words of a list in what a
// proposal says and masks them, or denies the proposal. It asks nobody, so it works
// with no backend at all.
//
// Words and texts are folded before they are compared: forms that Unicode calls
// compatible (full width, circled, ligatures) and upper case become one, and what is
// invisible does not count. Separators between the letters of a word are passed over,
// as far as that does not find words that are not there; the rules are on [List].
//
// A file is looked at once a second and read again when it has changed. One that is
// missing or wrong then leaves the list before in force, which is logged once and
// stands in [Status]; at the start it is an error.
//
// It does not tell traditional from simplified characters, letters of different
// scripts that look alike, or accents from their absence: what is meant stands in the
// list.
package wordlist
