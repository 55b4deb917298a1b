package match

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/imhook/imhook/event"
)

// checkMeaning refuses a condition that the language takes and that cannot mean
// what somebody wants: one that is not yes or no, and comparisons that are never
// or always true.
func checkMeaning(text string, a *cel.Ast) error {
	s, err := loadSchema()
	if err != nil {
		return err
	}
	m := meaning{schema: s, text: text, ast: a.NativeRep()}
	ast.PostOrderVisit(m.ast.Expr(), ast.NewExprVisitor(m.visit))
	if m.err != nil {
		return m.err
	}
	if t := a.OutputType(); !t.IsExactType(types.BoolType) {
		problem := fmt.Sprintf("it is a %s, not a yes or no", typeName(t))
		if t.Kind() == types.DynKind {
			problem = "it may be anything, not only a yes or no"
		}
		return &ConditionError{Text: text, Line: 1, Column: 1, Problem: problem + "; compare it with something, or ask has()"}
	}
	return nil
}

func typeName(t *types.Type) string { return cel.FormatCELType(t) }

type meaning struct {
	schema *schema
	text   string
	ast    *ast.AST
	err    error
}

// fail keeps the first error.
func (m *meaning) fail(e ast.Expr, format string, args ...any) {
	if m.err == nil {
		l := m.ast.SourceInfo().GetStartLocation(e.ID())
		m.err = at(m.text, l.Line(), l.Column(), fmt.Sprintf(format, args...))
	}
}

func (m *meaning) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.StructKind:
		m.fail(e, "a condition asks, it cannot make a %s", e.AsStruct().TypeName())
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			m.compare(args[0], args[1])
			m.compare(args[1], args[0])
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				for _, v := range args[1].AsList().Elements() {
					m.compare(args[0], v)
				}
			}
		default:
			m.literals(e)
		}
	}
}

// literals looks at what a function is called with that is written out.
func (m *meaning) literals(e ast.Expr) {
	name, args := e.AsCall().FunctionName(), e.AsCall().Args()
	if name != "matches" && !timeZones[name] || len(args) == 0 {
		return
	}
	last := args[len(args)-1]
	text, ok := textLiteral(last)
	if !ok {
		return
	}
	check := checkPattern
	if timeZones[name] {
		check = checkTimeZone
	}
	if err := check(text); err != nil {
		m.fail(last, "%v", err)
	}
}

// compare looks at a value that something is compared with.
func (m *meaning) compare(what, value ast.Expr) {
	if value.Kind() != ast.LiteralKind {
		return
	}
	if value.AsLiteral() == types.NullValue {
		m.fail(value, "nothing of an event is null; write has() to ask whether it is there")
		return
	}
	text, ok := textLiteral(value)
	w := m.words(what)
	if !ok || text == "" || w == nil || slices.Contains(w.all, text) {
		return
	}
	if rest, ok := strings.CutPrefix(text, event.CloudEventsPrefix); ok && slices.Contains(w.all, rest) {
		m.fail(value, "types are written without %q here: %q", event.CloudEventsPrefix, rest)
		return
	}
	near := suggestion(text, w.all)
	if near == "" && len(w.all) <= 20 {
		near = "; there are " + strings.Join(w.all, ", ")
	}
	m.fail(value, "%q is no %s%s", text, w.what, near)
}

// words returns the values that e can have, or nil for any.
func (m *meaning) words(e ast.Expr) *words {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil
	}
	sel := e.AsSelect()
	r := m.schema.byName[m.ast.GetType(sel.Operand().ID()).TypeName()]
	if r == nil || r.fields[sel.FieldName()] == nil {
		return nil
	}
	return r.fields[sel.FieldName()].words
}
