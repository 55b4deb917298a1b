package sample_test

import (
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/sample"
)

func TestEdit_ChangesItsPlaceAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, edit, want string }{
		{"text", `{"a":"x","big":12345678901234567890}`, "a=hello", `{"a":"hello","big":12345678901234567890}`},
		{"nested", `{"a":{"b":1,"c":2}}`, "a.b=two", `{"a":{"b":"two","c":2}}`},
		{"number", `{}`, "n=3", `{"n":3}`},
		{"big number", `{}`, "n=9007199254740993", `{"n":9007199254740993}`},
		{"boolean", `{"on":false}`, "on=true", `{"on":true}`},
		{"null", `{"on":false}`, "on=null", `{"on":null}`},
		{"quoted", `{}`, `n="3"`, `{"n":"3"}`},
		{"object", `{}`, `o={"a":[1]}`, `{"o":{"a":[1]}}`},
		{"no object", `{}`, `o={a`, `{"o":"{a"}`},
		{"empty", `{"a":1}`, "a=", `{"a":""}`},
		{"equals sign", `{}`, "a=b=c", `{"a":"b=c"}`},
		{"item", `{"l":["a","b"]}`, "l.1=c", `{"l":["a","c"]}`},
		{"append", `{"l":["a"]}`, "l.1=c", `{"l":["a","c"]}`},
		{"array at the top", `[{"a":1},{"a":2}]`, "1.a=3", `[{"a":1},{"a":3}]`},
		{"new path", `{}`, "a.b.c=1", `{"a":{"b":{"c":1}}}`},
		{"dotted key", `{"a.b":1}`, `a\.b=2`, `{"a.b":2}`},
		{"order", `{"z":1,"a":2}`, "z=3", `{"z":3,"a":2}`},
		{"number as key", `{"0":1}`, "0=2", `{"0":2}`},
		{"empty body", ``, "a=1", `{"a":1}`},
		{"broken text", `{}`, "a=\xff", "{\"a\":\"\uFFFD\"}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := sample.ParseEdit(tt.edit)
			if err != nil {
				t.Fatal(err)
			}
			req := dialect.Request{ContentType: "application/json", Query: "q=1", Body: []byte(tt.body)}
			if err := e.Apply(&req); err != nil {
				t.Fatal(err)
			}
			if string(req.Body) != tt.want || req.Query != "q=1" {
				t.Errorf("%s on %s = %s, %s; want %s, q=1", tt.edit, tt.body, req.Body, req.Query, tt.want)
			}
		})
	}
}

func TestEdit_FormAndQuery(t *testing.T) {
	t.Parallel()
	req := dialect.Request{
		ContentType: "application/x-www-form-urlencoded; charset=utf-8",
		Query:       "CallbackCommand=a&x=1",
		Body:        []byte("from=u1&to=u2&to=u3&content=%7B%7D"),
	}
	for _, s := range []string{"to=a b", "new=é", "query.CallbackCommand=State.Change", "query.y=2"} {
		e, err := sample.ParseEdit(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Apply(&req); err != nil {
			t.Fatal(err)
		}
	}
	if want := "from=u1&to=a+b&content=%7B%7D&new=%C3%A9"; string(req.Body) != want {
		t.Errorf("body = %s, want %s", req.Body, want)
	}
	if want := "CallbackCommand=State.Change&x=1&y=2"; req.Query != want {
		t.Errorf("query = %s, want %s", req.Query, want)
	}
}

func TestEdit_RefusesWhatHasNoPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, path string }{
		{`{"l":["a"]}`, "l.2"},
		{`{"l":["a"]}`, "l.-1"},
		{`{"l":["a"]}`, "l.x"},
		{`{"a":"text"}`, "a.b"},
		{`{"a":1`, "a"},
		{`not json`, "a"},
		{`{}`, ""},
	} {
		req := dialect.Request{Body: []byte(tt.body)}
		if err := (sample.Edit{Path: tt.path, Value: "1"}).Apply(&req); err == nil {
			t.Errorf("%s on %s = %s, want it refused", tt.path, tt.body, req.Body)
		}
		if string(req.Body) != tt.body {
			t.Errorf("%s on %s left %s behind", tt.path, tt.body, req.Body)
		}
	}
	for _, s := range []string{"", "a", "=1"} {
		if _, err := sample.ParseEdit(s); err == nil {
			t.Errorf("ParseEdit(%q) was taken", s)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":2}]}}`, "a.b.1.c=x")
	f.Add(`[1,2]`, "2={}")
	f.Add(`{"a\.b":1,"a.b":2}`, `a\.b=3`)
	f.Fuzz(func(t *testing.T, body, edit string) {
		e, err := sample.ParseEdit(edit)
		if err != nil {
			return
		}
		req := dialect.Request{ContentType: "application/json", Body: []byte(body)}
		if err := e.Apply(&req); err != nil {
			return
		}
		again := req
		if err := e.Apply(&again); err != nil {
			t.Fatalf("%q on %q worked, and on its result %q: %v", edit, body, req.Body, err)
		}
		if string(again.Body) != string(req.Body) || again.Query != req.Query {
			t.Errorf("%q twice on %q = %q, once %q", edit, body, again.Body, req.Body)
		}
	})
}
