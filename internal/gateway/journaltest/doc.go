// Package journaltest holds a journal to what the stages around it rely on.
// [Exercise] is the whole of it: one call in the test of an implementation.
package journaltest
