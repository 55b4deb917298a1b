package match

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// condition is a compiled `when:`. It does not change and is safe for concurrent
// use.
type condition struct {
	text string
	// prog evaluates it; nil when key says everything.
	prog cel.Program
	// key is a comparison without which the condition is false; nil when it has
	// none of the form that an index can use.
	key *comparison
}

// CheckCondition says what is wrong with a condition: nil, or a *ConditionError.
// An empty text is none and nothing is wrong with it.
func CheckCondition(text string) error {
	if text == "" {
		return nil
	}
	_, err := newCondition(text)
	return err
}

// newCondition compiles a condition.
func newCondition(text string) (*condition, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	if err := checkText(text); err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, firstIssue(env, text, issues.Errors())
	}
	if err := checkMeaning(text, ast); err != nil {
		return nil, err
	}
	c := &condition{text: text, key: findComparison(ast)}
	if c.key != nil && c.key.whole {
		return c, nil
	}
	c.prog, err = program(env, ast)
	if err != nil {
		return nil, &ConditionError{Text: text, Line: 1, Column: 1, Problem: err.Error()}
	}
	return c, nil
}

// program makes a condition ready to be evaluated.
func program(env *cel.Env, ast *cel.Ast) (cel.Program, error) {
	// Optimizing compiles regular expressions and sets once.
	options, err := options()
	if err != nil {
		return nil, err
	}
	options = append(options, cel.EvalOptions(cel.OptOptimize))
	if !cheap(env, ast) {
		options = append(options, cel.CostLimit(maxCost))
	}
	return env.Program(ast, options...)
}

// checkText refuses what the parser should not see.
func checkText(text string) error {
	if strings.TrimSpace(text) == "" {
		return &ConditionError{Text: text, Line: 1, Column: 1, Problem: "it is empty; write a condition or leave it out"}
	}
	if n := utf8.RuneCountInString(text); n > maxCondition {
		return &ConditionError{Text: text, Line: 1, Column: 1, Problem: fmt.Sprintf("it has %d characters, at most %d are read", n, maxCondition)}
	}
	line, column := 1, 1
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return &ConditionError{Text: text, Line: line, Column: column, Problem: "this is not UTF-8"}
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return nil
}

// holds reports whether the condition is true of s. An error means that it is
// neither true nor false; then it is not true.
func (c *condition) holds(s *subject) (bool, error) {
	if c.key != nil {
		if !c.key.values[c.key.path.read(s)] {
			return false, nil
		}
		if c.key.whole {
			return true, nil
		}
	}
	out, _, err := c.prog.Eval(s)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", c.text, err)
	}
	return out == types.True, nil
}
