package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/imhook/imhook/client/admin"
)

// resumer follows a stream of the gateway's, and asks again when it breaks off.
type resumer struct {
	// once follows one stream to its end; after is the id of the last event that had one,
	// heard is called whenever the gateway says anything.
	once func(ctx context.Context, after string, heard func(), take func(admin.StreamEvent) error) error
	// take is given each event. Its error ends the following.
	take func(e admin.StreamEvent) error
	// deaf is how long nothing may be heard before it ends with an error.
	deaf time.Duration
	// note tells the person that it breaks off or goes on.
	note func(format string, args ...any)
}

// run follows until ctx ends, take fails, the gateway refuses, or nothing was heard for
// too long. A gateway that does not answer at first is not waited for.
func (f *resumer) run(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 200*time.Millisecond, 5*time.Second
	var heard time.Time
	broken, after := false, ""
	for {
		err := f.once(ctx, after, func() {
			if broken {
				f.note("the gateway is back; going on where it broke off")
			}
			broken, heard = false, time.Now()
			pause.Reset()
		}, func(e admin.StreamEvent) error {
			err := f.take(e)
			if e.ID != "" && err == nil {
				after = e.ID
			}
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // somebody wished for the end
		case heard.IsZero() || !mayComeBack(err):
			return explain(err)
		case time.Since(heard) > f.deaf:
			return fmt.Errorf("deaf: nothing was heard of the gateway for %v: %w", time.Since(heard).Round(time.Second), err)
		}
		if !broken {
			f.note("%v; trying again for %v", err, f.deaf)
			broken = true
		}
		wait := time.NewTimer(pause.NextBackOff())
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// mayComeBack reports whether asking again may help.
func mayComeBack(err error) bool {
	if _, ok := errors.AsType[*admin.BrokenError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*admin.UnreachableError](err); ok {
		return true
	}
	no, ok := errors.AsType[*admin.Error](err)
	return ok && (no.Status >= http.StatusInternalServerError || no.Status == http.StatusTooManyRequests)
}

// noteTo writes notes for the person who looks.
func noteTo(w io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) {
		_, _ = io.WriteString(w, "imhook: "+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")+"\n")
	}
}
