package journal

import "context"

// Trimmed returns how many events were dropped from the front of the journal since
// it was made: what came before its first page.
func (j *Journal) Trimmed(ctx context.Context) (uint64, error) {
	e, err := j.use()
	if err != nil {
		return 0, err
	}
	st, err := e.state(ctx)
	if err != nil {
		return 0, err
	}
	if st.Msgs == 0 {
		_, events := j.done.get()
		return events, nil
	}
	h, err := e.headAfter(ctx, st.FirstSeq, st.LastSeq, nil)
	return h.before, restarting(err)
}
