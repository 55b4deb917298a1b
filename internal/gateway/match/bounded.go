package match

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// The cost of a call is counted when it has returned. That is too late for those
// that make large texts of small ones, or take time with the product of two
// lengths: both texts may be the event's, whose sender wrote them. So these are
// looked at before.
const (
	// maxMade is how many bytes one call may make; one that makes no more than it is
	// given may always.
	maxMade = 1 << 20
	// maxSteps is how many characters one search may compare, at the worst.
	maxSteps = 1 << 22
	// maxDigits is how many digits a number may be written with.
	maxDigits = 100
)

// guards say why a function may not be called with these arguments, the first of
// which is what it is called on. Arguments of other types are the function's own
// to refuse.
var guards = map[string]func(args []ref.Val) error{
	"replace":     guardReplace,
	"join":        guardJoin,
	"format":      guardFormat,
	"indexOf":     guardSearch,
	"lastIndexOf": guardSearch,
	"matches":     guardMatches,
}

// shortcuts answer what the library takes long for; false leaves it to the library.
var shortcuts = map[string]func(s, sub string) int{
	"indexOf":     strings.Index,
	"lastIndexOf": strings.LastIndex,
}

// bounded are the functions behind their guards.
var bounded = sync.OnceValues(func() ([]*functions.Overload, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	var all []*functions.Overload
	for name, guard := range guards {
		decl := env.Functions()[name]
		if decl == nil {
			return nil, fmt.Errorf("the language of conditions has no %s", name)
		}
		own, err := decl.Bindings()
		if err != nil {
			return nil, fmt.Errorf("bounding %s: %w", name, err)
		}
		for _, o := range own {
			all = append(all, guarded(*o, guard, shortcuts[name]))
		}
	}
	return all, nil
})

// guarded is o behind its guard.
func guarded(o functions.Overload, guard func([]ref.Val) error, find func(s, sub string) int) *functions.Overload {
	unary, binary, function := o.Unary, o.Binary, o.Function
	if unary != nil {
		o.Unary = func(v ref.Val) ref.Val {
			if err := guard([]ref.Val{v}); err != nil {
				return types.WrapErr(err)
			}
			return unary(v)
		}
	}
	if binary != nil {
		o.Binary = func(a, b ref.Val) ref.Val {
			if v, ok := found(find, []ref.Val{a, b}); ok {
				return v
			}
			if err := guard([]ref.Val{a, b}); err != nil {
				return types.WrapErr(err)
			}
			return binary(a, b)
		}
	}
	if function != nil {
		o.Function = func(args ...ref.Val) ref.Val {
			if v, ok := found(find, args); ok {
				return v
			}
			if err := guard(args); err != nil {
				return types.WrapErr(err)
			}
			return function(args...)
		}
	}
	return &o
}

// found is the place of a text in another, in characters, -1 when it is not there;
// false when find is nil or cannot tell.
func found(find func(s, sub string) int, args []ref.Val) (ref.Val, bool) {
	if find == nil || len(args) != 2 {
		return nil, false
	}
	s, ok := args[0].(types.String)
	sub, ok2 := args[1].(types.String)
	if !ok || !ok2 || !utf8.ValidString(string(s)) || !utf8.ValidString(string(sub)) {
		return nil, false
	}
	i := find(string(s), string(sub))
	if i < 0 {
		return types.Int(-1), true
	}
	return types.Int(utf8.RuneCountInString(string(s[:i]))), true
}

// textOf is the i-th argument where it is a text.
func textOf(args []ref.Val, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	s, ok := args[i].(types.String)
	return string(s), ok
}

func tooLarge(made, given int) error {
	if made <= max(maxMade, given) {
		return nil
	}
	return fmt.Errorf("it would make a text of %d bytes, at most %d are made", made, maxMade)
}

func guardReplace(args []ref.Val) error {
	s, ok := textOf(args, 0)
	old, ok2 := textOf(args, 1)
	with, ok3 := textOf(args, 2)
	if !ok || !ok2 || !ok3 || len(with) <= len(old) {
		return nil
	}
	n := strings.Count(s, old)
	if len(args) > 3 {
		if most, ok := args[3].(types.Int); ok && most >= 0 {
			n = min(n, int(most))
		}
	}
	return tooLarge(len(s)+n*(len(with)-len(old)), len(s))
}

func guardJoin(args []ref.Val) error {
	list, ok := args[0].(traits.Lister)
	if !ok {
		return nil
	}
	between, _ := textOf(args, 1)
	n, _ := list.Size().(types.Int)
	parts := sizeOf(list, maxMade)
	return tooLarge(parts+int(n)*len(between), 0)
}

func guardFormat(args []ref.Val) error {
	s, ok := textOf(args, 0)
	if !ok || len(args) < 2 {
		return nil
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c < '0' || c > '9':
			digits = 0
		default:
			digits = 10*digits + int(c-'0')
		}
		if digits > maxDigits && isPrecision(s[:i+1]) {
			return fmt.Errorf("it would write a number with more than %d digits", maxDigits)
		}
	}
	return tooLarge(len(s)+sizeOf(args[1], maxMade), len(s))
}

// isPrecision reports whether the digits at the end of s say how many there shall
// be: %.123
func isPrecision(s string) bool {
	return strings.HasSuffix(strings.TrimRight(s, "0123456789"), "%.")
}

// sizeOf is how many bytes the texts in a value have; past limit it is not exact.
func sizeOf(v ref.Val, limit int) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case traits.Lister:
		all := 0
		for it := v.Iterator(); it.HasNext() == types.True && all <= limit; {
			all += 1 + sizeOf(it.Next(), limit-all)
		}
		return all
	case traits.Mapper:
		all := 0
		for it := v.Iterator(); it.HasNext() == types.True && all <= limit; {
			key := it.Next()
			all += 1 + sizeOf(key, limit-all) + sizeOf(v.Get(key), limit-all)
		}
		return all
	}
	return 1
}

// guardSearch is for searches that found leaves to the library.
func guardSearch(args []ref.Val) error {
	s, ok := textOf(args, 0)
	sub, ok2 := textOf(args, 1)
	if ok && ok2 && len(sub) > 0 && len(s) > maxSteps/len(sub) {
		return fmt.Errorf("it would look for %d bytes in %d bytes, which takes too long", len(sub), len(s))
	}
	return nil
}

// guardMatches is for patterns that are not written out: those are compiled once,
// and bounded then.
func guardMatches(args []ref.Val) error {
	pattern, ok := textOf(args, 1)
	if !ok {
		return nil
	}
	return checkPattern(pattern)
}

// checkPattern says why a regular expression is not used; one that is none is the
// library's to refuse.
func checkPattern(pattern string) error {
	if len(pattern) > maxCondition {
		return fmt.Errorf("the pattern has %d bytes, at most %d are used", len(pattern), maxCondition)
	}
	if n, err := types.RegexProgramSize(pattern); err == nil && n > maxPattern {
		return fmt.Errorf("the pattern makes a program of %d steps, at most %d are used", n, maxPattern)
	}
	return nil
}

// timeZones are the functions that take a time zone.
var timeZones = map[string]bool{
	"getFullYear": true, "getMonth": true, "getDayOfYear": true, "getDayOfMonth": true, "getDate": true,
	"getDayOfWeek": true, "getHours": true, "getMinutes": true, "getSeconds": true, "getMilliseconds": true,
}

// checkTimeZone says what is wrong with a time zone that is written out. It would
// be found out with each event otherwise, and none would match.
func checkTimeZone(name string) error {
	zero := types.Timestamp{}
	out := zero.Receive("getHours", "", []ref.Val{types.String(name)})
	if err, ok := out.(*types.Err); ok {
		return fmt.Errorf("%w; write a name such as Asia/Shanghai, or hours and minutes such as +08:00", err)
	}
	return nil
}

// options are how a condition is made ready, whoever evaluates it.
func options() ([]cel.ProgramOption, error) {
	all, err := bounded()
	if err != nil {
		return nil, err
	}
	//nolint:staticcheck // what is to be used in its place cannot bind a library's functions anew
	return []cel.ProgramOption{cel.Functions(all...)}, nil
}
