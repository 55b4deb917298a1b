package dialect_test

import (
	"testing"

	"github.com/imhook/imhook/dialect"
)

func TestJoinKey_TellsPartsApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		parts []string
		want  string
	}{
		{[]string{"ann", "42"}, "ann|42"},
		{[]string{"a|b", "c"}, "a%7Cb|c"},
		{[]string{"a", "b|c"}, "a|b%7Cc"},
		{[]string{"a%7Cb", "c"}, "a%257Cb|c"},
		{[]string{"ann", ""}, ""},
		{nil, ""},
	} {
		if got := dialect.JoinKey(tt.parts...); got != tt.want {
			t.Errorf("JoinKey(%q) = %q, want %q", tt.parts, got, tt.want)
		}
	}
}
