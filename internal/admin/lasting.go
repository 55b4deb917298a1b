package admin

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// lookAgain is how often it is looked whether who reads a stream still may.
const lookAgain = 5 * time.Second

// errNotAnyMore ends a stream whose reader may not read it any more.
var errNotAnyMore = errors.New("the token or session is not valid any more")

// last writes a stream for as long as its reader may read it: until it ends, or the token
// or session is no more. What breaks off then is seen to be not whole.
func (a *api) last(q *request, s stream) {
	ctx, cancel := context.WithCancelCause(q.r.Context())
	defer cancel(nil)
	go func() {
		look := time.NewTicker(lookAgain)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			c, no := a.guard.admits(q.r)
			if no != nil && no.status == http.StatusTooManyRequests {
				continue // others guess from the same address: it was not looked at
			}
			if no != nil || !c.Role.may(q.op.role) {
				cancel(errNotAnyMore)
				return
			}
		}
	}()
	s(q.w, q.r.WithContext(ctx))
	if errors.Is(context.Cause(ctx), errNotAnyMore) {
		panic(http.ErrAbortHandler)
	}
}
