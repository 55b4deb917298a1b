package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
)

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
