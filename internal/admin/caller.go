package admin

import "context"

// caller is who asks.
type caller struct {
	// Name is what a token is called, or where the caller is.
	Name string
	Role Role
}

type callerKey struct{}

// callerOf is who asks; nobody, without a role, for a request that the guard did not
// see.
func callerOf(ctx context.Context) *caller {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if !ok {
		return &caller{Name: "nobody"}
	}
	return c
}

// sessionCookie is what a session of the console is kept in.
const sessionCookie = "imhook_session"
