package tencent

import (
	"bytes"
	"encoding/base64"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The element types that the code names.
const (
	textElem   = "TIMTextElem"
	customElem = "TIMCustomElem"
)

// contents are the element types of MsgBody (page 33527) and the kinds that are
// written as each: the first kind is the one that the type is read as, the others
// have no element of their own here. Of those the application's payload travels in
// Data, the text in Desc and the kind in Ext.
var contents = [...]struct {
	code  string
	kinds []event.ContentKind
	read  func(o *object, m *event.Message)
	write func(w *writer, m *event.Message, kept *object)
}{
	{textElem, []event.ContentKind{event.Text, event.Quote, ""}, readText, writeText},
	{"TIMImageElem", []event.ContentKind{event.Image}, readImage, writeImage},
	{"TIMSoundElem", []event.ContentKind{event.Audio}, readSound, writeSound},
	{"TIMVideoFileElem", []event.ContentKind{event.Video}, readVideo, writeVideo},
	{"TIMFileElem", []event.ContentKind{event.File}, readFile, writeFile},
	{"TIMLocationElem", []event.ContentKind{event.Location}, readLocation, writeLocation},
	{"TIMFaceElem", []event.ContentKind{event.Face}, readFace, writeFace},
	{"TIMRelayElem", []event.ContentKind{event.Merged}, readRelay, writeRelay},
	{customElem, []event.ContentKind{
		event.Custom, event.LinkCard, event.Card, event.CommandKind, event.Notification, event.Typing, event.Call,
		event.RecallMarker, event.UnknownKind,
	}, readCustom, writeCustom},
}

// contentOf finds the row of an element type; -1 when there is none.
func contentOf(code string) int {
	for i := range contents {
		if contents[i].code == code {
			return i
		}
	}
	return -1
}

// contentFor finds the row that a kind is written as. A receipt is no message.
func contentFor(kind event.ContentKind) int {
	for i := range contents {
		if slices.Contains(contents[i].kinds, kind) {
			return i
		}
	}
	return -1
}

// element is one member of MsgBody, taken apart.
type element struct {
	// outer is the member itself, inner its MsgContent.
	outer, inner object
}

// left is what of the element has no canonical place, as an object of the
// element's own form; nil when there is nothing.
func (e *element) left() ([]byte, error) {
	rest, err := e.inner.rest()
	if err != nil {
		return nil, err
	}
	if rest != nil {
		e.outer.put("MsgContent", rest)
	}
	return e.outer.rest()
}

// readElement reads one member of MsgBody into m. What is no element, or holds no
// object, stays as it is.
func (e *element) read(v []byte, m *event.Message) {
	m.Kind = event.UnknownKind
	if e.outer.parse(v) != nil {
		e.outer.fields = append(e.outer.fields[:0], field{put: "MsgBody", value: v})
		e.inner.fields = e.inner.fields[:0]
		return
	}
	m.Code = e.outer.text("MsgType")
	content := e.outer.peek("MsgContent")
	i := contentOf(m.Code)
	if content == nil || content[0] != '{' || i < 0 {
		e.inner.fields = e.inner.fields[:0]
		if i >= 0 {
			m.Kind = contents[i].kinds[0]
		}
		return
	}
	e.outer.drop("MsgContent")
	e.inner.fields = e.inner.fields[:0]
	e.inner.scan(content)
	m.Kind = contents[i].kinds[0]
	contents[i].read(&e.inner, m)
}

// readBody takes MsgBody: the message describes its first element, Parts all when
// there are several. What the canonical elements do not hold is left over as a list
// of as many elements.
func (in *input) readBody(m *event.Message) error {
	v := in.o.peek("MsgBody")
	if text, ok := oneText(v); ok {
		// By far the most frequent.
		in.o.drop("MsgBody")
		m.Kind, m.Code, m.Text = event.Text, textElem, text
		return nil
	}
	items := in.o.list("MsgBody")
	if in.o.bad != "" {
		return nil // and Decode says so
	}
	if len(items) == 0 {
		m.Kind = event.UnknownKind
		return nil
	}
	var e element
	var kept [][]byte
	if len(items) > 1 {
		m.Parts = make([]event.Message, len(items))
	}
	for i, item := range items {
		part := m
		if len(items) > 1 {
			part = &m.Parts[i]
		}
		e.read(item, part)
		rest, err := e.left()
		if err != nil {
			return err
		}
		if rest != nil && kept == nil {
			kept = make([][]byte, len(items))
		}
		if rest != nil {
			kept[i] = rest
		}
	}
	if len(m.Parts) > 0 {
		describe(m, &m.Parts[0])
	}
	if kept != nil {
		list := []byte{'['}
		for i, rest := range kept {
			if i > 0 {
				list = append(list, ',')
			}
			if rest == nil {
				rest = []byte("{}")
			}
			list = append(list, rest...)
		}
		in.o.put("MsgBody", append(list, ']'))
	}
	return nil
}

// describe gives m the content of one of its parts.
func describe(m, part *event.Message) {
	m.Kind, m.Code, m.Text = part.Kind, part.Code, part.Text
	m.Media, m.Location, m.Custom = part.Media, part.Location, part.Custom
}

var (
	textBegin = []byte(`[{"MsgType":"TIMTextElem","MsgContent":{"Text":"`)
	textEnd   = []byte(`"}}]`)
)

// oneText reads a body of one text element without white space.
func oneText(v []byte) (string, bool) {
	if !bytes.HasPrefix(v, textBegin) || !bytes.HasSuffix(v, textEnd) || len(v) < len(textBegin)+len(textEnd) {
		return "", false
	}
	if stringEnd(v, len(textBegin)-1) != len(v)-len(textEnd)+1 {
		return "", false
	}
	return unquote(v[len(textBegin)-1 : len(v)-len(textEnd)+1]), true
}

// writeBody is the inverse of readBody.
func (out *output) writeBody(m *event.Message) error {
	if m.Kind == event.Text && len(m.Parts) == 0 && out.kept.peek("MsgBody") == nil {
		out.w.name("MsgBody")
		out.w.b = append(out.w.b, textBegin[:len(textBegin)-1]...)
		out.w.b = dialect.AppendString(out.w.b, m.Text)
		out.w.b = append(out.w.b, textEnd[1:]...)
		return nil
	}
	kept := out.kept.list("MsgBody")
	if out.own && m.Kind == event.UnknownKind && m.Code == "" && len(kept) == 0 && len(m.Parts) == 0 {
		out.w.texts("MsgBody", nil)
		return nil
	}
	parts := m.Parts
	if len(parts) == 0 {
		parts = []event.Message{*m}
	}
	out.w.begin("MsgBody")
	for i := range parts {
		var rest []byte
		if i < len(kept) && len(kept) == len(parts) {
			rest = kept[i]
		}
		out.w.next()
		if err := writeElement(&out.w, &parts[i], rest, out.own); err != nil {
			return err
		}
	}
	out.w.close()
	return nil
}

// writeElement writes one member of MsgBody. rest is what was left over of it.
func writeElement(w *writer, m *event.Message, rest []byte, own bool) error {
	var e element
	if rest != nil {
		if err := e.outer.parse(rest); err == nil {
			if whole := e.outer.peek("MsgBody"); own && whole != nil && m.Code == "" {
				w.b = append(w.b, whole...) // what was no element at all
				return nil
			}
		}
	}
	i := contentOf(m.Code)
	if i < 0 || !own || contents[i].kinds[0] != m.Kind {
		i = contentFor(m.Kind)
		if own && m.Kind == event.UnknownKind && (m.Code != "" || len(e.outer.fields) > 0) {
			i = -1
		} else if i < 0 {
			return dialect.Untranslatable("a %s is no message", m.Kind)
		}
	}
	if c := e.outer.peek("MsgContent"); i >= 0 && c != nil && c[0] == '{' {
		e.outer.drop("MsgContent")
		e.inner.scan(c)
	}
	var el writer
	el.b = append(w.b, '{')
	code := m.Code
	if i >= 0 {
		code = contents[i].code
	}
	if i >= 0 || code != "" {
		el.text("MsgType", code)
	}
	switch {
	case e.outer.peek("MsgContent") != nil:
	case i >= 0:
		el.name("MsgContent")
		inner := writer{b: append(el.b, '{')}
		contents[i].write(&inner, m, &e.inner)
		inner.keep(&e.inner)
		el.b = append(inner.b, '}')
	}
	el.keep(&e.outer)
	w.b = append(el.b, '}')
	return nil
}

func readText(o *object, m *event.Message) { m.Text = o.string("Text") }

func writeText(w *writer, m *event.Message, kept *object) {
	kept.drop("Text")
	w.text("Text", m.Text)
}

func readLocation(o *object, m *event.Message) {
	lat, ok1 := o.peekFloat("Latitude")
	long, ok2 := o.peekFloat("Longitude")
	if ok1 && ok2 {
		o.drop("Latitude")
		o.drop("Longitude")
		m.Location = &event.Place{Latitude: lat, Longitude: long, Address: o.string("Desc")}
	}
}

func writeLocation(w *writer, m *event.Message, kept *object) {
	p := m.Location
	if p == nil {
		if len(kept.fields) > 0 {
			return
		}
		p = &event.Place{}
	}
	desc := p.Address
	if desc == "" {
		desc = p.Title
	}
	w.textOr(kept, "Desc", desc)
	w.float("Latitude", p.Latitude)
	w.float("Longitude", p.Longitude)
}

// readFace: Index says which face of the set that Data or the application names.
func readFace(o *object, m *event.Message) {
	m.Custom = &event.Payload{Data: o.string("Data")}
	if v := o.peek("Index"); v != nil && v[0] != '"' {
		if n, ok := number(v); ok && strconv.FormatInt(n, 10) == string(v) {
			o.drop("Index")
			m.Custom.Name = string(v)
		}
	}
}

func writeFace(w *writer, m *event.Message, kept *object) {
	p := payload(m)
	if n, ok := number32(p.Name); ok || kept.peek("Index") == nil {
		kept.drop("Index")
		w.int("Index", n)
	}
	if p.Data == "" && m.Media != nil {
		p.Data = m.Media.URL
	}
	w.textOr(kept, "Data", p.Data)
}

func readCustom(o *object, m *event.Message) {
	m.Custom = &event.Payload{Name: o.string("Ext"), Data: o.string("Data")}
	m.Text = o.string("Desc")
}

func writeCustom(w *writer, m *event.Message, kept *object) {
	p := payload(m)
	if m.Kind != event.Custom && m.Kind != event.UnknownKind {
		if p.Data == "" {
			p.Data = p.Name
		}
		p.Name = string(m.Kind)
	}
	if p.Data == "" && len(p.Base64) > 0 {
		p.Data = base64.StdEncoding.EncodeToString(p.Base64)
	}
	if p.Data == "" && m.Media != nil {
		p.Data = m.Media.URL
	}
	w.textOr(kept, "Data", p.Data)
	w.textOr(kept, "Desc", m.Text)
	w.textOr(kept, "Ext", p.Name)
	if kept.peek("Sound") == nil {
		kept.drop("Sound")
		w.text("Sound", "")
	}
}

// readRelay: only the title of merged messages is looked at.
func readRelay(o *object, m *event.Message) { m.Text = o.string("Title") }

func writeRelay(w *writer, m *event.Message, kept *object) {
	foreign := len(kept.fields) == 0
	w.textOr(kept, "Title", m.Text)
	if foreign {
		w.int("MsgNum", 0)
		w.text("CompatibleText", m.Text)
		w.texts("AbstractList", nil)
		w.texts("MsgList", nil)
	}
}

func readSound(o *object, m *event.Message) {
	m.Media = &event.Media{URL: o.string("Url"), Size: o.size("Size"), Seconds: o.seconds("Second")}
}

func writeSound(w *writer, m *event.Message, kept *object) {
	p, foreign := media(m), len(kept.fields) == 0
	w.textOr(kept, "Url", p.URL)
	if foreign {
		w.text("UUID", "")
	}
	w.size(kept, "Size", p.Size)
	w.seconds(kept, "Second", p.Seconds)
	if foreign {
		w.int("Download_Flag", downloadURL)
	}
}

func readFile(o *object, m *event.Message) {
	m.Media = &event.Media{URL: o.string("Url"), Name: o.string("FileName"), Size: o.size("FileSize")}
}

func writeFile(w *writer, m *event.Message, kept *object) {
	p, foreign := media(m), len(kept.fields) == 0
	w.textOr(kept, "Url", p.URL)
	if foreign {
		w.text("UUID", "")
	}
	w.size(kept, "FileSize", p.Size)
	w.textOr(kept, "FileName", p.Name)
	if foreign {
		w.int("Download_Flag", downloadURL)
	}
}

func readVideo(o *object, m *event.Message) {
	m.Media = &event.Media{
		URL: o.string("VideoUrl"), Size: o.size("VideoSize"), Seconds: o.seconds("VideoSecond"),
		Thumbnail: o.string("ThumbUrl"), Width: int(o.size("ThumbWidth")), Height: int(o.size("ThumbHeight")),
	}
}

func writeVideo(w *writer, m *event.Message, kept *object) {
	p, foreign := media(m), len(kept.fields) == 0
	w.textOr(kept, "VideoUrl", p.URL)
	if foreign {
		w.text("VideoUUID", "")
	}
	w.size(kept, "VideoSize", p.Size)
	w.seconds(kept, "VideoSecond", p.Seconds)
	if foreign {
		w.text("VideoFormat", firstOf(format(&p), "mp4"))
		w.int("VideoDownloadFlag", downloadURL)
	}
	w.textOr(kept, "ThumbUrl", p.Thumbnail)
	if foreign {
		w.text("ThumbUUID", "")
		w.int("ThumbSize", 0)
	}
	w.size(kept, "ThumbWidth", int64(p.Width))
	w.size(kept, "ThumbHeight", int64(p.Height))
	if foreign {
		w.text("ThumbFormat", firstOf(format(&event.Media{URL: p.Thumbnail}), "jpg"))
		w.int("ThumbDownloadFlag", downloadURL)
	}
}

// downloadURL is the flag that says that the URL is to be used.
const downloadURL = 2

// The sizes of a picture.
const (
	imageOriginal = 1
	imageLarge    = 2
	imageThumb    = 3
)

// imageFormats are the numbers of ImageFormat; imageOther is every other format.
var imageFormats = [...]struct {
	format string
	n      int64
}{{"jpg", 1}, {"jpeg", 1}, {"gif", 2}, {"png", 3}, {"bmp", 4}}

const imageOther = 255

// imageFormat is the number of a foreign picture's format.
func imageFormat(m *event.Media) int64 {
	f := format(m)
	for _, i := range imageFormats {
		if i.format == f {
			return i.n
		}
	}
	return imageOther
}

// format is what the last part of a media type, a file name or a path says that the
// content is: "png". Empty when none does.
func format(m *event.Media) string {
	if _, sub, ok := strings.Cut(m.MIME, "/"); ok {
		sub, _, _ = strings.Cut(sub, ";")
		return strings.ToLower(strings.TrimSpace(sub))
	}
	for _, name := range [...]string{m.Name, m.URL} {
		name, _, _ = strings.Cut(name, "?")
		name, _, _ = strings.Cut(name, "#")
		if ext := path.Ext(name); len(ext) > 1 && len(ext) <= 5 {
			return strings.ToLower(ext[1:])
		}
	}
	return ""
}

// images reads the picture and its thumbnail out of ImageInfoArray. false when it
// is none.
func images(v []byte) (*event.Media, bool) {
	if v == nil || v[0] != '[' {
		return nil, false
	}
	items, _ := dialect.Elements(v)
	m := &event.Media{}
	best := int64(0)
	for _, item := range items {
		var o object
		if o.parse(item) != nil {
			return nil, false
		}
		kind, _ := o.int("Type")
		url := o.string("URL")
		if url == "" {
			url = o.string("Url")
		}
		if kind == imageThumb {
			m.Thumbnail = url
		}
		if best == 0 || kind == imageOriginal && best != imageOriginal {
			best = kind
			m.URL, m.Size = url, o.size("Size")
			m.Width, m.Height = int(o.size("Width")), int(o.size("Height"))
		}
	}
	return m, true
}

// readImage: the sizes stay among what is left over; the original is the picture.
func readImage(o *object, m *event.Message) {
	m.Media, _ = images(o.peek("ImageInfoArray"))
}

func writeImage(w *writer, m *event.Message, kept *object) {
	if v := kept.peek("ImageInfoArray"); v != nil {
		if same, ok := images(v); !ok && m.Media == nil || ok && reflect.DeepEqual(same, m.Media) {
			return
		}
		kept.drop("ImageInfoArray")
	} else if m.Media == nil && len(kept.fields) > 0 {
		return
	}
	p := media(m)
	if len(kept.fields) == 0 {
		w.text("UUID", "")
		w.int("ImageFormat", imageFormat(&p))
	}
	w.begin("ImageInfoArray")
	for _, kind := range []int64{imageOriginal, imageLarge, imageThumb} {
		url := p.URL
		if kind == imageThumb && p.Thumbnail != "" {
			url = p.Thumbnail
		}
		w.item()
		w.int("Type", kind)
		w.int("Size", max(p.Size, 0))
		w.int("Width", int64(max(p.Width, 0)))
		w.int("Height", int64(max(p.Height, 0)))
		w.text("URL", url)
		w.endItem()
	}
	w.close()
}

func media(m *event.Message) event.Media {
	if m.Media == nil {
		return event.Media{}
	}
	return *m.Media
}

func payload(m *event.Message) event.Payload {
	if m.Custom == nil {
		return event.Payload{}
	}
	return *m.Custom
}
