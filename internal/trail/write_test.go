package trail

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// TestEntry_IsWrittenAsItsTagsSay compares with the general way of writing JSON.
func TestEntry_IsWrittenAsItsTagsSay(t *testing.T) {
	t.Parallel()
	type bare Entry
	type general struct {
		Event jsontext.Value `json:"event"`
		bare
	}
	rapid.Check(t, func(t *rapid.T) {
		var e Entry
		draw(t, reflect.ValueOf(&e).Elem())
		e.Event = nil
		want, err := json.Marshal(general{jsontext.Value("{}"), bare(e)}, encoding)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(e.appendRest([]byte(`{"event":{}`)))); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

// draw sets every field.
func draw(t *rapid.T, v reflect.Value) {
	words := rapid.SampledFrom([]string{"", "allow", "a \"b\"\n", "\xff", "头"})
	switch x := v.Addr().Interface().(type) {
	case **event.Event:
		return
	case *time.Time:
		*x = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		return
	case *jsontext.Value:
		*x = rapid.SampledFrom([]jsontext.Value{nil, jsontext.Value("1"), jsontext.Value(`{"a":["b"]}`)}).Draw(t, "value")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words.Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int:
		v.SetInt(int64(rapid.IntRange(-1, 600).Draw(t, "number")))
	case reflect.Float64:
		v.SetFloat(seconds(time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "took"))))
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(t, "length")
		if n == 0 {
			return // what is empty is never made here
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i))
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			draw(t, f)
		}
	default:
		t.Fatalf("no value for a %s", v.Type())
	}
}
