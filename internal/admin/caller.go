package admin

import (
	"context"
	"time"
)

// How the gateway knows a caller. The words are output: append only.
const (
	byToken   = "token"
	bySession = "session"
	byMachine = "machine"
)

// caller is who asks.
type caller struct {
	// Name is what a token is called, or where the caller is.
	Name string
	Role Role
	// by is how the gateway knows, token the id of one that imhook made.
	by, token string
	// Expires is when that ends; zero when it does not.
	Expires time.Time
}

type callerKey struct{}

// callerOf is who asks; nobody, without a role, for a request that the guard let pass
// without a look.
func callerOf(ctx context.Context) *caller {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if !ok {
		return &caller{Name: "nobody"}
	}
	return c
}
