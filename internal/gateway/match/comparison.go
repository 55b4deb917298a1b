package match

import (
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// comparison is a text of the event being one of some values: event.group.id ==
// "g1", or event.actor.id in ["a", "b"]. Where a condition is such a comparison
// and more, it cannot be true without it, and an index over the values finds the
// conditions of an event among ten thousand with one look.
type comparison struct {
	path   path
	values map[string]bool
	// whole is true when the condition says nothing else.
	whole bool
}

// path is a way to a text of the event.
type path struct {
	// name is as it is written, event.group.id.
	name string
	// index are the places of the fields in their structs.
	index []int
	body  bool
	// closed is true when only a few values are possible: it tells events apart
	// worse than another.
	closed bool
}

// read returns the text; "" where the event does not have it.
func (p *path) read(s *subject) string {
	v := reflect.ValueOf(s.source(p.body)).Elem()
	for _, i := range p.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v.String()
}

// findComparison returns the comparison of a condition that tells events apart
// best, or nil.
func findComparison(a *cel.Ast) *comparison {
	s, err := loadSchema()
	if err != nil {
		return nil
	}
	parts := conjuncts(a.NativeRep().Expr(), nil)
	var best *comparison
	for _, e := range parts {
		if c := s.comparison(e); c != nil && (best == nil || best.path.closed && !c.path.closed) {
			best = c
		}
	}
	if best != nil {
		best.whole = len(parts) == 1
	}
	return best
}

// conjuncts appends the parts that must all be true.
func conjuncts(e ast.Expr, to []ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			to = conjuncts(arg, to)
		}
		return to
	}
	return append(to, e)
}

// comparison reads e as one, or returns nil.
func (s *schema) comparison(e ast.Expr) *comparison {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	var candidates []ast.Expr
	switch e.AsCall().FunctionName() {
	case operators.Equals:
		if args[0].Kind() == ast.LiteralKind {
			args = []ast.Expr{args[1], args[0]}
		}
		candidates = args[1:]
	case operators.In:
		if args[1].Kind() != ast.ListKind {
			return nil
		}
		candidates = args[1].AsList().Elements()
	default:
		return nil
	}
	p, ok := s.path(args[0])
	if !ok {
		return nil
	}
	c := &comparison{path: p, values: map[string]bool{}}
	for _, v := range candidates {
		text, ok := textLiteral(v)
		if !ok {
			return nil
		}
		c.values[text] = true
	}
	return c
}

// path reads e as the way to a text through structs.
func (s *schema) path(e ast.Expr) (path, bool) {
	var names []string
	for e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
		names = append(names, e.AsSelect().FieldName())
		e = e.AsSelect().Operand()
	}
	if e.Kind() != ast.IdentKind || e.AsIdent() != variable || len(names) == 0 {
		return path{}, false
	}
	p := path{name: variable}
	r := s.root
	for i, name := range slices.Backward(names) {
		if r == nil {
			return path{}, false
		}
		f := r.fields[name]
		if f == nil {
			return path{}, false
		}
		p.name += "." + f.name
		p.index = append(p.index, f.index)
		p.body = p.body || f.body
		p.closed = f.words != nil
		if i == 0 {
			return p, f.typ.Kind() == types.StringKind
		}
		if r = f.record; f.typ.Kind() != types.StructKind {
			return path{}, false // a list has no fields
		}
	}
	return path{}, false
}

// textLiteral returns a text that is written out. It is copied: the tree that it
// comes from is large.
func textLiteral(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return strings.Clone(string(s)), ok
}
