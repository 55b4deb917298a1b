package wordlist

import (
	"errors"
	"fmt"
	"log/slog"
	"unicode"
)

// Action is what becomes of a proposal that holds a word. It stands in files: append
// only.
type Action string

// The two actions.
const (
	// Mask puts the mask in place of the word's letters.
	Mask Action = "mask"
	// Deny refuses the proposal.
	Deny Action = "deny"
)

// Defaults.
const (
	defaultMask   = '*'
	defaultReason = "it holds words that are not allowed"
)

// Config is what a [List] is made of.
type Config struct {
	// File holds the words, one a line; empty means none. It is followed.
	File string
	// Words are in force beside the file's, written as lines of it.
	Words []string
	// Action is for the words that do not say their own; empty means [Mask].
	Action Action
	// Mask stands in place of each letter; zero means '*'.
	Mask rune
	// Code and Reason go with a denial. Zero means the code that the source's
	// dialect has for it, empty a general sentence: the sender may read it.
	Code   int
	Reason string
	// Log is told when the file was read again, or could not be; nil means nobody.
	Log *slog.Logger
}

// WithDefaults returns a copy with zero fields filled in.
func (c Config) WithDefaults() Config {
	if c.Action == "" {
		c.Action = Mask
	}
	if c.Mask == 0 {
		c.Mask = defaultMask
	}
	if c.Reason == "" {
		c.Reason = defaultReason
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says what is wrong with the configuration. It does not read the file.
func (c Config) Validate() error {
	var errs []error
	if c.File == "" && len(c.Words) == 0 {
		errs = append(errs, errors.New("a word list needs `file` or `words`"))
	}
	if c.Action != "" && !c.Action.valid() {
		errs = append(errs, fmt.Errorf("action is %q, want mask or deny", string(c.Action)))
	}
	if c.Mask != 0 && !unicode.IsGraphic(c.Mask) {
		errs = append(errs, fmt.Errorf("mask is %q, want one visible character", c.Mask))
	}
	return errors.Join(errs...)
}

func (a Action) valid() bool { return a == Mask || a == Deny }
