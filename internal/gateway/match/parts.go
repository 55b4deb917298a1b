package match

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"
)

// explainFactor is how much more an evaluation may cost that explains: it goes
// through every part, also those that the result does not need.
const explainFactor = 10

// dissection is a condition whose parts were all evaluated.
type dissection struct {
	ast   *ast.AST
	state interpreter.EvalState
	parts []Part
}

// explainCondition evaluates every part of a condition. why is in words what makes
// it false.
func explainCondition(text string, s *subject) (parts []Part, why string, holds bool) {
	out, d, err := dissect(text, s)
	if d == nil {
		return nil, err.Error(), false
	}
	d.collect(d.ast.Expr())
	switch {
	case err != nil && isCostLimit(err):
		return d.parts, "the condition costs more than one evaluation may", false
	case err != nil:
		return d.parts, d.blame(d.ast.Expr()), false
	}
	return d.parts, d.blame(d.ast.Expr()), out == types.True
}

func isCostLimit(err error) bool {
	e, ok := errors.AsType[interpreter.EvalCancelledError](err)
	return ok && e.Cause == interpreter.CostLimitExceeded
}

// dissect evaluates everything and keeps it. Without a dissection the error says
// why there is none; with one it is that of the evaluation.
func dissect(text string, s *subject) (ref.Val, *dissection, error) {
	env, err := environment()
	if err != nil {
		return nil, nil, err
	}
	compiled, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, nil, issues.Err()
	}
	options, err := options()
	if err != nil {
		return nil, nil, err
	}
	prog, err := env.Program(compiled, append(options, cel.EvalOptions(cel.OptExhaustiveEval), cel.CostLimit(explainFactor*maxCost))...)
	if err != nil {
		return nil, nil, fmt.Errorf("explaining the condition: %w", err)
	}
	out, details, err := prog.Eval(s)
	d := &dissection{ast: compiled.NativeRep(), state: interpreter.NewEvalState()}
	if state := details.State(); state != nil {
		d.state = state
	}
	return out, d, err
}

// branches are the parts of a part: those of && and ||, the one of !; none of a
// part that is not made of others.
func branches(e ast.Expr) (operator string, parts []ast.Expr) {
	if e.Kind() != ast.CallKind {
		return "", nil
	}
	op := e.AsCall().FunctionName()
	switch op {
	case operators.LogicalNot:
		return op, e.AsCall().Args()
	case operators.LogicalAnd, operators.LogicalOr:
		for _, arg := range e.AsCall().Args() {
			// a && b && c is a tree of pairs, in whatever balance.
			if inner, more := branches(arg); inner == op {
				parts = append(parts, more...)
			} else {
				parts = append(parts, arg)
			}
		}
		return op, parts
	}
	return "", nil
}

// collect lists the parts from left to right.
func (d *dissection) collect(e ast.Expr) {
	_, inner := branches(e)
	if len(inner) == 0 {
		d.parts = append(d.parts, Part{Text: d.text(e), Value: d.value(e), Where: d.where(e)})
		return
	}
	for _, p := range inner {
		d.collect(p)
	}
}

// blame says which part makes e what it is.
func (d *dissection) blame(e ast.Expr) string {
	op, inner := branches(e)
	switch op {
	case operators.LogicalAnd:
		for _, want := range []string{"false", ""} { // a false one decides, whatever fails
			for _, p := range inner {
				if v := d.value(p); v != "true" && (want == "" || v == want) {
					return d.blame(p)
				}
			}
		}
	case operators.LogicalOr:
		for _, p := range inner {
			if v := d.value(p); v == "true" || v != "false" {
				return d.blame(p)
			}
		}
		var all []string
		for _, p := range inner {
			all = append(all, d.text(p))
		}
		return "none of " + strings.Join(all, ", ") + " is true" + d.bracket(e)
	case operators.LogicalNot:
		return d.blame(inner[0])
	}
	return d.text(e) + " is " + d.value(e) + d.bracket(e)
}

func (d *dissection) bracket(e ast.Expr) string {
	if w := d.where(e); w != "" {
		return " (" + w + ")"
	}
	return ""
}

// text writes a part out.
func (d *dissection) text(e ast.Expr) string {
	s, err := parser.Unparse(e, d.ast.SourceInfo())
	if err != nil {
		return "a part that cannot be written out"
	}
	return s
}

func (d *dissection) value(e ast.Expr) string {
	if e.Kind() == ast.LiteralKind {
		return show(e.AsLiteral())
	}
	v, ok := d.state.Value(e.ID())
	if !ok {
		return "not evaluated"
	}
	return show(v)
}

// where names what a part asks of the event.
func (d *dissection) where(e ast.Expr) string {
	var all []string
	d.asked(e, func(asked ast.Expr) {
		v, ok := d.state.Value(asked.ID())
		if said := d.text(asked) + " is " + show(v); ok && !slices.Contains(all, said) {
			all = append(all, said)
		}
	})
	return strings.Join(all, ", ")
}

// asked calls f for the longest ways into the event; not for those of loops'
// variables, which have many values.
func (d *dissection) asked(e ast.Expr, f func(ast.Expr)) {
	switch e.Kind() {
	case ast.SelectKind:
		switch {
		case e.AsSelect().IsTestOnly():
		case d.rooted(e):
			f(e)
		default:
			d.asked(e.AsSelect().Operand(), f)
		}
	case ast.CallKind:
		if d.rooted(e) {
			f(e)
			return
		}
		if e.AsCall().IsMemberFunction() {
			d.asked(e.AsCall().Target(), f)
		}
		for _, arg := range e.AsCall().Args() {
			d.asked(arg, f)
		}
	case ast.ListKind:
		for _, v := range e.AsList().Elements() {
			d.asked(v, f)
		}
	case ast.ComprehensionKind:
		d.asked(e.AsComprehension().IterRange(), f)
	}
}

// rooted reports whether e is a way into the event: event.a.b[0].c.
func (d *dissection) rooted(e ast.Expr) bool {
	for {
		switch {
		case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
			e = e.AsSelect().Operand()
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index && e.AsCall().Args()[1].Kind() == ast.LiteralKind:
			e = e.AsCall().Args()[0]
		default:
			return e.Kind() == ast.IdentKind && e.AsIdent() == variable
		}
	}
}

// maxShown is how much of a value is shown, in bytes.
const maxShown = 80

// show writes a value as a person reads it.
func show(v ref.Val) string {
	switch v := v.(type) {
	case nil:
		return "not evaluated"
	case types.String:
		return strconv.Quote(cut(string(v)))
	case types.Bytes:
		return strconv.Itoa(len(v)) + " bytes"
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano)
	case *types.Err:
		// The operator's inner name is in the part itself.
		why, _, _ := strings.Cut(v.String(), ": _")
		return "an error: " + why
	case nothing:
		return "not there"
	case *bag:
		return "an object of " + cut(strings.Join(v.names(), ", "))
	case *object:
		return "a " + v.record.name
	case traits.Lister:
		var all []string
		n := int(v.Size().(types.Int))
		for i := range min(n, 10) {
			all = append(all, show(v.Get(types.Int(i))))
		}
		if n > len(all) {
			all = append(all, "…")
		}
		return "[" + cut(strings.Join(all, ", ")) + "]"
	case types.Null:
		return "null"
	}
	return cut(fmt.Sprint(v.Value()))
}

// cut shortens a text at a character.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
