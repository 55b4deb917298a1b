package match

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// ConditionError says where a condition is wrong, why, and what was probably
// meant.
type ConditionError struct {
	// Text is the whole condition.
	Text string
	// Line and Column count from 1 inside Text; columns are characters. The column
	// after the last one is the end of the line.
	Line, Column int
	// Problem is in words.
	Problem string
}

// Error is the problem without its place, see [ConditionError.Position].
func (e *ConditionError) Error() string { return e.Problem }

// Position returns line and column, from 1 inside the condition.
func (e *ConditionError) Position() (line, column int) { return e.Line, e.Column }

// at returns an error at a place that the language's library counted: lines from
// 1, columns from 0.
func at(text string, line, column int, problem string) *ConditionError {
	lines := strings.Split(text, "\n")
	line = min(max(line, 1), len(lines))
	column = min(max(column, 0), len([]rune(lines[line-1])))
	return &ConditionError{Text: text, Line: line, Column: column + 1, Problem: problem}
}

// firstIssue puts the first thing that the language's library found into our
// words.
func firstIssue(env *cel.Env, text string, all []*cel.Error) error {
	first := slices.MinFunc(all, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	i := &issue{env: env, err: at(text, first.Location.Line(), first.Location.Column(), first.Message), id: first.ExprID}
	i.line = []rune(strings.Split(text, "\n")[i.err.Line-1])
	i.reword()
	return i.err
}

// issue is an error that is put into words.
type issue struct {
	env *cel.Env
	err *ConditionError
	// id is the expression that it is about; 0 when it could not be read.
	id int64
	// line is the text of its line.
	line []rune
}

// What the library says.
var (
	saysUnreadable = regexp.MustCompile(`(?s)^Syntax error: token recognition error at: '(.*)'$`)
	saysUnexpected = regexp.MustCompile(`(?s)^Syntax error: (?:mismatched input|extraneous input|no viable alternative at input|missing .* at) '(.*?)'(?: expecting .*)?$`)
	saysNoField    = regexp.MustCompile(`^undefined field '(.*)'$`)
	saysUndeclared = regexp.MustCompile(`(?s)^undeclared reference to '(.*?)'(?: \(.*)?$`)
	saysOverload   = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	saysArgument   = regexp.MustCompile(`^invalid (.*) argument$`)
	saysType       = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
)

func (i *issue) reword() {
	m := i.err.Problem
	if g := saysUnreadable.FindStringSubmatch(m); g != nil {
		i.unreadable(g[1])
	} else if g := saysUnexpected.FindStringSubmatch(m); g != nil {
		i.unexpected(g[1])
	} else if g := saysNoField.FindStringSubmatch(m); g != nil {
		i.noField(g[1])
	} else if g := saysUndeclared.FindStringSubmatch(m); g != nil {
		i.undeclared(g[1])
	} else if g := saysOverload.FindStringSubmatch(m); g != nil {
		i.overload(g[1], strings.TrimSuffix(strings.TrimPrefix(g[2], "("), ")"))
	} else if g := saysType.FindStringSubmatch(m); g != nil {
		i.wrongType(g[1], g[2])
	} else if g := saysArgument.FindStringSubmatch(m); g != nil {
		i.argument(g[1])
	} else if m == "invalid argument to has() macro" {
		i.err.Problem = "has() asks about a field: has(" + variable + ".message)"
	} else {
		i.err.Problem = strings.TrimPrefix(m, "Syntax error: ")
	}
}

func (i *issue) unreadable(what string) {
	switch {
	case strings.HasPrefix(what, "="):
		i.err.Problem = "a single = means nothing here; write == to compare"
	case strings.HasPrefix(what, "&"):
		i.err.Problem = "write && for and"
	case strings.HasPrefix(what, "|"):
		i.err.Problem = "write || for or"
	case strings.HasPrefix(what, `"`), strings.HasPrefix(what, "'"):
		i.err.Problem = "this text has no end; close it with " + what[:1]
	default:
		i.err.Problem = fmt.Sprintf("%q means nothing here", firstRune(what))
	}
}

// argument is about a text that a function cannot read.
func (i *issue) argument(function string) {
	parsed, issues := i.env.Parse(i.err.Text)
	if issues.Err() != nil {
		return
	}
	text := ""
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == i.id {
			text, _ = textLiteral(e)
		}
	}))
	switch function {
	case "matches":
		why := ""
		if _, err := regexp.Compile(text); err != nil {
			why = strings.TrimPrefix(err.Error(), "error parsing regexp")
		}
		i.err.Problem = fmt.Sprintf("%q is no regular expression%s", text, why)
	case "timestamp":
		i.err.Problem = fmt.Sprintf("%q is no time; write 2026-11-20T08:00:00Z", text)
	case "duration":
		i.err.Problem = fmt.Sprintf("%q is no duration; write 90s, 5m or 72h", text)
	}
}

// operatorWords are words of other languages.
var operatorWords = map[string]string{"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!"}

func (i *issue) unexpected(what string) {
	if what == "<EOF>" {
		i.err.Problem = "something is missing at the end"
		return
	}
	before := strings.Fields(string(i.line[:i.err.Column-1]))
	if op := operatorWords[what]; op != "" {
		i.err.Problem = fmt.Sprintf("write %s for %s", op, what)
		return
	}
	if n := len(before); n > 0 && operatorWords[before[n-1]] != "" {
		i.err.Problem = fmt.Sprintf("write %s for %s", operatorWords[before[n-1]], before[n-1])
		return
	}
	i.err.Problem = fmt.Sprintf("%q is not expected here", what)
}

// noField is about a name after a dot; the library points at the dot.
func (i *issue) noField(name string) {
	i.forwardTo(name)
	operand, r := i.operand()
	i.err.Problem = fmt.Sprintf("%s has no %s", operand, name)
	if r == nil {
		return
	}
	s, err := loadSchema()
	if err != nil {
		return
	}
	// A body that was left out is likelier than a word that looks alike: kind is
	// the message's, not a slip for id.
	if elsewhere := s.having(name); r == s.root && len(elsewhere) > 0 {
		i.err.Problem += "; did you mean " + strings.Join(elsewhere, " or ") + "?"
		return
	}
	var all []string
	for _, n := range r.names {
		all = append(all, operand+"."+n)
	}
	if near := suggestion(operand+"."+name, all); near != "" {
		i.err.Problem += near
		return
	}
	i.err.Problem += "; there are " + strings.Join(r.names, ", ")
}

// having returns the bodies' fields of a name, at most three.
func (s *schema) having(name string) []string {
	var all []string
	for _, n := range s.root.names {
		f := s.root.fields[n]
		if f.record != nil && f.typ.Kind() == types.StructKind && f.record.fields[name] != nil && len(all) < maxSuggestions {
			all = append(all, variable+"."+n+"."+name)
		}
	}
	return all
}

// operand returns what stands before the dot, as it is written, and its struct;
// nil when that is not known.
func (i *issue) operand() (string, *record) {
	s, err := loadSchema()
	if err != nil {
		return "it", nil
	}
	parsed, issues := i.env.Parse(i.err.Text)
	if issues.Err() != nil {
		return "it", nil
	}
	rep := parsed.NativeRep()
	var found ast.Expr
	// loops are the variables of exists, all, map and filter.
	loops := map[string]ast.Expr{}
	ast.PostOrderVisit(rep.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == i.id && e.Kind() == ast.SelectKind {
			found = e.AsSelect().Operand()
		}
		if e.Kind() == ast.ComprehensionKind {
			loops[e.AsComprehension().IterVar()] = e.AsComprehension().IterRange()
		}
	}))
	if found == nil {
		return "it", nil
	}
	written, err := parser.Unparse(found, rep.SourceInfo())
	if err != nil {
		written = "it"
	}
	return written, s.recordOf(found, loops)
}

// recordOf returns the struct of e, or of the elements when e is a list.
func (s *schema) recordOf(e ast.Expr, loops map[string]ast.Expr) *record {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		if over, ok := loops[name]; ok {
			rest := make(map[string]ast.Expr, len(loops))
			for n, l := range loops {
				if n != name {
					rest[n] = l
				}
			}
			return s.recordOf(over, rest)
		}
		if name == variable {
			return s.root
		}
	case ast.SelectKind:
		if r := s.recordOf(e.AsSelect().Operand(), loops); r != nil {
			if f := r.fields[e.AsSelect().FieldName()]; f != nil {
				return f.record
			}
		}
	case ast.CallKind:
		if e.AsCall().FunctionName() == operators.Index {
			return s.recordOf(e.AsCall().Args()[0], loops)
		}
	}
	return nil
}

// undeclared is about a name that stands alone, or a function; the library points
// at the parenthesis of functions.
func (i *issue) undeclared(name string) {
	s, err := loadSchema()
	if err != nil {
		return
	}
	if col := i.err.Column - 1; col < len(i.line) && i.line[col] == '(' {
		i.backTo(name)
		i.err.Problem = "there is no function " + name + suggestion(name, i.functions())
		return
	}
	i.err.Problem = "there is no " + name
	if s.root.fields[name] != nil {
		i.err.Problem += "; write " + variable + "." + name
		return
	}
	all := []string{variable}
	for _, n := range s.root.names {
		all = append(all, variable+"."+n)
	}
	if near := suggestion(name, []string{variable}); near != "" {
		i.err.Problem += near
	} else if elsewhere := s.having(name); len(elsewhere) > 0 {
		i.err.Problem += "; did you mean " + strings.Join(elsewhere, " or ") + "?"
	} else if near := suggestion(variable+"."+name, all); near != "" {
		i.err.Problem += near
	} else {
		i.err.Problem += "; conditions are about " + variable
	}
}

// functions are those that a person writes by name.
func (i *issue) functions() []string {
	all := []string{"has", "all", "exists", "exists_one", "map", "filter"}
	for name := range i.env.Functions() {
		if r := []rune(name); len(r) > 0 && unicode.IsLetter(r[0]) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func (i *issue) overload(function, args string) {
	name := strings.Trim(function, "_")
	parts := strings.Split(args, ", ")
	switch {
	case slices.Contains(parts, typeItself):
		i.err.Problem = "type alone is a word of the language; write " + variable + ".type"
	case function == operators.Index:
		i.err.Problem = "[ ] does not take " + strings.Join(parts, " and ")
	case function == operators.Conditional:
		i.err.Problem = "? : takes a bool and then two of one type, not " + strings.Join(parts, ", ")
	case strings.HasPrefix(function, "_") && len(parts) == 2:
		i.err.Problem = fmt.Sprintf("%s does not take %s and %s", strings.Trim(name, "@"), parts[0], parts[1])
	case operatorName(function) != "":
		i.err.Problem = fmt.Sprintf("%s does not take %s", operatorName(function), strings.Join(parts, " and "))
	default:
		i.backTo(name)
		i.err.Problem = fmt.Sprintf("%s does not take (%s)", name, strings.ReplaceAll(args, ".(", ", "))
	}
}

// typeItself is what the library calls the language's own word type.
const typeItself = "type(type)"

func operatorName(function string) string {
	name, ok := operators.FindReverse(function)
	if !ok {
		return ""
	}
	return name
}

func (i *issue) wrongType(want, got string) {
	i.err.Problem = fmt.Sprintf("it is a %s where a %s is needed", got, want)
	if want == "bool" {
		i.err.Problem += "; compare it with something, or ask has()"
	}
}

// forwardTo moves the column to the next place where name stands behind a dot.
func (i *issue) forwardTo(name string) {
	dot := false
	for c := i.err.Column - 1; c < len(i.line); c++ {
		if dot && strings.HasPrefix(string(i.line[c:]), name) {
			i.err.Column = c + 1
			return
		}
		dot = i.line[c] == '.' || dot && unicode.IsSpace(i.line[c])
	}
}

// backTo moves the column to where name begins when it ends just before.
func (i *issue) backTo(name string) {
	here := strings.TrimRightFunc(string(i.line[:min(i.err.Column-1, len(i.line))]), unicode.IsSpace)
	if before, ok := strings.CutSuffix(here, name); ok {
		i.err.Column = len([]rune(before)) + 1
	}
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
