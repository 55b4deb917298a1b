package dialect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

func TestTidy_LeavesWhatAStrictReaderTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"white space", "{ \"a\" : [ 1 , 2 ] }", `{"a":[1,2]}`},
		{"escapes", `"\u0041\/"`, `"A/"`},
		{"broken UTF-8", "\"a\xff\"", "\"a\uFFFD\""},
		{"key twice", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"key twice below", `{"p":[{"a":1,"a":{"c":1,"c":2}}]}`, `{"p":[{"a":{"c":2}}]}`},
		{"numbers keep their digits", `{"a":0,"a":12345678901234567890}`, `{"a":12345678901234567890}`},
		{"key twice around and below", `{"a":{"b":1,"b":2},"c":[],"a":{"x":{"y":1,"y":{}},"x":[{"z":0,"z":"}"}]},"d":{}}`, `{"a":{"x":[{"z":"}"}]},"c":[],"d":{}}`},
		{"key twice in several ways to write it", `{"\u0061":"\"","a":":,{"}`, `{"a":":,{"}`},
		{"key twice of many", `{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"10":10,"11":11,"1":"x","11":[1,{"e":0}]}`, `{"1":"x","2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"10":10,"11":[1,{"e":0}]}`},
		{"neighbours", `[{"a":1,"a":2},{"a":1},{"b":{"c":1,"c":2},"b":null}]`, `[{"a":2},{"a":1},{"b":null}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := dialect.Tidy(jsontext.Value(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("Tidy(%s) = %s, want %s", tt.in, got, tt.want)
			}
			if !got.IsValid() {
				t.Errorf("Tidy(%s) = %s is not strict JSON", tt.in, got)
			}
		})
	}
}

// What anybody may write must not cost the square of its length.
func TestTidy_DeepDuplicatesStayCheap(t *testing.T) {
	t.Parallel()
	const depth = 9_000
	long := strings.Repeat("x", 500_000)
	in := strings.Repeat(`{"a":0,"a":`, depth) + `"` + long + `"` + strings.Repeat("}", depth)
	begun := time.Now()
	got, err := dialect.Tidy(jsontext.Value(in))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat(`{"a":`, depth) + `"` + long + `"` + strings.Repeat("}", depth); string(got) != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestVendor_KeepsOneOfAKeyGivenTwice(t *testing.T) {
	t.Parallel()
	var rest struct {
		Known   string         `json:"known"`
		Unknown jsontext.Value `json:",embed"`
	}
	if err := dialect.Unmarshal("d", "c", []byte(`{"x":1,"x":2,"y":{"z":1,"z":2}}`), &rest); err != nil {
		t.Fatal(err)
	}
	got, err := dialect.Vendor(&rest)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"x":2,"y":{"z":2}}`; string(got) != want {
		t.Errorf("Vendor = %s, want %s", got, want)
	}
}

func TestAppendString_IsTheStringAgainWhenRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": `""`, "plain": `"plain"`, `a"b\c`: `"a\"b\\c"`, "line\nend\x01": `"line\nend\u0001"`,
		"早 \u2028": "\"早 \u2028\"", "<&>\x7f": "\"<&>\x7f\"", "bad\xff": "\"bad\uFFFD\"",
	} {
		got := dialect.AppendString([]byte("x"), in)
		if string(got) != "x"+want {
			t.Errorf("AppendString(%q) = %s, want x%s", in, got, want)
		}
		if !jsontext.Value(got[1:]).IsValid() {
			t.Errorf("AppendString(%q) = %s is not strict JSON", in, got)
		}
	}
}
