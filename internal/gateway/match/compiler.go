package match

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Compiler compiles rules. Patterns and conditions that are written alike are
// compiled once and shared, for as long as a rule has them. Make it with
// [NewCompiler]. Safe for concurrent use.
type Compiler struct {
	reg *dialect.Registry

	// mu guards the following.
	mu         sync.Mutex
	selections shared[selection]
	conditions shared[condition]
}

// NewCompiler returns a compiler for the dialects of reg, which also reads events
// again whose bodies a condition asks for.
func NewCompiler(reg *dialect.Registry) *Compiler { return &Compiler{reg: reg} }

// Compile checks one rule, see [Compiler.Compile].
func Compile(r Rule, reg *dialect.Registry) (*Matcher, error) { return NewCompiler(reg).Compile(r) }

// everyType is the pattern of a rule that names none.
const everyType = "**"

// Compile checks a rule. The error names the pattern, says what is wrong with it
// and which one was probably meant; for a condition it wraps a *[ConditionError].
func (c *Compiler) Compile(r Rule) (*Matcher, error) {
	if r.App == "" {
		return nil, errors.New("compiling rule: it has no app")
	}
	if slices.Contains(r.Sources, "") {
		return nil, errors.New("compiling rule: a source's name is empty")
	}
	m := &Matcher{reg: c.reg, app: r.App, sources: slices.Clone(r.Sources), failed: r.Failed}
	phase, events := r.Phase, r.Events
	if phase == "" {
		phase = event.After
	}
	if len(events) == 0 {
		events = []string{everyType}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	m.selection, err = c.selections.get(string(phase)+"\x00"+strings.Join(events, "\x00"), func() (*selection, error) {
		return newSelection(events, phase, c.reg)
	})
	if err != nil {
		return nil, fmt.Errorf("compiling rule: %w", err)
	}
	if r.When == "" {
		return m, nil
	}
	m.when, err = c.conditions.get(r.When, func() (*condition, error) { return newCondition(r.When) })
	if err != nil {
		if e, ok := errors.AsType[*ConditionError](err); ok {
			return nil, fmt.Errorf("compiling rule: condition, line %d, column %d: %w", e.Line, e.Column, err)
		}
		return nil, fmt.Errorf("compiling rule: condition: %w", err)
	}
	return m, nil
}

// shared remembers what was made, for as long as somebody has it. The zero value
// is empty. Not for concurrent use.
type shared[T any] struct {
	made map[string]weak.Pointer[T]
	// pruneAt is how many there are when those that nobody has are looked for.
	pruneAt int
}

// get returns what was made for a text, or builds it.
func (s *shared[T]) get(text string, build func() (*T, error)) (*T, error) {
	if known := s.made[text].Value(); known != nil {
		return known, nil
	}
	v, err := build()
	if err != nil {
		return nil, err
	}
	if len(s.made) >= s.pruneAt {
		maps.DeleteFunc(s.made, func(_ string, p weak.Pointer[T]) bool { return p.Value() == nil })
		s.pruneAt = 2*len(s.made) + 16
	}
	if s.made == nil {
		s.made = map[string]weak.Pointer[T]{}
	}
	s.made[text] = weak.Make(v)
	return v, nil
}
