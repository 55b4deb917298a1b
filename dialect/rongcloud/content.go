package rongcloud

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/imhook/imhook/event"
)

// shape says what a message type means and under which names its content, a JSON
// object, holds what has a canonical place; an empty name means that it does not.
// What is left over is kept under content.
type shape struct {
	code string
	kind event.ContentKind

	text                                    string
	url, name, size, seconds, width, height string
	thumbnail                               string
	// payload: name and data are a command's.
	payload bool
	// place: latitude, longitude and poi.
	place bool
}

// shapes are the message types of the vendor's pages on user content,
// notification, signalling and status messages. Of several types of one kind the
// first is the one that is written; other dialects' kinds without a type of their
// own take the custom one. The types without names have contents that stay whole,
// as the message's custom payload.
var shapes = [...]shape{
	{code: "RC:TxtMsg", kind: event.Text, text: "content"},
	{code: "RC:ImgMsg", kind: event.Image, url: "imageUri", size: "size", width: "width", height: "height"},
	{code: "RC:GIFMsg", kind: event.Image, url: "remoteUrl", size: "gifDataSize", width: "width", height: "height"},
	{code: "RC:HQVCMsg", kind: event.Audio, url: "remoteUrl", seconds: "duration"},
	{code: "RC:VcMsg", kind: event.Audio, seconds: "duration"},
	{code: "RC:SightMsg", kind: event.Video, url: "sightUrl", name: "name", size: "size", seconds: "duration"},
	{code: "RC:FileMsg", kind: event.File, url: "fileUrl", name: "name", size: "size"},
	{code: "RC:LBSMsg", kind: event.Location, place: true},
	{code: "RC:StkMsg", kind: event.Face},
	{code: "RC:ImgTextMsg", kind: event.LinkCard, text: "content", url: "url", name: "title", thumbnail: "imageUri"},
	{code: "RC:CardMsg", kind: event.Card},
	{code: "RC:CombineMsg", kind: event.Merged},
	{code: "RC:CombineV2Msg", kind: event.Merged},
	{code: "RC:ReferenceMsg", kind: event.Quote, text: "content"},
	{code: "RC:CmdMsg", kind: event.CommandKind, payload: true},
	{code: "RC:CmdNtf", kind: event.CommandKind, payload: true},
	{code: "RC:InfoNtf", kind: event.Notification, text: "message"},
	{code: "RC:GrpNtf", kind: event.Notification, text: "message"},
	{code: "RC:ContactNtf", kind: event.Notification, text: "message"},
	{code: "RC:ProfileNtf", kind: event.Notification, text: "message"},
	{code: "RC:TypSts", kind: event.Typing},
	{code: callSummary, kind: event.Call},
	{code: "RC:RcCmd", kind: event.RecallMarker},
	{code: "RC:RcNtf", kind: event.RecallMarker},
	{code: "RC:ReadNtf", kind: event.ReceiptMarker},
	{code: "RC:RRReqMsg", kind: event.ReceiptMarker},
	{code: "RC:RRRspMsg", kind: event.ReceiptMarker},
}

const (
	// callSummary stands for calls of other dialects: the record of one, not a
	// signal to begin one.
	callSummary = "RC:VCSummary"
	// vendorPrefix and callPrefix begin the vendor's own types, and those of them
	// that are about calls.
	vendorPrefix = "RC:"
	callPrefix   = "RC:VC"
	// customCode is written for contents that have no name.
	customCode = "imhook:custom"
)

// shapeOf finds what a type means.
func shapeOf(code string) shape {
	for i := range shapes {
		if shapes[i].code == code {
			return shapes[i]
		}
	}
	switch {
	case strings.HasPrefix(code, callPrefix):
		return shape{code: code, kind: event.Call}
	case code == "" || strings.HasPrefix(code, vendorPrefix):
		return shape{code: code, kind: event.UnknownKind}
	}
	return shape{code: code, kind: event.Custom}
}

// opaque reports whether the content stays whole.
func (s *shape) opaque() bool {
	return s.text == "" && s.url == "" && s.seconds == "" && !s.payload && !s.place
}

func (s *shape) media() bool { return s.url != "" || s.seconds != "" }

// readContent reads a message's content by its type. Contents that stay whole, or
// are not of the type's form, become the custom payload.
func (o *object) readContent(m *event.Message, content string) {
	s := shapeOf(m.Code)
	m.Kind = s.kind
	var c object
	if s.opaque() || !c.parse([]byte(content)) {
		if content != "" {
			m.Custom = &event.Payload{Data: content}
			if s.kind == event.Custom {
				m.Custom.Name = m.Code
			}
		}
		return
	}
	c.readShape(&s, m)
	if rest := c.rest(); rest != nil {
		o.keepJSON("content", rest)
	}
}

// readShape takes what has a canonical place. A field of another type than the
// documented one is left over.
func (o *object) readShape(s *shape, m *event.Message) {
	m.Text = o.string(s.text)
	m.Extra = o.string("extra")
	if s.media() {
		m.Media = &event.Media{
			URL: o.string(s.url), Name: o.string(s.name), Thumbnail: o.string(s.thumbnail), Size: o.whole(s.size),
			Seconds: o.float(s.seconds), Width: int(int32(o.whole(s.width))), Height: int(int32(o.whole(s.height))),
		}
	}
	if s.payload {
		m.Custom = &event.Payload{Name: o.string("name"), Data: o.string("data")}
	}
	if s.place {
		lat, latOK := o.peekFloat("latitude")
		long, longOK := o.peekFloat("longitude")
		if latOK && longOK {
			o.take("latitude")
			o.take("longitude")
			m.Location = &event.Place{Latitude: lat, Longitude: long, Address: o.string("poi")}
		}
	}
	mention := o.inner("mentionedInfo")
	if len(mention.pairs) == 0 {
		return
	}
	switch kind, _ := mention.number("type"); kind {
	case 1:
		m.Mentions = &event.Mentions{All: true, Users: mention.list("userIdList")}
	case 2:
		m.Mentions = &event.Mentions{Users: mention.list("userIdList")}
	default:
		mention.keepJSON("type", []byte(digits(kind)))
	}
	if rest := mention.rest(); rest != nil {
		o.keepJSON("mentionedInfo", rest)
	}
}

// string takes a name whose value is a string.
func (o *object) string(name string) string {
	for i := range o.pairs {
		if p := &o.pairs[i]; name != "" && p.is(name) && !p.taken && !p.plain && p.value[0] == '"' {
			return o.text(name)
		}
	}
	return ""
}

// whole takes a name whose value is a whole number that is not negative.
func (o *object) whole(name string) int64 {
	f, ok := o.peekFloat(name)
	if n := int64(f); ok && f >= 0 && f < 1<<53 && float64(n) == f && n <= math.MaxInt32*1024 {
		o.take(name)
		return n
	}
	return 0
}

// float takes a name whose value is a number.
func (o *object) float(name string) float64 {
	f, ok := o.peekFloat(name)
	if ok {
		o.take(name)
	}
	return f
}

// peekFloat reads a number, which may stand in a string, without taking it.
func (o *object) peekFloat(name string) (float64, bool) {
	if name == "" {
		return 0, false
	}
	s, ok := o.pick(name)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// codeOf is the type for a message. The code that it brings counts where it means
// the message's kind here.
func codeOf(m *event.Message, same bool) string {
	if m.Code != "" && (same || strings.HasPrefix(m.Code, vendorPrefix)) && shapeOf(m.Code).kind == m.Kind {
		return m.Code
	}
	if same && m.Code == "" && m.Kind == event.UnknownKind {
		return ""
	}
	for i := range shapes {
		if shapes[i].kind == m.Kind {
			return shapes[i].code
		}
	}
	switch {
	case m.Custom != nil && m.Custom.Name != "" && len(m.Custom.Name) <= 32 && !strings.HasPrefix(m.Custom.Name, vendorPrefix):
		return m.Custom.Name
	case m.Kind == "" && m.Custom == nil:
		return shapes[0].code
	}
	return customCode
}

// writeContent is the inverse of readContent: type and content. rest is what was
// left over of the content that came in.
func writeContent(m *event.Message, rest *object, same bool) (code, content string) {
	code = codeOf(m, same)
	s := shapeOf(code)
	if s.opaque() || same && m.Custom != nil && !s.payload {
		return code, wholeContent(m, s.kind, same)
	}
	var w writer
	if s.text != "" {
		w.text(s.text, m.Text)
	}
	if p := m.Media; s.media() && p != nil {
		writeMedia(&w, &s, p, same)
	}
	if s.payload {
		p := event.Payload{}
		if m.Custom != nil {
			p = *m.Custom
		}
		w.text("name", p.Name)
		w.text("data", payloadText(&p, m.Text))
	}
	if p := m.Location; s.place && p != nil {
		w.float("latitude", p.Latitude)
		w.float("longitude", p.Longitude)
		address := p.Address
		if address == "" {
			address = p.Title
		}
		some(&w, "poi", address)
	}
	mention := rest.inner("mentionedInfo")
	if m.Mentions != nil {
		var inner writer
		kind := int64(2)
		if m.Mentions.All {
			kind = 1
		}
		inner.number("type", kind)
		if len(m.Mentions.Users) > 0 || kind == 2 {
			inner.list("userIdList", m.Mentions.Users)
		}
		leftover(&inner, &mention)
		w.raw("mentionedInfo", inner.end())
	} else if len(mention.pairs) > 0 {
		var inner writer
		leftover(&inner, &mention)
		w.raw("mentionedInfo", inner.end())
	}
	some(&w, "extra", m.Extra)
	leftover(&w, rest)
	return code, string(w.end())
}

// writeMedia writes a film, sound, picture or file. Durations are whole seconds on
// the wire; same says that another came in here.
func writeMedia(w *writer, s *shape, p *event.Media, same bool) {
	text := func(name, value string) {
		if name != "" && value != "" {
			w.text(name, value)
		}
	}
	number := func(name string, n int64) {
		if name != "" && n != 0 {
			w.number(name, n)
		}
	}
	text(s.name, p.Name)
	text(s.url, p.URL)
	text(s.thumbnail, p.Thumbnail)
	number(s.size, p.Size)
	switch {
	case s.seconds == "" || p.Seconds <= 0:
	case same:
		w.float(s.seconds, p.Seconds)
	default:
		w.number(s.seconds, int64(math.Ceil(p.Seconds)))
	}
	number(s.width, int64(p.Width))
	number(s.height, int64(p.Height))
}

// wholeContent is a content that stays whole: byte for byte as it came in here, or
// what another dialect has of it, in an object.
func wholeContent(m *event.Message, kind event.ContentKind, same bool) string {
	p := event.Payload{}
	if m.Custom != nil {
		p = *m.Custom
	}
	var o object
	if same || kind == event.Custom && o.parse([]byte(p.Data)) {
		return p.Data
	}
	var w writer
	some(&w, "content", m.Text)
	some(&w, "name", p.Name)
	some(&w, "data", payloadText(&p, ""))
	some(&w, "extra", m.Extra)
	if m.Kind != kind {
		// The best equivalent has another kind: say which it was, and its code there.
		some(&w, "imhookKind", string(m.Kind))
		some(&w, "imhookCode", m.Code)
	}
	return string(w.end())
}

// payloadText is a payload as text.
func payloadText(p *event.Payload, otherwise string) string {
	switch {
	case p.Data != "":
		return p.Data
	case len(p.Base64) > 0:
		return base64.StdEncoding.EncodeToString(p.Base64)
	}
	return otherwise
}
