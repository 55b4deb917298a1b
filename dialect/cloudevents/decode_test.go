package cloudevents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

func decode(t *testing.T, body string) *event.Event {
	t.Helper()
	evs, err := cloudevents.New().Decode(&dialect.Request{ContentType: "application/json", Body: []byte(body)})
	if err != nil || len(evs) != 1 {
		t.Fatalf("decoding %s: %d events, %v", body, len(evs), err)
	}
	return evs[0]
}

func written(typ, more string) string {
	return `{"specversion":"1.0","id":"1","type":"im.` + typ + `"` + more + `}`
}

func TestDecode_LaneByWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, typ, more string
		lane            event.Lane
		conversation    *event.Conversation
	}{
		{"subject first", "message.send", `,"subject":"group:a","data":{"conversation":{"kind":"group","id":"b"}}`, "group:a", &event.Conversation{Kind: event.KindGroup, ID: "b"}},
		{"subject of another system", "message.send", `,"subject":"order/5","data":{"conversation":{"kind":"group","id":"b"}}`, "group:b", &event.Conversation{Kind: event.KindGroup, ID: "b"}},
		{"group", "group.mute", `,"data":{"group":{"id":"b"},"actor":{"id":"u"}}`, "group:b", &event.Conversation{Kind: event.KindGroup, ID: "b"}},
		{"chatroom", "chatroom.mute", `,"data":{"chatroom":{"id":"b"}}`, "chatroom:b", &event.Conversation{Kind: event.KindChatroom, ID: "b"}},
		{"channel", "channel.update", `,"data":{"channel":{"id":"b"}}`, "channel:b", &event.Conversation{Kind: event.KindChannel, ID: "b"}},
		{"conference", "conference.join", `,"data":{"conference":{"id":"b"}}`, "conference:b", &event.Conversation{Kind: event.KindConference, ID: "b"}},
		{"user", "user.update", `,"data":{"user":{"id":"u"},"actor":{"id":"admin"}}`, "user:u", nil},
		{"actor", "friend.add", `,"data":{"actor":{"id":"u"}}`, "user:u", nil},
		{"push, of the one who got it", "push.report", `,"data":{"conversation":{"kind":"group","id":"g"},"members":[{"id":"u"}]}`, "user:u", &event.Conversation{Kind: event.KindGroup, ID: "g"}},
		{"friends that the server made", "friend.import", `,"data":{"actor":{"system":true},"friend":{"owner":"u"},"members":[{"id":"v"},{"id":"w"}]}`, "user:u", nil},
		{"one friend that the server made", "friend.import", `,"data":{"actor":{"id":"root","system":true},"friend":{"owner":"u"},"members":[{"id":"v"}]}`, "direct:u|v", nil},
		{"a relation to several", "block.add", `,"data":{"actor":{"id":"u"},"members":[{"id":"v"},{"id":"w"}]}`, "user:u", nil},
		{"nobody", "system.heartbeat", ``, "system:", nil},
		{"direct, users in the wrong order", "message.send", `,"data":{"conversation":{"kind":"direct","id":"bob|ann"}}`, "direct:ann|bob", &event.Conversation{Kind: event.KindDirect, ID: "ann|bob"}},
		{"direct, the peer alone", "message.send", `,"data":{"actor":{"id":"bob"},"conversation":{"kind":"direct","id":"a%"}}`, "direct:a%25|bob", &event.Conversation{Kind: event.KindDirect, ID: "a%25|bob"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := decode(t, written(tt.typ, tt.more))
			if ev.Lane != tt.lane {
				t.Errorf("lane is %q, want %q", ev.Lane, tt.lane)
			}
			if diff := cmp.Diff(tt.conversation, ev.Conversation); diff != "" {
				t.Errorf("conversation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_BodyOfTheTypeGetsTheConversationsID(t *testing.T) {
	t.Parallel()
	ev := decode(t, written("group.member.kick", `,"data":{"conversation":{"kind":"group","id":"g1"},"members":[{"id":"u2"}]}`))
	if ev.Group == nil || ev.Group.ID != "g1" {
		t.Errorf("group is %+v, want g1", ev.Group)
	}
	ev = decode(t, written("message.send", `,"data":{"conversation":{"kind":"group","id":"g1"},"message":{"text":"x","id":"7"}}`))
	if ev.Group != nil {
		t.Errorf("a message got the group %+v", ev.Group)
	}
	if ev.Message.Kind != event.Text || len(ev.Links) != 1 || ev.Links[0] != "msg:7" {
		t.Errorf("kind %q, links %q; want text and msg:7", ev.Message.Kind, ev.Links)
	}
}

func TestDecode_UserOfTheTypeIsWhoItHappenedTo(t *testing.T) {
	t.Parallel()
	ev := decode(t, written("user.kick", `,"data":{"user":{"id":"u"},"actor":{"id":"root"}}`))
	if len(ev.Members) != 1 || ev.Members[0].ID != "u" || ev.Actor.ID != "root" {
		t.Errorf("members %v by %v, want u by root", ev.Members, ev.Actor)
	}
	ev = decode(t, written("user.online", `,"data":{"user":{"id":"u"}}`))
	if len(ev.Members) != 1 || ev.Actor != nil {
		t.Errorf("members %v by %v, want u, by nobody who is named", ev.Members, ev.Actor)
	}
}

// TestDecode_EventInAVendorsWordsSaysNoMore: what a gateway wrote is complete.
func TestDecode_EventInAVendorsWordsSaysNoMore(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		`,"data":{"conversation":{"kind":"group","id":"g"}}`, `,"data":{"user":{"id":"u"}}`, `,"data":{"group":{"id":"g"}}`,
	} {
		typ := "group.mute"
		if strings.Contains(more, "user") {
			typ = "user.online"
		}
		got := decode(t, written(typ, `,"imdialect":"openim","imcommand":"x"`+more))
		parts := 0
		for _, there := range []bool{got.Conversation != nil, got.Group != nil, got.User != nil, got.Members != nil} {
			if there {
				parts++
			}
		}
		if parts != 1 {
			t.Errorf("%s is read as %+v", more, got)
		}
	}
}

func TestDecode_RetryIsToldBySourceAndID(t *testing.T) {
	t.Parallel()
	key := func(more string) string {
		return decode(t, `{"specversion":"1.0","type":"im.user.online"`+more+`}`).Dedupe
	}
	first := key(`,"id":"1","source":"/apps/a/sources/b"`)
	for _, more := range []string{`,"id":"2","source":"/apps/a/sources/b"`, `,"id":"1","source":"/apps/a/sources/c"`, `,"id":"1","source":"urn:x"`, `,"id":"1"`} {
		if key(more) == first {
			t.Errorf("%s has the key of another event", more)
		}
	}
	if again := key(`,"data":{"user":{"id":"u"}},"source":"/apps/a/sources/b","id":"1"`); again != first {
		t.Errorf("the same source and id has the keys %q and %q", first, again)
	}
	// What only looks like our own form of a source is compared as it is written.
	if key(`,"id":"1","source":"/apps//sources/b"`) == key(`,"id":"1","source":"/apps//sources/c"`) {
		t.Error("two sources without an app have one key")
	}
}

func TestDecode_ErrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, field, says string }{
		{"no version", `{"id":"1","type":"im.message.send"}`, "", "specversion"},
		{"no id", `{"specversion":"1.0","type":"im.message.send"}`, "", "id is missing"},
		{"empty object", `{}`, "", "specversion"},
		{"no object", `"hello"`, "", "unexpected string"},
		{"nothing", ``, "", "EOF"},
		{"text", written("message.send", `,"data":{"message":{"text":5}}`), "data.message.text", "unexpected number"},
		{"members no array", written("group.member.join", `,"data":{"members":{"id":"u"}}`), "data.members", "unexpected object"},
		{"time", written("message.send", `,"time":"yesterday"`), "time", "yesterday"},
		{"key twice", written("message.send", `,"id":"2"`), "id", "duplicate"},
		{"conversation kind", written("message.send", `,"data":{"conversation":{"kind":"room","id":"1"}}`), "data.conversation.kind", `"room"`},
		{"vendor", written("message.send", `,"data":{"vendor":[1]}`), "data.vendor", "object"},
		{"phase that the type has not", written("message.recall", `,"imphase":"before"`), "imphase", "never"},
		{"control character", `{"specversion":"1.0","id":"a\nb","type":"im.message.send"}`, "id", "control"},
		{"long id", `{"specversion":"1.0","id":"` + strings.Repeat("x", 600) + `","type":"im.message.send"}`, "id", "longer"},
		{"empty batch", `[]`, "", "empty"},
		{"two batches", `[{}][{}]`, "", "follows"},
		{"lines that do not say so", written("user.online", "") + "\n" + written("user.online", ""), "", "send them as Content-Type: application/x-ndjson"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := &dialect.Request{Body: []byte(tt.body)}
			evs, err := cloudevents.New().Decode(req)
			de, ok := errors.AsType[*dialect.DecodeError](err)
			if !ok || len(evs) != 0 {
				t.Fatalf("%d events, %v; want a *DecodeError alone", len(evs), err)
			}
			if de.Field != tt.field || !strings.Contains(de.Error(), tt.says) {
				t.Errorf("field %q, %v; want field %q and the word %q", de.Field, de, tt.field, tt.says)
			}
		})
	}
}

func TestDecode_LinesAndBinaryErrors(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	head := map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Type": {"im.user.online"}}
	for _, tt := range []struct {
		name string
		req  dialect.Request
	}{
		{"no lines", dialect.Request{ContentType: "application/x-ndjson", Body: []byte("\n \n")}},
		{"line that is not JSON", dialect.Request{ContentType: "application/x-ndjson", Body: []byte(written("user.online", "") + "\n{")}},
		{"binary, data not JSON", dialect.Request{ContentType: "application/json", Header: head, Body: []byte("{")}},
		{"binary, data no object", dialect.Request{ContentType: "application/json", Header: head, Body: []byte("[1]")}},
	} {
		if evs, err := d.Decode(&tt.req); err == nil || len(evs) > 0 {
			t.Errorf("%s: %d events, %v; want an error", tt.name, len(evs), err)
		}
	}
	evs, err := d.Decode(&dialect.Request{ContentType: "text/plain", Header: head, Body: []byte("hello")})
	if err != nil || len(evs) != 1 || !strings.Contains(string(evs[0].Raw.Body), `"data_base64":"aGVsbG8="`) {
		t.Errorf("binary data that is no JSON: %d events, %v; want it kept as base64", len(evs), err)
	}
}

func TestDecode_BinaryObjectIsDataWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	head := map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Type": {"im.group.mute"}}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json"} {
		evs, err := cloudevents.New().Decode(&dialect.Request{ContentType: contentType, Header: head, Body: []byte(` {"group":{"id":"g1"}} `)})
		if err != nil || len(evs) != 1 || evs[0].Group == nil || evs[0].Lane != "group:g1" {
			t.Errorf("%q: %d events, %v; want one in lane group:g1", contentType, len(evs), err)
		}
	}
}

func TestBatch_ItemsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	items := []string{written("user.online", `,"data":{"user":{"id":"u1"}}`), `{"specversion":"1.0","id":"2"}`, `7`, written("user.offline", "")}
	in := &dialect.Request{Body: []byte("[ " + strings.Join(items, " , ") + " ]")}
	evs, err := d.Decode(in)
	if err != nil || len(evs) != len(items) {
		t.Fatalf("%d events, %v, want %d", len(evs), err, len(items))
	}
	reqs := make([]dialect.Request, len(evs))
	for i, ev := range evs {
		if known := i == 0 || i == 3; known == (ev.Type == event.VendorUnknown) {
			t.Errorf("item %d is %s", i, ev.Type)
		}
		reqs[i] = dialect.RawRequest(ev)
	}
	out, err := d.Batch(reqs)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[" + strings.Join(items, ",") + "]"; string(out.Body) != want {
		t.Errorf("batched again:\n%s, want\n%s", out.Body, want)
	}
	if out.ContentType != "application/cloudevents-batch+json" {
		t.Errorf("content type %s", out.ContentType)
	}
	for _, bad := range [][]dialect.Request{nil, {{Body: []byte(" ")}}, {{Body: []byte("[]")}}} {
		if _, err := d.Batch(bad); err == nil {
			t.Errorf("no error for a batch of %v", bad)
		}
	}
}

func TestEncode_UnknownEventCarriesWhatCameIn(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	for _, tt := range []struct{ body, vendor string }{
		{`{"newCommand": 5, "big": 12345678901234567890}`, `{"newCommand":5,"big":12345678901234567890}`},
		{`a=b&c=d`, `{"body":"a=b&c=d"}`},
		{"\xff\xfe", `{"base64":"//4="}`},
	} {
		ev := &event.Event{
			ID: "1", Type: event.VendorUnknown, Phase: event.After, Dialect: "tencent", Command: "C2C.New", Lane: "system:",
			Raw: event.Raw{Dialect: "tencent", Body: []byte(tt.body)},
		}
		reqs, err := d.Encode(ev, dialect.Target{})
		if err != nil {
			t.Fatal(err)
		}
		evs, err := d.Decode(&reqs[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := evs[0]; string(got.Vendor) != tt.vendor || got.Command != "C2C.New" || got.Dialect != "tencent" {
			t.Errorf("%q is read as %s %s with %s, want %s", tt.body, got.Dialect, got.Command, got.Vendor, tt.vendor)
		}
		if ev.Vendor != nil {
			t.Error("Encode changed the event")
		}
	}
}

func TestEncode_EventWithoutIDGetsOne(t *testing.T) {
	t.Parallel()
	ev := &event.Event{Type: event.UserOnline, Phase: event.After}
	reqs, err := cloudevents.New().Encode(ev, dialect.Target{})
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, string(reqs[0].Body)); got.ID == "" || ev.ID != "" {
		t.Errorf("written with id %q, the event has %q", got.ID, ev.ID)
	}
}
