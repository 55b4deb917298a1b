// Package decide answers before-events: it asks the hooks whose rule picks the
// event, in the configured order, and folds what they say into one verdict, inside
// the time that the IM server waits.
//
//	proposal ─► step ─► step ─► … ─► fold ─► verdict
//	            one hook, or several that vote side by side
//
// A rewrite feeds the next hook; the first deny or drop ends the chain, and what is
// still being asked then is cancelled. Whatever goes wrong with a hook is a cause
// with a policy, allow or deny, so that there always is a verdict, and in time:
// every question's time is cut to what is left of the budget. A hook that keeps
// failing is not asked for a while; its policy then answers at once. A hook in the
// shadow is asked and written down, and counts for nothing.
//
// What the source's command cannot carry becomes the nearest safe verdict, unless
// the hook says otherwise, and is counted. A server's retry is told the verdict
// that its first request got.
//
// How a hook is asked is not known here: see [Asker]. Every decision leaves a
// trail: see [Trail].
package decide
