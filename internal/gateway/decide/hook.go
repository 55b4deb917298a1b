package decide

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Defaults.
const (
	defaultTimeout     = 500 * time.Millisecond
	defaultConcurrency = 256
)

// Asker asks one hook.
type Asker interface {
	// Ask returns when there is an answer, when the question's deadline is past, or
	// when ctx ends. It never panics for what the hook says and is safe for
	// concurrent use.
	Ask(ctx context.Context, q gateway.Question) gateway.Reply
}

// Hook is somebody who is asked before.
type Hook struct {
	App, Name string
	// Match is its rule.
	Match func(*event.Event) bool
	// Asker must be comparable: a hook that is asked through the same one stays the
	// same hook when the configuration changes.
	Asker Asker
	// Timeout is for one question; zero means 500 ms. It is cut to what is left of
	// the proposal's time.
	Timeout time.Duration
	// Concurrency is how many questions may be open at once; zero means 256.
	Concurrency int
	Policy      Policy
	Downgrade   Downgrade
	Breaker     Breaker
	// Vote asks it side by side with the voters next to it.
	Vote bool
	// Shadow asks and records, and never counts.
	Shadow bool
	// Share is the part of the conversations that it is asked about, 0 to 1; zero
	// means all of them.
	Share float64
}

// Policy says what a failure means: [event.Allow], which the zero value is, or
// [event.Deny].
type Policy struct {
	OnTimeout, OnError, OnBadReply, OnOverload, OnUntranslatable event.Action
}

// of returns the policy for a cause.
func (p Policy) of(c gateway.Cause) event.Action {
	a := p.OnError
	switch c {
	case gateway.CauseTimeout:
		a = p.OnTimeout
	case gateway.CauseBadReply:
		a = p.OnBadReply
	case gateway.CauseOverload:
		a = p.OnOverload
	case gateway.CauseUntranslatable:
		a = p.OnUntranslatable
	}
	if a == event.Deny {
		return event.Deny
	}
	return event.Allow
}

// Downgrade says what becomes of a verdict that the source's command cannot carry:
// [event.Deny], which the zero value is, or [event.Allow].
type Downgrade struct {
	Rewrite, Drop event.Action
	// Partial is for members that are refused where they cannot be named.
	Partial event.Action
}

// of returns what a verdict becomes.
func (d Downgrade) of(v event.Verdict) event.Action {
	a := d.Rewrite
	switch {
	case v.Action == event.Drop:
		a = d.Drop
	case len(v.Refused) > 0:
		a = d.Partial
	}
	if a == event.Allow {
		return event.Allow
	}
	return event.Deny
}

// withDefaults returns a copy with zero fields filled in.
func (h Hook) withDefaults() Hook {
	if h.Timeout == 0 {
		h.Timeout = defaultTimeout
	}
	if h.Concurrency == 0 {
		h.Concurrency = defaultConcurrency
	}
	if h.Share == 0 {
		h.Share = 1
	}
	h.Breaker = h.Breaker.withDefaults()
	return h
}

// Validate says what is wrong with the hook.
func (h Hook) Validate() error {
	var err error
	switch {
	case h.App == "" || h.Name == "":
		err = errors.New("needs App and Name")
	case h.Match == nil || h.Asker == nil:
		err = errors.New("needs Match and Asker")
	case h.Timeout < 0:
		err = fmt.Errorf("timeout is %v, want more than 0", h.Timeout)
	case h.Concurrency < 0:
		err = fmt.Errorf("concurrency is %d, want at least 1", h.Concurrency)
	case h.Share < 0 || h.Share > 1:
		err = fmt.Errorf("share is %v, want 0 to 1", h.Share)
	case h.Breaker.Within != 0 && h.Breaker.Within < leastWithin:
		err = fmt.Errorf("breaker looks at %v, want at least %v", h.Breaker.Within, leastWithin)
	case h.Shadow && h.Vote:
		err = errors.New("a hook in the shadow has no vote")
	}
	if err != nil {
		return fmt.Errorf("hook %s/%s: %w", h.App, h.Name, err)
	}
	return nil
}
