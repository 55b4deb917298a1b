package easemob

import (
	"encoding/base64"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The values of bodies[].type.
const (
	wireText    = "txt"
	wireImage   = "img"
	wireAudio   = "audio"
	wireVideo   = "video"
	wireFile    = "file"
	wirePlace   = "loc"
	wireCommand = "cmd"
	wireCustom  = "custom"
	wireUnknown = "unknown"
)

const (
	// subCombine marks a text body as a combined message.
	subCombine = "sub_combine"
	// userCard is the customEvent of a contact card, as the vendor's own clients
	// send it.
	userCard = "userCard"
)

// content is one kind of message body in both directions.
type content struct {
	// wire is bodies[].type.
	wire string
	// word is how the newer content_type ends.
	word string
	line string
	// read moves what is canonical from b to m and leaves the rest.
	read func(b *body, m *event.Message)
	// write puts m into b; own says that b holds what read left.
	write func(m *event.Message, b *body, own bool)
	// sample draws a message without its id.
	sample func(r *rand.Rand) event.Message
}

// contents are all bodies, in the order of the vendor's page.
var contents = [...]content{
	{wireText, "text", "a text or combined message", readText, writeText, sampleText},
	{wireImage, "image", "a picture", readImage, writeMedia, sampleImage},
	{wireAudio, "voice", "a voice message", readAudio, writeMedia, sampleAudio},
	{wirePlace, "location", "a place", readPlace, writePlace, samplePlace},
	{wireVideo, "video", "a video", readVideo, writeMedia, sampleVideo},
	{wireFile, "file", "a file", readFile, writeMedia, sampleFile},
	{wireCommand, "command", "a command that clients obey and do not show", readCommand, writeCommand, sampleCommand},
	{wireCustom, "custom", "a message of the application's own kind", readCustom, writeCustom, sampleCustom},
	{wireUnknown, "unknown", "a message of a kind that is not listed", readUnknown, writeUnknown, sampleUnknown},
}

// kinds are the bodies that say each canonical kind. Equal is false for the
// nearest equivalent, which reads back as another kind.
var kinds = map[event.ContentKind]struct {
	wire  string
	equal bool
}{
	event.Text:         {wireText, true},
	event.Image:        {wireImage, true},
	event.Audio:        {wireAudio, true},
	event.Video:        {wireVideo, true},
	event.File:         {wireFile, true},
	event.Location:     {wirePlace, true},
	event.Merged:       {wireText, true},
	event.CommandKind:  {wireCommand, true},
	event.Custom:       {wireCustom, true},
	event.Card:         {wireCustom, true},
	event.UnknownKind:  {wireUnknown, true},
	event.Quote:        {wireText, false},
	event.Face:         {wireCustom, false},
	event.LinkCard:     {wireCustom, false},
	event.Notification: {wireCommand, false},
	event.Typing:       {wireCommand, false},
	event.Call:         {wireCommand, false},
}

// contentOf finds a body by its type; nil when there is none.
func contentOf(wire string) *content {
	for i := range contents {
		if contents[i].wire == wire {
			return &contents[i]
		}
	}
	return nil
}

// contentName is the last word of a message's command: the element's type, else
// what content_type says; "unknown" for a type that the vendor does not list, and
// "" when nothing tells.
func contentName(first, contentType string) string {
	if first != "" {
		if contentOf(first) == nil {
			return wireUnknown
		}
		return first
	}
	if contentType == "" {
		return ""
	}
	word := contentType[strings.LastIndexByte(contentType, ':')+1:]
	for i := range contents {
		if contents[i].word == word {
			return contents[i].wire
		}
	}
	if word == wireText { // the word of combined messages
		return wireText
	}
	return wireUnknown
}

// contentFor finds the body that says m.
func contentFor(m *event.Message, own bool) (*content, error) {
	if own {
		if c := contentOf(m.Code); c != nil && kinds[m.Kind].wire == c.wire {
			return c, nil
		}
	}
	wire := kinds[m.Kind].wire
	switch {
	case m.Kind == event.RecallMarker, m.Kind == event.ReceiptMarker:
		return nil, dialect.Untranslatable("a %s has a callback of its own here and is no message", m.Kind)
	case m.Kind == "" && m.Text != "":
		wire = wireText
	case m.Kind == event.Merged && !own && (m.Media == nil || m.Media.URL == ""):
		wire = wireCustom // a combined message is a file that holds its parts
	case (m.Kind == event.UnknownKind || m.Kind == "") && !own && !empty(m):
		wire = wireCustom
	}
	if c := contentOf(wire); c != nil {
		return c, nil
	}
	return contentOf(wireUnknown), nil
}

func empty(m *event.Message) bool {
	return m.Text == "" && m.Media == nil && m.Custom == nil && m.Location == nil
}

// typeWord is how content_type ends for a message of this body.
func (c *content) typeWord(kind event.ContentKind) string {
	if c.wire == wireText && kind == event.Merged {
		return wireText
	}
	return c.word
}

func readText(b *body, m *event.Message) {
	m.Kind, m.Text = event.Text, b.Msg
	b.Msg = ""
	if b.SubType != subCombine {
		return
	}
	m.Kind, b.SubType = event.Merged, ""
	if b.URL != "" || b.Filename != "" || b.FileLength != 0 {
		m.Media = media(b)
	}
}

func writeText(m *event.Message, b *body, _ bool) {
	b.Msg = m.Text
	if m.Kind != event.Merged {
		return
	}
	b.SubType = subCombine
	if m.Media != nil {
		b.URL, b.Filename, b.FileLength = m.Media.URL, m.Media.Name, m.Media.Size
	}
}

// media moves what all files have.
func media(b *body) *event.Media {
	f := &event.Media{URL: b.URL, Name: b.Filename, Size: b.FileLength}
	b.URL, b.Filename, b.FileLength = "", "", 0
	return f
}

func readFile(b *body, m *event.Message) { m.Kind, m.Media = event.File, media(b) }

func readImage(b *body, m *event.Message) {
	m.Kind, m.Media = event.Image, media(b)
	readSize(b, m.Media)
}

func readAudio(b *body, m *event.Message) {
	m.Kind, m.Media = event.Audio, media(b)
	m.Media.Seconds, b.Length = float64(b.Length), 0
}

func readVideo(b *body, m *event.Message) {
	m.Kind, m.Media = event.Video, media(b)
	m.Media.Seconds, b.Length = float64(b.Length), 0
	m.Media.Thumbnail, b.Thumb = b.Thumb, ""
	readSize(b, m.Media)
}

func readSize(b *body, f *event.Media) {
	f.Width, f.Height = b.Size.Width, b.Size.Height
	b.Size.Width, b.Size.Height = 0, 0
}

// writeMedia writes a file of any kind; the pages give lengths in whole seconds.
func writeMedia(m *event.Message, b *body, own bool) {
	f := m.Media
	if f == nil {
		f = &event.Media{}
	}
	b.URL, b.Filename, b.FileLength = f.URL, f.Name, f.Size
	if b.Type == wireAudio || b.Type == wireVideo {
		b.Length = decimal(f.Seconds)
		if !own {
			b.Length = decimal(math.Round(f.Seconds))
		}
	}
	if b.Type == wireImage || b.Type == wireVideo {
		b.Size.Width, b.Size.Height = f.Width, f.Height
	}
	if b.Type == wireVideo {
		b.Thumb = f.Thumbnail
	}
}

func readPlace(b *body, m *event.Message) {
	m.Kind = event.Location
	m.Location = &event.Place{Latitude: float64(b.Lat), Longitude: float64(b.Lng), Address: b.Addr}
	b.Lat, b.Lng, b.Addr = 0, 0, ""
}

func writePlace(m *event.Message, b *body, own bool) {
	p := m.Location
	if p == nil {
		return
	}
	b.Lat, b.Lng, b.Addr = decimal(p.Latitude), decimal(p.Longitude), p.Address
	if b.Addr == "" && !own {
		b.Addr = p.Title
	}
}

// readCommand also takes the msg that an older table lists for commands.
func readCommand(b *body, m *event.Message) {
	m.Kind = event.CommandKind
	m.Custom = &event.Payload{Name: b.Action, Data: b.Msg}
	b.Action, b.Msg = "", ""
}

func writeCommand(m *event.Message, b *body, own bool) {
	var p event.Payload
	if m.Custom != nil {
		p = *m.Custom
	}
	b.Action, b.Msg = p.Name, p.Data
	if own {
		return
	}
	if len(p.Base64) > 0 && b.Msg == "" {
		b.Msg = base64.StdEncoding.EncodeToString(p.Base64)
	}
	b.Msg = or(b.Msg, m.Text)
	switch {
	case m.Kind != event.CommandKind:
		b.Action = string(m.Kind)
	case b.Action == "":
		b.Action, b.Msg = b.Msg, ""
	}
}

// readCustom prefers the newer form of the values; the older one is dropped where
// it says the same.
func readCustom(b *body, m *event.Message) {
	m.Kind = event.Custom
	if b.CustomEvent == userCard {
		m.Kind = event.Card
	}
	m.Custom = &event.Payload{Name: b.CustomEvent}
	b.CustomEvent = ""
	if v, err := dialect.Tidy(b.CustomExtsV2); err == nil && len(v) > 0 {
		m.Custom.Data, b.CustomExtsV2 = string(v), nil
		if old, err := dialect.Tidy(b.CustomExts); err == nil && string(old) == string(oldExts(pairs(v))) {
			b.CustomExts = nil
		}
	} else if v, err := dialect.Tidy(b.CustomExts); err == nil && v.Kind() == '[' {
		m.Custom.Data, b.CustomExts = string(v), nil
	}
}

// eventWord is what the vendor's page demands of customEvent.
var eventWord = regexp.MustCompile(`^[a-zA-Z0-9_/.-]{1,32}$`)

// notEventWord is what such a word cannot hold.
var notEventWord = regexp.MustCompile(`[^a-zA-Z0-9_/.-]+`)

func writeCustom(m *event.Message, b *body, own bool) {
	var p event.Payload
	if m.Custom != nil {
		p = *m.Custom
	}
	if own {
		b.CustomEvent = p.Name
		if data := jsontext.Value(p.Data); data.Kind() == '[' {
			b.CustomExts = data
		} else if p.Data != "" {
			b.CustomExtsV2 = data
			if len(b.CustomExts) == 0 && data.Kind() == '{' {
				b.CustomExts = oldExts(pairs(data))
			}
		}
		return
	}
	switch m.Kind {
	case event.Custom:
		b.CustomEvent = p.Name
	case event.Card:
		b.CustomEvent = userCard
	default:
		b.CustomEvent = or(string(m.Kind), wireUnknown)
	}
	if !eventWord.MatchString(b.CustomEvent) {
		word := notEventWord.ReplaceAllString(b.CustomEvent, "-")
		if b.CustomEvent = word[:min(len(word), 32)]; b.CustomEvent == "" {
			b.CustomEvent = wireCustom
		}
	}
	values := customValues(m, p)
	b.CustomExts, b.CustomExtsV2 = oldExts(values), newExts(values)
}

// pair is a member of v2:customExts: both are texts there.
type pair struct{ name, value string }

// customValues are what a message of a foreign kind says, as names and texts.
func customValues(m *event.Message, p event.Payload) []pair {
	values := pairs(jsontext.Value(p.Data))
	add := func(name, value string) {
		if value != "" && !slices.ContainsFunc(values, func(v pair) bool { return v.name == name }) {
			values = append(values, pair{name, value})
		}
	}
	if values == nil {
		add("data", p.Data)
	}
	if len(p.Base64) > 0 {
		add("base64", base64.StdEncoding.EncodeToString(p.Base64))
	}
	if m.Kind != event.Custom {
		add("name", p.Name)
	}
	add("text", m.Text)
	if f := m.Media; f != nil {
		add("url", f.URL)
		add("filename", f.Name)
		add("thumb", f.Thumbnail)
	}
	return values
}

// pairs are the members of a JSON object in their order, the values as texts; nil
// for anything else.
func pairs(object jsontext.Value) []pair {
	if first := strings.TrimLeft(string(object), " \t\r\n"); first == "" || first[0] != '{' {
		return nil
	}
	object, err := dialect.Tidy(object)
	if err != nil {
		return nil
	}
	dec := jsontext.NewDecoder(strings.NewReader(string(object)))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	values := []pair{}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		values = append(values, pair{key, plain(value)})
	}
	return values
}

// newExts is v2:customExts.
func newExts(values []pair) jsontext.Value {
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = dialect.AppendString(append(dialect.AppendString(b, v.name), ':'), v.value)
	}
	return append(b, '}')
}

// oldExts is customExts: an array of objects.
func oldExts(values []pair) jsontext.Value {
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, newExts([]pair{v})...)
	}
	return append(b, ']')
}

func readUnknown(b *body, m *event.Message) {
	m.Kind, m.Text = event.UnknownKind, b.Msg
	b.Msg = ""
}

func writeUnknown(m *event.Message, b *body, own bool) {
	b.Msg = m.Text
	if own && m.Code != "" && !listed(m.Code) {
		b.Type = m.Code
	}
}

// listed reports whether the vendor lists a type of body.
func listed(wire string) bool {
	switch wire {
	case wireText, wireImage, wireAudio, wireVideo, wireFile, wirePlace, wireCommand, wireCustom, wireUnknown:
		return true
	}
	return false
}
