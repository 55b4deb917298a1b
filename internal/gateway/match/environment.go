package match

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// Bounds of a condition. One that is within them cannot hold up delivery: it is
// text that somebody typed, asked of every event.
const (
	// maxCondition is the longest condition, in characters.
	maxCondition = 4096
	// maxNesting is how deep its parts may be nested.
	maxNesting = 100
	// maxCost is what one evaluation may cost, in the language's units: a step
	// costs one, looking through ten characters of text costs one. It is about a
	// millisecond.
	maxCost = 100_000
	// maxPattern is the largest program of a regular expression.
	maxPattern = 1000
	// assumedText is how long a text is taken to be when it is asked whether a
	// condition can reach maxCost at all.
	assumedText = 1 << 20
	// assumedList is the same for lists.
	assumedList = 1 << 16
)

// environment returns the language that conditions are written in. It does not
// change.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	s, err := loadSchema()
	if err != nil {
		return nil, err
	}
	env, err := cel.NewEnv(
		cel.CustomTypeProvider(s), cel.CustomTypeAdapter(s),
		cel.Variable(variable, s.root.typ),
		// Versions are fixed: a new library must not change what a condition means.
		ext.Strings(ext.StringsVersion(4)),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableMacroCallTracking(), // so that parts can be written out again
		cel.ParserExpressionSizeLimit(maxCondition),
		cel.ParserRecursionLimit(maxNesting),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
	)
	if err != nil {
		return nil, fmt.Errorf("making the language of conditions: %w", err)
	}
	return env, nil
})

// sizes are the assumptions about an event's parts.
type sizes struct{}

// EstimateSize implements [cost.Estimator].
func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	if len(n.Path()) == 0 {
		return nil
	}
	switch n.Type().Kind() {
	case types.StringKind, types.BytesKind:
		return new(cost.RangedSizeEstimate(0, assumedText))
	case types.ListKind:
		return new(cost.RangedSizeEstimate(0, assumedList))
	}
	return nil
}

// EstimateCallCost implements [cost.Estimator].
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// cheap reports whether a condition cannot reach maxCost, however large an event
// is: then it is evaluated without counting.
func cheap(env *cel.Env, ast *cel.Ast) bool {
	e, err := env.EstimateCost(ast, sizes{})
	return err == nil && !e.IsUnknown() && e.Max < maxCost
}
