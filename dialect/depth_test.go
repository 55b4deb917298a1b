package dialect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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

func TestElements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body string
		ok   bool
		want []string
	}{
		{`[]`, true, nil},
		{" [ ] \n", true, nil},
		{`[1]`, true, []string{"1"}},
		{` [ {"a":"]}\"[,"} , [1,[2]],"x,\\" ,null ] `, true, []string{`{"a":"]}\"[,"}`, `[1,[2]]`, `"x,\\"`, `null`}},
		{`["a"`, false, nil},
		{`["a`, false, nil},
		{`[1,]`, false, nil},
		{`[,1]`, false, nil},
		{`[1 2]`, false, nil},
		{`[1]]`, false, nil},
		{`[1]x`, false, nil},
		{`{"a":1}`, false, nil},
		{``, false, nil},
		{`[`, false, nil},
		{`[{"a":1]`, false, nil},
	} {
		got, ok := dialect.Elements([]byte(tt.body))
		var texts []string
		for _, e := range got {
			texts = append(texts, string(e))
		}
		if ok != tt.ok || ok && !slices.Equal(texts, tt.want) {
			t.Errorf("Elements(%s) = %q, %t; want %q, %t", tt.body, texts, ok, tt.want, tt.ok)
		}
	}
}

// TestElements_AgreesWithReading: whatever is an array of JSON is cut where reading
// cuts it, and what is cut into JSON is an array of JSON.
func TestElements_AgreesWithReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := []byte("[" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			`"`, `\`, `[`, `]`, `{`, `}`, `,`, `:`, `1`, `null`, ` `, `"a"`, `{"a":[1,"]"]}`, `,"\"\\"`, `,[]`,
		}), 0, 12).Draw(t, "parts"), "") + "]")
		var want []jsontext.Value
		valid := jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) &&
			json.Unmarshal(body, &want, jsontext.AllowDuplicateNames(true)) == nil
		got, ok := dialect.Elements(body)
		if !ok && valid {
			t.Fatalf("Elements(%s) is none", body)
		}
		whole := ok
		for i, e := range got {
			whole = whole && jsontext.Value(e).IsValid(jsontext.AllowDuplicateNames(true))
			if valid && string(e) != string(want[i]) {
				t.Fatalf("Elements(%s)[%d] = %s, want %s", body, i, e, want[i])
			}
		}
		if whole != valid || valid && len(got) != len(want) {
			t.Fatalf("Elements(%s) = %q, want %q (valid: %t)", body, got, want, valid)
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
