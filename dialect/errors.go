package dialect

import (
	"errors"
	"fmt"
	"strings"
)

// What a dialect refuses, to be told apart with errors.Is.
var (
	// ErrSignature: the signature is missing or does not fit.
	ErrSignature = errors.New("signature does not fit")
	// ErrStale: the signed timestamp lies outside the window.
	ErrStale = errors.New("signed timestamp outside the window")
	// ErrWrongApp: the request names another app than the source's.
	ErrWrongApp = errors.New("request belongs to another app")
	// ErrUntranslatable: the dialect cannot express the event.
	ErrUntranslatable = errors.New("cannot be expressed in this dialect")
	// ErrUnknownCommand: the dialect has no such command.
	ErrUnknownCommand = errors.New("unknown command")
	// ErrBadReply: an answer is not of the dialect's form.
	ErrBadReply = errors.New("answer is not of the dialect's form")
	// ErrRefused: the backend refused inside a successful answer.
	ErrRefused = errors.New("backend refused")
	// ErrUncarried: the answer to the command cannot tell the verdict.
	ErrUncarried = errors.New("the server cannot be told")
	// ErrNoSecret: signing needs a secret and none is valid now.
	ErrNoSecret = errors.New("no valid secret to sign with")
)

// DecodeError says what is wrong with a body, and where. Every decoder's error
// is one.
type DecodeError struct {
	Dialect string
	// Command is empty when the body did not even tell that.
	Command string
	// Field is a path in dots, "conv.type"; empty when the whole body is meant.
	Field string
	// Offset is the byte in the body, 0 when not known.
	Offset int64
	Err    error
}

// Error names dialect, command, field and place.
func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString(e.Dialect)
	if e.Command != "" {
		b.WriteString(" " + e.Command)
	}
	if e.Field != "" {
		b.WriteString(": field " + e.Field)
	}
	if e.Offset > 0 {
		fmt.Fprintf(&b, " (byte %d)", e.Offset)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Untranslatable returns an error that wraps [ErrUntranslatable] with a reason.
func Untranslatable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUntranslatable, fmt.Sprintf(format, args...))
}

// Uncarried returns an error that wraps [ErrUncarried] with a reason: "openim
// callbackBeforeAddFriendCommand takes no rewrite".
func Uncarried(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUncarried, fmt.Sprintf(format, args...))
}
