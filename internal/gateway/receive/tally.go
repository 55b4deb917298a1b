package receive

import (
	"strings"
	"unicode/utf8"

	"github.com/imhook/imhook/dialect"
)

const (
	// maxReport bounds what is remembered for an answer, in bytes of its texts.
	maxReport = 1 << 20
	// runBytes is what a run costs beside its texts.
	runBytes = 64
	// maxProblem bounds what is said about one item, in bytes.
	maxProblem = 300
)

// fate is what becomes of one item.
type fate struct {
	n  int
	id string
	// ev is the item's place among the events that are kept together, -1 when it is
	// none of them.
	ev      int
	unknown bool
	problem string
}

// result says it when it is known whether the event had been kept before.
func (f *fate) result(repeated []bool) dialect.Result {
	switch {
	case f.ev < 0:
		return dialect.ItemRefused
	case repeated[f.ev]:
		return dialect.ItemDuplicate
	case f.unknown:
		return dialect.ItemUnknown
	}
	return dialect.ItemAccepted
}

// tally gathers what became of the items, in their order and in bounded memory.
type tally struct {
	dialect.Report
	bytes int
	// last is the number of the last item.
	last int
}

// add counts one item more, and joins it to those before it that fared alike.
// What went wrong stands alone.
func (t *tally) add(f *fate, result dialect.Result) {
	t.last = f.n
	switch result {
	case dialect.ItemAccepted:
		t.Accepted++
	case dialect.ItemUnknown:
		t.Accepted++
		t.Unknown++
	case dialect.ItemDuplicate:
		t.Duplicates++
	default:
		t.Refused++
	}
	if t.Omitted > 0 {
		t.Omitted++
		return
	}
	plain := result == dialect.ItemAccepted || result == dialect.ItemDuplicate
	if n := len(t.Runs); plain && n > 0 && t.Runs[n-1].Result == result {
		t.Runs[n-1].Last, t.Runs[n-1].ID = f.n, ""
		return
	}
	run := dialect.Run{First: f.n, Last: f.n, ID: f.id, Result: result}
	if !plain {
		run.Problem = f.problem
	}
	t.bytes += runBytes + len(run.ID) + len(run.Problem)
	if t.bytes > maxReport {
		t.Omitted = 1
		return
	}
	t.Runs = append(t.Runs, run)
}

// problemOf is an error as the sender of an item reads it, detached from the item.
func problemOf(err error) string {
	if err == nil {
		return ""
	}
	s := err.Error()
	if len(s) > maxProblem {
		s = s[:maxProblem] + "…"
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.Clone(s)
}
