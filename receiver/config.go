package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// noDeadline is how long a before-handler has where the dialect does not say how
// long its server waits.
const noDeadline = 5 * time.Second

// Config says who calls and what holds for the handlers. Only Dialect is required,
// and what its credentials require.
type Config struct {
	// Dialect is what the callers speak: "tencent.New()".
	Dialect dialect.Dialect
	// Credentials are the dialect's keys and secrets; each secret is taken while it is
	// valid. Secret is short for credentials of one secret; at most one of Secret and
	// Credentials.Secrets is given.
	Credentials dialect.Credentials
	Secret      dialect.Secret
	// Generation of the wire when it is fixed, of those that the dialect has; empty or
	// "auto" reads it off each request.
	Generation string
	// AcceptUnsigned names the kinds of events that may come without a signature, in
	// the dialect's words.
	AcceptUnsigned []string
	// Name is what the events' Source says and the log too. Receivers that share a
	// Seen and a Name share what was handled. Empty is the dialect's name.
	Name string
	// Handlers may be shared by several receivers. Nil is the receiver's own.
	Handlers *Handlers

	// MaxAge is how far a signed timestamp may lie from now. Zero is the dialect's
	// default, negative means that it is not checked.
	MaxAge time.Duration
	// MaxBody bounds a body in bytes. Zero is 1 MiB, as in the gateway. MaxDepth bounds
	// how deep its JSON nests. Zero is 64.
	MaxBody  int64
	MaxDepth int

	// Deadline is how long the answer to a before-event may take, from its head on.
	// Zero is four fifths of what the dialect's server waits, or 5 seconds where it does
	// not say. Behind a gateway it should be less than the hook's timeout there.
	Deadline time.Duration
	// Timeout is how long a handler of an after-event may take, for each event of a
	// request. It should be less than the caller waits: one that takes longer goes on,
	// but its event is sent again. Zero is 4 seconds; a gateway waits 5.
	Timeout time.Duration
	// OnFailure is the verdict when there is none: the handler panicked, was late,
	// returned the zero verdict, or too many run. It allows, denies or drops. Zero is
	// [event.Allowed].
	OnFailure event.Verdict
	// MaxRunning bounds the handlers that run at once, those included that outlived
	// their time. Beyond it after-events are refused, to be sent again, and
	// before-events get OnFailure. Zero is 1000.
	MaxRunning int

	// Seen remembers which events were handled. Nil is [NewMemory] of Window.
	Seen Seen
	// Window is how many events and signatures are remembered in this process. Zero is
	// 100,000 of each, some 25 MB for each when they are there.
	Window int

	// Observe is told what became of each event, and of each request that was refused,
	// before it is answered: count it, or write it down. It must be quick and safe for
	// concurrent use. Nil tells nobody.
	Observe func(Outcome)
	// Log gets what an operator should know. Nil is [slog.Default].
	Log *slog.Logger
}

// WithDefaults returns a copy in which what is zero has its default.
func (c Config) WithDefaults() Config {
	if c.Dialect != nil {
		spec := c.Dialect.Spec()
		c.Name = or(c.Name, spec.Name)
		c.MaxAge = or(c.MaxAge, spec.MaxAge)
		c.Deadline = or(c.Deadline, spec.Deadline*4/5)
	}
	if c.Secret != "" && len(c.Credentials.Secrets) == 0 {
		c.Credentials.Secrets, c.Secret = []dialect.DatedSecret{{Value: c.Secret}}, ""
	}
	if c.Generation == "auto" {
		c.Generation = ""
	}
	if c.Handlers == nil {
		c.Handlers = new(Handlers)
	}
	c.MaxBody = or(c.MaxBody, 1<<20)
	c.MaxDepth = or(c.MaxDepth, 64)
	c.Deadline = or(c.Deadline, noDeadline)
	c.Timeout = or(c.Timeout, 4*time.Second)
	c.OnFailure.Action = or(c.OnFailure.Action, event.Allow)
	c.MaxRunning = or(c.MaxRunning, 1000)
	c.Window = or(c.Window, 100_000)
	if c.Seen == nil && c.Window > 0 {
		c.Seen = NewMemory(c.Window)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Validate says what cannot work, all of it.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Dialect == nil {
		bad("Dialect is missing: what do the callers speak?")
		return errors.Join(errs...)
	}
	spec := c.Dialect.Spec()
	if c.Secret != "" && len(c.Credentials.Secrets) > 0 {
		bad("at most one of Secret and Credentials.Secrets")
	}
	secret := c.Secret != "" || len(c.Credentials.Secrets) > 0
	if secret && !slices.ContainsFunc(spec.Credentials, func(key dialect.CredentialKey) bool { return key.Secret }) {
		bad("Secret is given, and %s signs nothing: who may call must be bounded before the receiver", spec.Name)
	}
	for _, key := range spec.Credentials {
		switch {
		case key.Secret && key.Required && !secret:
			bad("Secret is missing: %s has %s, %s", spec.Name, key.Name, key.Line)
		case !key.Secret && key.Required && c.Credentials.Get(key.Name) == "":
			bad("Credentials.Public[%q] is missing: %s", key.Name, key.Line)
		}
	}
	if c.Generation != "" && c.Generation != "auto" && !slices.Contains(spec.Generations, c.Generation) {
		bad("Generation is %q, and %s has %q", c.Generation, spec.Name, spec.Generations)
	}
	switch v := c.OnFailure; {
	case v.Action != "" && v.Action != event.Allow && v.Action != event.Deny && v.Action != event.Drop, v.Changes != nil, len(v.Refused) > 0:
		bad("OnFailure is to %s something, want %q, %q or %q as a whole", v.Action, event.Allow, event.Deny, event.Drop)
	case c.Deadline < 0 || c.Timeout < 0:
		bad("Deadline or Timeout is negative")
	}
	if c.MaxBody < 0 || c.MaxDepth < 0 || c.MaxRunning < 0 || c.Window < 0 {
		bad("MaxBody, MaxDepth, MaxRunning or Window is negative")
	}
	return errors.Join(errs...)
}
