package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
)

func TestCheckDepth_CountsBracketsOutsideStrings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body string
		ok   bool
	}{
		{``, true},
		{`5`, true},
		{`{"a":{"b":[1]}}`, true},
		{`[[[]],[[]]]`, true},
		{`[[[[]]]]`, false},
		{`{"a":{"b":{"c":{}}}}`, false},
		{`{"a":"[[[[[[{{{{"}`, true},
		{`{"a":"\"[[[["}`, true},
		{`{"a":"\\",   "b":[[[1]]]}`, false},
		{strings.Repeat(`[`, 1000), false},
	} {
		err := dialect.CheckDepth([]byte(tt.body), 3)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, dialect.ErrTooDeep) {
			t.Errorf("%.40s: %v, want no error: %t", tt.body, err, tt.ok)
		}
	}
}

func TestUnmarshal_ErrorNamesTheField(t *testing.T) {
	t.Parallel()
	type body struct {
		Name string `json:"name"`
		Conv struct {
			Type int `json:"type"`
		} `json:"conv"`
		List []struct {
			N int8 `json:"n"`
		} `json:"list"`
	}
	for _, tt := range []struct{ name, text, field, says string }{
		{"wrong kind", `{"name":5}`, "name", "unexpected number"},
		{"below", `{"conv":{"type":"one"}}`, "conv.type", "unexpected string"},
		{"in a list", `{"list":[{"n":1},{"n":{}}]}`, "list.1.n", "unexpected object"},
		{"out of range", `{"list":[{"n":300}]}`, "list.0.n", "range"},
		{"whole body", `[]`, "", "unexpected array"},
		{"cut", `{"conv":{"type":1`, "conv", "EOF"},
		{"nothing", ``, "", ""},
		{"two", `{}{}`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v body
			err := dialect.Unmarshal("vendor", "command", []byte(tt.text), &v)
			de, ok := errors.AsType[*dialect.DecodeError](err)
			if !ok {
				t.Fatalf("%v is no *DecodeError", err)
			}
			if de.Dialect != "vendor" || de.Command != "command" || de.Field != tt.field {
				t.Errorf("dialect %q, command %q, field %q; want vendor, command, %q", de.Dialect, de.Command, de.Field, tt.field)
			}
			if text := de.Error(); !strings.HasPrefix(text, "vendor command") || !strings.Contains(text, tt.says) || !strings.Contains(text, tt.field) {
				t.Errorf("the text is %q, want it to name the command, the field and %q", text, tt.says)
			}
			if errors.Unwrap(err) == nil {
				t.Error("the cause is missing")
			}
		})
	}
}

func TestUnmarshal_TakesWhatVendorsWrite(t *testing.T) {
	t.Parallel()
	var v struct {
		A string         `json:"a"`
		B uint64         `json:"b"`
		U jsontext.Value `json:",embed"`
	}
	if err := dialect.Unmarshal("d", "c", []byte("{\"a\":\"1\",\"a\":\"x\xffy\",\"b\":18446744073709551615,\"z\":[1]}"), &v); err != nil {
		t.Fatal(err)
	}
	if v.A != "x\uFFFDy" || v.B != 1<<64-1 || string(v.U) != `{"z":[1]}` {
		t.Errorf("read %+v", v)
	}
}

func TestVendor_RoundTrip(t *testing.T) {
	t.Parallel()
	type rest struct {
		Known   string         `json:"known,omitzero"`
		Number  int64          `json:"number"`
		Unknown jsontext.Value `json:",embed"`
	}
	if v, err := dialect.Vendor(&rest{}); v != nil || err != nil {
		t.Errorf("Vendor of nothing = %s, %v; want nil", v, err)
	}
	want := rest{Known: "k", Number: 1 << 60, Unknown: jsontext.Value(`{"strange":{"a":12345678901234567890}}`)}
	v, err := dialect.Vendor(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got rest
	if err := dialect.FromVendor(v, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", v, diff)
	}
	if err := dialect.FromVendor(nil, &got); err != nil || got.Known != "k" {
		t.Errorf("FromVendor of nil: %v, and it left %+v", err, got)
	}
	if err := dialect.FromVendor(jsontext.Value(`[1]`), &got); err == nil {
		t.Error("no error for what is no object")
	}
}

func TestMarshal_WritesAsVendorsDo(t *testing.T) {
	t.Parallel()
	got, err := dialect.Marshal(struct {
		B string `json:"b"`
		A string `json:"a"`
	}{"<&>", "x\xff"})
	if err != nil || string(got) != `{"b":"<&>","a":"x`+"\uFFFD"+`"}` {
		t.Errorf("got %s, %v", got, err)
	}
}
