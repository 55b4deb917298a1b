package deliver

import (
	"slices"
	"strings"

	"github.com/imhook/imhook/internal/gateway"
)

// RunOf is the run that a saved value is about; false when it is about something else.
func RunOf(key string, value []byte) (run gateway.Run, ok bool) {
	if !strings.HasPrefix(key, runPrefix) {
		return run, false
	}
	u, err := parseRun(value)
	if err != nil {
		return run, false
	}
	return u.spec, true
}

// RegroupRun makes of the records of a run, of all parts of its endpoint that have
// one, those of n other parts. Nothing is left out: it goes on where the part was that
// came least far, so that others repeat what they did since. A run that is over stays
// so, as that of the first part.
func RegroupRun(parts [][]byte, n int) (records [][]byte, err error) {
	var all []*rerun
	for _, b := range parts {
		u, err := parseRun(b)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	if len(all) == 0 {
		return nil, nil
	}
	first := all[0]
	sum := &rerun{spec: first.spec, from: first.from, end: first.end, place: position{Read: ^gateway.Pos(0)}}
	sum.spec.Rate = 0
	over := !slices.ContainsFunc(all, func(u *rerun) bool { return !u.state.Over() })
	for _, u := range all {
		sum.spec.Rate += u.spec.Rate
		sum.before.selected += u.before.selected
		sum.before.delivered += u.before.delivered
		sum.before.parked += u.before.parked
		sum.trimmed = max(sum.trimmed, u.trimmed)
		if u.state.Over() && !over {
			continue
		}
		sum.state, sum.note = u.state, u.note
		if u.endedAt.After(sum.endedAt) {
			sum.endedAt = u.endedAt
		}
		if sum.at.IsZero() || u.at.Before(sum.at) {
			sum.at = u.at
		}
		read := u.place.Read
		for _, o := range u.place.Open {
			read = min(read, o.Pos-1)
		}
		sum.place.Read = min(sum.place.Read, read)
		sum.from, sum.end = min(sum.from, u.from), max(sum.end, u.end)
	}
	if over {
		n = 1
	}
	sum.spec.Rate /= float64(n)
	for i := range n {
		if i > 0 {
			sum.before = tally{}
		}
		b, err := sum.record()
		if err != nil {
			return nil, err
		}
		records = append(records, b)
	}
	return records, nil
}
