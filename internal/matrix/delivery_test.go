package matrix_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/matrix"
)

// TestDeliveries_IsWhatTheDocsHave: the tables of both pages are those of the code.
func TestDeliveries_IsWhatTheDocsHave(t *testing.T) {
	t.Parallel()
	for page, in := range map[string]matrix.Tongue{
		"../../docs/vendor-policy.md":       matrix.English,
		"../../docs/vendor-policy.zh-CN.md": matrix.Chinese,
	} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := []byte("<!-- deliveries -->\n"), []byte("<!-- end -->")
		before, rest, ok := bytes.Cut(text, begin)
		got, after, ended := bytes.Cut(rest, end)
		if !ok || !ended {
			t.Fatalf("%s has no place for the table", page)
		}
		want := matrix.Deliveries(builtin.New(), in)
		if *update {
			got = want
			if err := os.WriteFile(page, bytes.Join([][]byte{before, begin, want, end, after}, nil), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not current (-dialects +file): go test ./internal/matrix -update\n%s", page, diff)
		}
	}
}
