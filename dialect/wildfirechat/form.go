package wildfirechat

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// form is the part of a payload that says what a message holds. What stands in
// which of the four is another thing for every type; the vendor's pages on
// predefined contents and the classes of its SDK agree on it.
type form struct {
	searchable, content, base64, url string
}

// details are the JSON texts that the vendor's clients put into content.
type details struct {
	Width    int      `json:"w"`
	Height   int      `json:"h"`
	Duration float64  `json:"duration"`
	Lat      *float64 `json:"lat"`
	Long     *float64 `json:"long"`
}

// The JSON texts that stand in base64edData, by type.
type (
	stickerSize struct {
		X int `json:"x"`
		Y int `json:"y"`
	}
	linkData struct {
		Digest    string `json:"d"`
		URL       string `json:"u"`
		Thumbnail string `json:"t"`
	}
	richData struct {
		Name     string `json:"exName"`
		Portrait string `json:"exPortrait"`
		URL      string `json:"exUrl"`
	}
	article struct {
		ID     string `json:"id"`
		Cover  string `json:"cover"`
		Title  string `json:"title"`
		Digest string `json:"digest"`
		URL    string `json:"url"`
		Report bool   `json:"rr"`
	}
	articlesData struct {
		Top         article   `json:"top"`
		SubArticles []article `json:"subArticles"`
	}
	// cardData is a business card; type 0 is that of a user. Origin is what the
	// dialect that the card came from has of it.
	cardData struct {
		Type        int    `json:"t"`
		From        string `json:"f"`
		Name        string `json:"n"`
		DisplayName string `json:"d"`
		Portrait    string `json:"p"`
		Origin      string `json:"imhookOrigin,omitzero"`
	}
	mergedData struct {
		Messages []jsontext.Value `json:"ms"`
		Origin   string           `json:"imhookOrigin,omitzero"`
	}
)

// read puts what the form says into m, whose kind is known, of a payload of that
// type. What it does not understand leaves m as it is.
func (f *form) read(code int32, m *event.Message) {
	if f.url != "" || isMedia(m.Kind) {
		m.Media = &event.Media{URL: f.url}
	}
	m.Text = f.searchable
	switch m.Kind {
	case event.Text:
	case event.Image, event.Audio, event.Video, event.Location:
		f.readDetails(m)
	case event.File:
		m.Text, m.Media.Name = "", f.searchable
		if n, err := strconv.ParseInt(f.content, 10, 64); err == nil {
			m.Media.Size = n
		}
	case event.Face:
		size := readData[stickerSize](f)
		m.Media.Width, m.Media.Height = size.X, size.Y
		if f.content != "" {
			m.Custom = &event.Payload{Data: f.content}
		}
	case event.LinkCard:
		f.readLink(code, m)
	case event.Card:
		m.Text = readData[cardData](f).DisplayName
		f.keepData(m, f.content)
	case event.Merged:
		if f.content != "" {
			m.Text = f.content
		}
		f.keepData(m, "")
	default:
		f.readOpaque(code, m)
	}
}

// readDetails reads a content that is JSON itself.
func (f *form) readDetails(m *event.Message) {
	var d details
	if f.content == "" || dialect.Unmarshal(Name, "", []byte(f.content), &d) != nil {
		return
	}
	switch m.Kind {
	case event.Image:
		m.Media.Width, m.Media.Height = d.Width, d.Height
	case event.Audio, event.Video:
		m.Media.Seconds = d.Duration
	case event.Location:
		if d.Lat != nil && d.Long != nil {
			m.Location = &event.Place{Latitude: *d.Lat, Longitude: *d.Long, Title: f.searchable}
			m.Text = ""
		}
	}
}

// readLink reads the three types that lead somewhere: name is the title, text the
// digest.
func (f *form) readLink(code int32, m *event.Message) {
	var link event.Media
	switch code {
	case richCode:
		d := readData[richData](f)
		link = event.Media{Name: d.Name, URL: d.URL, Thumbnail: d.Portrait}
		m.Text = f.content
		f.keepData(m, "")
	case articlesCode:
		d := readData[articlesData](f)
		link = event.Media{Name: f.searchable, URL: d.Top.URL, Thumbnail: d.Top.Cover}
		m.Text = d.Top.Digest
		f.keepData(m, "")
	default:
		d := readData[linkData](f)
		link = event.Media{Name: f.searchable, URL: d.URL, Thumbnail: d.Thumbnail}
		m.Text = d.Digest
	}
	if link.URL == "" {
		link.URL = f.url
	}
	if m.Media = nil; link != (event.Media{}) {
		m.Media = &link
	}
}

// readOpaque takes what belongs to the application, or has no form that is
// documented, as it is. A tip's text stands in content.
func (f *form) readOpaque(code int32, m *event.Message) {
	text := f.content
	if code == tipCode && m.Text == "" {
		m.Text, text = f.content, ""
	}
	data, ok := f.data()
	if text != "" || ok && len(data) > 0 {
		m.Custom = &event.Payload{Data: text, Base64: data}
	}
}

// data is base64edData as bytes; false when it is not what Base64 says of them.
func (f *form) data() ([]byte, bool) {
	if f.base64 == "" {
		return nil, true
	}
	b, err := base64.StdEncoding.DecodeString(f.base64)
	if err != nil || base64.StdEncoding.EncodeToString(b) != f.base64 {
		return nil, false
	}
	return b, true
}

// readData reads base64edData as the JSON text that it is for some types; zero when
// it does not fit.
func readData[T any](f *form) (v T) {
	b, ok := f.data()
	if !ok || len(b) == 0 || dialect.Unmarshal(Name, "", b, &v) != nil {
		return *new(T)
	}
	return v
}

// keepData makes the whole of base64edData, where it is a text, the message's
// payload, beside the id of what the message is about.
func (f *form) keepData(m *event.Message, id string) {
	p := event.Payload{Name: id}
	if b, ok := f.data(); ok && utf8.Valid(b) {
		p.Data = string(b)
	}
	if p.Name != "" || p.Data != "" {
		m.Custom = &p
	}
}

// formOf is the inverse of read, in the form of the vendor's clients. own says
// that the message's payload is of our form.
func formOf(m *event.Message, code int32, own bool) form {
	f := form{searchable: m.Text}
	var p event.Payload
	if m.Custom != nil {
		p = *m.Custom
	}
	if m.Media != nil {
		f.url = m.Media.URL
	}
	switch m.Kind {
	case event.Text, event.Quote, "":
	case event.Image, event.Audio, event.Video:
		f.content = writeDetails(m)
	case event.Location:
		f.content = writeDetails(m)
		if l := m.Location; l != nil {
			f.searchable = first(l.Title, l.Address, m.Text)
		}
	case event.File:
		if m.Media != nil {
			f.content = strconv.FormatInt(m.Media.Size, 10)
			f.searchable = first(m.Media.Name, m.Text)
		}
	case event.Face:
		f.content = p.Data
		if m.Media != nil && (m.Media.Width != 0 || m.Media.Height != 0) {
			f.base64 = text64(&stickerSize{m.Media.Width, m.Media.Height})
		}
	case event.LinkCard:
		f.writeLink(m, code, &p, own)
	case event.Card:
		f.searchable, f.content = "", p.Name
		switch {
		case own && p.Data != "":
			f.base64 = base64.StdEncoding.EncodeToString([]byte(p.Data))
		case m.Text != "" || p.Data != "":
			card := cardData{DisplayName: m.Text}
			if !own {
				card.Origin = p.Data
			}
			f.base64 = text64(&card)
		}
	case event.Merged:
		f.content = m.Text
		switch {
		case own:
			f.base64 = base64.StdEncoding.EncodeToString([]byte(p.Data))
		default:
			f.base64 = text64(&mergedData{Messages: []jsontext.Value{}, Origin: p.Data})
		}
	default:
		f.writeOpaque(m, code, &p)
	}
	return f
}

func (f *form) writeLink(m *event.Message, code int32, p *event.Payload, own bool) {
	var link event.Media
	if m.Media != nil {
		link, f.searchable = *m.Media, m.Media.Name
	}
	if code == richCode {
		f.searchable, f.content = "", m.Text
	}
	f.url = ""
	kept := own && p.Data != ""
	switch {
	case code != linkCode && kept:
		f.base64 = base64.StdEncoding.EncodeToString([]byte(p.Data))
	case m.Media == nil && m.Text == "":
	case code == richCode:
		f.base64 = text64(&richData{Name: link.Name, URL: link.URL, Portrait: link.Thumbnail})
	case code == articlesCode:
		top := article{Title: link.Name, Digest: m.Text, URL: link.URL, Cover: link.Thumbnail}
		f.base64 = text64(&articlesData{Top: top, SubArticles: []article{}})
	default:
		f.base64 = text64(&linkData{Digest: m.Text, URL: link.URL, Thumbnail: link.Thumbnail})
	}
}

func (f *form) writeOpaque(m *event.Message, code int32, p *event.Payload) {
	f.content = p.Data
	if len(p.Base64) > 0 {
		f.base64 = base64.StdEncoding.EncodeToString(p.Base64)
	}
	if code != tipCode || m.Text == "" {
		return
	}
	// A tip is shown by its content; the data of others' notifications goes where
	// the vendor has room for data.
	f.searchable, f.content = "", m.Text
	if f.base64 == "" && p.Data != "" {
		f.base64 = base64.StdEncoding.EncodeToString([]byte(p.Data))
	}
}

// writeDetails is the inverse of readDetails.
func writeDetails(m *event.Message) string {
	var v any
	switch {
	case m.Kind == event.Location && m.Location != nil:
		v = struct {
			Lat  float64 `json:"lat"`
			Long float64 `json:"long"`
		}{m.Location.Latitude, m.Location.Longitude}
	case m.Media == nil:
	case m.Kind == event.Image && (m.Media.Width != 0 || m.Media.Height != 0):
		v = struct {
			Width  int `json:"w"`
			Height int `json:"h"`
		}{m.Media.Width, m.Media.Height}
	case m.Kind == event.Audio:
		v = struct {
			Duration float64 `json:"duration"`
		}{m.Media.Seconds}
	case m.Kind == event.Video:
		v = struct {
			Duration float64 `json:"duration"`
			Short    float64 `json:"d"` // what older clients read
		}{m.Media.Seconds, m.Media.Seconds}
	}
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "" // a number that JSON does not have, NaN
	}
	return string(b)
}

// text64 is v as a JSON text in Base64.
func text64(v any) string {
	b, err := dialect.Marshal(v)
	if err != nil { // numbers and texts always marshal
		return ""
	}
	return base64.StdEncoding.EncodeToString(b)
}

// first is the first that says something.
func first(of ...string) string {
	for _, s := range of {
		if s != "" {
			return s
		}
	}
	return ""
}
