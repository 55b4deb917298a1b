package event_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// usual is a message as most of them are.
func usual() *event.Event {
	conv := event.Direct("5021884410", "5077120093")
	return &event.Event{
		ID: "e-1", App: "shop", Source: "im", Type: event.MessageSend, Phase: event.Before,
		Time: time.Date(2026, 11, 20, 8, 0, 0, 123e6, time.UTC), Dialect: "openim", Generation: "v3.7",
		Command: "callbackBeforeSendSingleMsgCommand", Lane: conv.Lane(), Links: []string{"msg:1", "msg:2"},
		Actor: &event.Actor{ID: "5021884410", Platform: "android"}, Conversation: &conv,
		Message: &event.Message{
			ID: "1", ClientID: "2", Kind: event.Text, Code: "101", SentAt: time.Date(2026, 11, 20, 7, 59, 59, 871e6, time.UTC),
			Text: strings.Repeat("渡轮 leaves at nine. ", 20), Mentions: &event.Mentions{Users: []string{"5077120093"}}, Push: &event.Push{Title: "t"},
		},
		User: &event.User{ID: "5021884410", DisplayName: "Nora Lind", Avatar: "https://cdn.example.com/nora.png"}, Vendor: jsontext.Value(`{"operationID":"17"}`),
	}
}

// filled sets every field of a struct, as far as a kind of value is known here.
func filled(t *rapid.T, v reflect.Value) {
	texts := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("a\"\\\n\x00<\u2028\u00fc\U0001f600"))), rapid.Just("\xff\xc3x"))
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch f.Interface().(type) {
		case time.Time:
			year := rapid.SampledFrom([]int{1970, 2026, 9999, 10000, -1}).Draw(t, name)
			if rapid.Bool().Draw(t, name+" set") {
				f.Set(reflect.ValueOf(time.Date(year, 11, 20, 8, 0, 0, rapid.IntRange(0, 999_999_999).Draw(t, name+" ns"), time.UTC)))
			}
			continue
		case jsontext.Value:
			f.SetBytes(rapid.SampledFrom([][]byte{nil, {}, []byte(`{"a":1}`), []byte(` { "a" : "\u00e9\/" , "b":[1e3,{}] } `), []byte(`{"a":1,"a":2}`), []byte(`{"a"`), []byte("\"\xff\"")}).Draw(t, name))
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(texts.Draw(t, name))
		case reflect.Bool:
			f.SetBool(rapid.Bool().Draw(t, name))
		case reflect.Int, reflect.Int64:
			f.SetInt(rapid.Int64().Draw(t, name))
		case reflect.Float64:
			f.SetFloat(rapid.SampledFrom([]float64{0, 0, 0, 1.5, 1e-9}).Draw(t, name))
		case reflect.Struct:
			filled(t, f)
		case reflect.Pointer:
			if f.Type().Elem().Kind() == reflect.Struct && rapid.IntRange(0, 2).Draw(t, name) > 0 {
				f.Set(reflect.New(f.Type().Elem()))
				filled(t, f.Elem())
			}
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.String && rapid.Bool().Draw(t, name) {
				f.Set(reflect.ValueOf(rapid.SliceOfN(texts, 0, 3).Draw(t, name)))
			}
		}
	}
}

// The writer of the usual events must write what the general one writes, to the byte.
func TestAppendJSON_IsWhatMarshalWrites(t *testing.T) {
	t.Parallel()
	same := func(t rapid.TB, ev *event.Event, opts ...json.Options) {
		t.Helper()
		want, werr := json.Marshal(ev, append(slices.Clip(opts), jsontext.AllowInvalidUTF8(true))...)
		got, err := ev.AppendJSON([]byte("{"), opts...)
		if (err == nil) != (werr == nil) {
			t.Fatalf("error %v, want %v", err, werr)
		}
		if werr != nil {
			want = nil
		}
		if d := cmp.Diff("{"+string(want), string(got)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	}
	same(t, full(), json.Deterministic(true))
	same(t, usual())
	same(t, &event.Event{})
	rapid.Check(t, func(t *rapid.T) {
		var ev event.Event
		filled(t, reflect.ValueOf(&ev).Elem())
		if rapid.IntRange(0, 9).Draw(t, "plain") > 0 {
			// All but the bodies that the writer leaves to the general one: a new attribute
			// of the envelope is compared here before anybody thinks of it.
			ev.Friend, ev.Group, ev.Members, ev.Chatroom, ev.Channel, ev.Conference = nil, nil, nil, nil, nil, nil
			ev.Presence, ev.Receipt, ev.Reaction, ev.Thread, ev.Moderation, ev.Moment, ev.Report = nil, nil, nil, nil, nil, nil, nil
		}
		if m := ev.Message; m != nil && rapid.IntRange(0, 9).Draw(t, "plain message") > 0 {
			m.Location, m.Custom, m.Options = nil, nil, nil
		}
		same(t, &ev, json.Deterministic(true))
		same(t, &ev, jsontext.AllowDuplicateNames(true), json.Deterministic(true))
	})
}

// Without allocating: the general writer does, so this one wrote it.
func TestAppendJSON_UsualMessageTakesTheShortWay(t *testing.T) {
	ev, b := usual(), make([]byte, 0, 4<<10)
	if n := testing.AllocsPerRun(100, func() { b, _ = ev.AppendJSON(b[:0]) }); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleEvent_AppendJSON() {
	ev := &event.Event{ID: "e-1", App: "shop", Source: "im", Type: event.MessageSend, Message: &event.Message{Text: "hello"}}
	b, err := ev.AppendJSON([]byte("data: "))
	fmt.Println(string(b), err)
	// Output:
	// data: {"specversion":"1.0","id":"e-1","source":"/apps/shop/sources/im","type":"im.message.send","datacontenttype":"application/json","data":{"message":{"text":"hello"}}} <nil>
}

func BenchmarkAppendJSON(b *testing.B) {
	ev := usual()
	b.Run("append", func(b *testing.B) {
		buf := make([]byte, 0, 4<<10)
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = ev.AppendJSON(buf[:0])
		}
	})
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(ev, jsontext.AllowInvalidUTF8(true))
		}
	})
}
