package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/dialect"
)

// TestCheckDepth_LooksAtEveryByteOutsideOfStrings compares with a walk over every
// byte.
func TestCheckDepth_LooksAtEveryByteOutsideOfStrings(t *testing.T) {
	t.Parallel()
	walk := func(body string, limit int) bool {
		depth, inString := 0, false
		for i := 0; i < len(body); i++ {
			switch c := body[i]; {
			case inString && c == '\\':
				i++
			case inString:
				inString = c != '"'
			case c == '"':
				inString = true
			case c == '{' || c == '[':
				if depth++; depth > limit {
					return true
				}
			case c == '}' || c == ']':
				depth--
			}
		}
		return false
	}
	rapid.Check(t, func(t *rapid.T) {
		body := string(rapid.SliceOfN(rapid.SampledFrom([]byte(`""\\[[[{]}a`)), 0, 60).Draw(t, "body"))
		limit := rapid.IntRange(0, 4).Draw(t, "limit")
		if got, want := dialect.CheckDepth([]byte(body), limit) != nil, walk(body, limit); got != want {
			t.Fatalf("CheckDepth(%s, %d): too deep is %t, want %t", body, limit, got, want)
		}
	})
}

func TestCheckDepth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		deep       bool
	}{
		{"nothing", ``, false},
		{"as deep as allowed", `[[{"a":1}]]`, false},
		{"one deeper", `[[{"a":[]}]]`, true},
		{"mixed brackets", `{"a":{"b":{"c":{}}}}`, true},
		{"wide", `[[],[],[],[],{},{},{}]`, false},
		{"in a string", `["[[[[{{{{","a\"[[[[",["\\"]]`, false},
		{"after a string", `["\\",[[[]]]]`, true},
		{"not closed", `[[[[`, true},
		{"closed too often", `]]]][[[`, false},
	} {
		err := dialect.CheckDepth([]byte(tt.body), 3)
		if (err != nil) != tt.deep || (err != nil && !errors.Is(err, dialect.ErrTooDeep)) {
			t.Errorf("%s: CheckDepth(%s, 3) = %v, want too deep = %v", tt.name, tt.body, err, tt.deep)
		}
	}
	if err := dialect.CheckDepth([]byte(strings.Repeat("[", 1<<20)), 64); err == nil {
		t.Error("a million brackets are not too deep")
	}
}
