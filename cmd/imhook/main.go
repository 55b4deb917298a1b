// Command imhook is the callback gateway for instant messaging, and the tools
// around it: what an IM server would send, a backend that shows what it gets, and
// questions to a running gateway.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	// Conditions name time zones, and a small image has none.
	_ "time/tzdata"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole program; it returns the exit status. The first signal ends
// the context, the second ends the process.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if lines, ok := errors.AsType[*listedError](err); ok {
		fmt.Fprintln(os.Stderr, lines.list)
	}
	fmt.Fprintln(os.Stderr, "imhook:", err)
	return 1
}

// listedError is an error with lines that stand alone before it: the problems of
// a file, which editors can jump to.
type listedError struct {
	list string
	err  error
}

func (e *listedError) Error() string { return e.err.Error() }

func (e *listedError) Unwrap() error { return e.err }
