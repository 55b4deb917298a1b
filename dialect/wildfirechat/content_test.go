package wildfirechat_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

// contentCases are the vendor's predefined contents: payload fields beside type, and
// what is read from them.
var contentCases = []struct {
	name, code, fields string
	want               event.Message
}{
	{"unknown", "0", `"content":"c"`, event.Message{Kind: event.UnknownKind, Custom: &event.Payload{Data: "c"}}},
	{"text", "1", `"searchableContent":"hi"`, event.Message{Kind: event.Text, Text: "hi"}},
	{"text of the public platform", "9", `"searchableContent":"hi"`, event.Message{Kind: event.Text, Text: "hi"}},
	{"text that is being made", "14", `"searchableContent":"h","content":"s1"`, event.Message{Kind: event.Text, Text: "h"}},
	{"text that was made", "15", `"searchableContent":"hi","content":"s1"`, event.Message{Kind: event.Text, Text: "hi"}},
	{
		"voice", "2", `"searchableContent":"[v]","content":"{\"duration\":7}","remoteMediaUrl":"u","mediaType":2`,
		event.Message{Kind: event.Audio, Text: "[v]", Media: &event.Media{URL: "u", Seconds: 7}},
	},
	{
		"image", "3", `"searchableContent":"[i]","content":"{\"w\":3,\"h\":4}","base64edData":"/9g=","remoteMediaUrl":"u"`,
		event.Message{Kind: event.Image, Text: "[i]", Media: &event.Media{URL: "u", Width: 3, Height: 4}},
	},
	{
		"location", "4", `"searchableContent":"Pier 4","content":"{\"lat\":1.5,\"long\":-2}"`,
		event.Message{Kind: event.Location, Location: &event.Place{Latitude: 1.5, Longitude: -2, Title: "Pier 4"}},
	},
	{"location without a place", "4", `"searchableContent":"Pier 4"`, event.Message{Kind: event.Location, Text: "Pier 4"}},
	{
		"file", "5", `"searchableContent":"a.pdf","content":"12","remoteMediaUrl":"u"`,
		event.Message{Kind: event.File, Media: &event.Media{URL: "u", Name: "a.pdf", Size: 12}},
	},
	{
		"video", "6", `"searchableContent":"[m]","content":"{\"duration\":9,\"d\":9}","remoteMediaUrl":"u"`,
		event.Message{Kind: event.Video, Text: "[m]", Media: &event.Media{URL: "u", Seconds: 9}},
	},
	{
		"sticker", "7", `"searchableContent":"[s]","base64edData":"` + base64Of(`{"x":753,"y":960}`) + `","remoteMediaUrl":"u"`,
		event.Message{Kind: event.Face, Text: "[s]", Media: &event.Media{URL: "u", Width: 753, Height: 960}},
	},
	{
		"sticker with another size", "7", `"base64edData":"` + base64Of(`{"x":1,"y":"2"}`) + `","remoteMediaUrl":"u"`,
		event.Message{Kind: event.Face, Media: &event.Media{URL: "u"}},
	},
	{
		"link", "8", `"searchableContent":"title","base64edData":"` + base64Of(`{"d":"digest","u":"u","t":"t"}`) + `"`,
		event.Message{Kind: event.LinkCard, Text: "digest", Media: &event.Media{URL: "u", Name: "title", Thumbnail: "t"}},
	},
	{"link without anything", "8", `"searchableContent":""`, event.Message{Kind: event.LinkCard}},
	{
		"user card", "10", `"content":"u7","base64edData":"` + base64Of(`{"t":0,"d":"Ada"}`) + `"`,
		event.Message{Kind: event.Card, Text: "Ada", Custom: &event.Payload{Name: "u7", Data: `{"t":0,"d":"Ada"}`}},
	},
	{
		"card of bytes", "10", `"content":"u7","base64edData":"/9g="`,
		event.Message{Kind: event.Card, Custom: &event.Payload{Name: "u7"}},
	},
	{
		"merged", "11", `"searchableContent":"[v] hi","content":"Chat of two","base64edData":"` + base64Of(`{"ms":[]}`) + `"`,
		event.Message{Kind: event.Merged, Text: "Chat of two", Custom: &event.Payload{Data: `{"ms":[]}`}},
	},
	{"merged without a title", "11", `"searchableContent":"hi"`, event.Message{Kind: event.Merged, Text: "hi"}},
	{
		"rich notification", "12", `"content":"approved","base64edData":"` + base64Of(`{"exName":"desk","exPortrait":"p","exUrl":"u"}`) + `"`,
		event.Message{
			Kind: event.LinkCard, Text: "approved", Media: &event.Media{URL: "u", Name: "desk", Thumbnail: "p"},
			Custom: &event.Payload{Data: `{"exName":"desk","exPortrait":"p","exUrl":"u"}`},
		},
	},
	{
		"articles", "13", `"searchableContent":"title","base64edData":"` + base64Of(`{"top":{"digest":"d","url":"u","cover":"c"}}`) + `"`,
		event.Message{
			Kind: event.LinkCard, Text: "d", Media: &event.Media{URL: "u", Name: "title", Thumbnail: "c"},
			Custom: &event.Payload{Data: `{"top":{"digest":"d","url":"u","cover":"c"}}`},
		},
	},
	{"channel is looked at", "71", ``, event.Message{Kind: event.Notification}},
	{"channel is left", "72", ``, event.Message{Kind: event.Notification}},
	{"recall", "80", `"content":"ada"`, event.Message{Kind: event.RecallMarker, Custom: &event.Payload{Data: "ada"}}},
	{"delete", "81", ``, event.Message{Kind: event.RecallMarker}},
	{"tip", "90", `"content":"closed"`, event.Message{Kind: event.Notification, Text: "closed"}},
	{"tip with both texts", "90", `"searchableContent":"s","content":"c"`, event.Message{Kind: event.Notification, Text: "s", Custom: &event.Payload{Data: "c"}}},
	{"typing", "91", `"content":"0"`, event.Message{Kind: event.Typing, Custom: &event.Payload{Data: "0"}, Options: &event.MessageOptions{Transient: true}}},
	{"friend greeting", "92", ``, event.Message{Kind: event.Notification}},
	{"friend added", "93", ``, event.Message{Kind: event.Notification}},
	{"login of a computer", "94", ``, event.Message{Kind: event.Notification}},
	{"agent's command", "207", `"content":"{}"`, event.Message{Kind: event.UnknownKind, Custom: &event.Payload{Data: "{}"}}},
	{"call", "402", `"content":"call-1","base64edData":"AQI="`, event.Message{Kind: event.Call, Custom: &event.Payload{Data: "call-1", Base64: []byte{1, 2}}}},
	{"reserved", "1000", ``, event.Message{Kind: event.UnknownKind}},
	{"custom", "1001", `"content":"c","base64edData":"AQI="`, event.Message{Kind: event.Custom, Custom: &event.Payload{Data: "c", Base64: []byte{1, 2}}}},
}

func TestContents_AreReadByTypeAndWrittenAgain(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for code := 104; code <= 123; code++ {
		ev := decodeOne(t, d, "/im_event/message", payloadOf(strconv.Itoa(code), `"base64edData":"`+base64Of(`{"g":"g1"}`)+`"`))
		if ev.Message.Kind != event.Notification || string(ev.Message.Custom.Base64) != `{"g":"g1"}` {
			t.Errorf("type %d is read as %+v", code, ev.Message)
		}
	}
	for _, tt := range contentCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := decodeOne(t, d, "/im_event/message", payloadOf(tt.code, tt.fields))
			tt.want.ID, tt.want.Code = "7", tt.code
			if diff := cmp.Diff(&tt.want, ev.Message); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(ev, again(t, d, ev, ev.Generation), unwired); diff != "" {
				t.Errorf("through the canonical form (-was +is):\n%s", diff)
			}
		})
	}
}

// payloadOf is a message with a payload of that type, as the old documents have it:
// what is usual for the type is left out.
func payloadOf(code, fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return `{"messageId":7,"sender":"mira","conv":{"type":1,"target":"g1"},"payload":{"type":` + code + fields + `}}`
}
