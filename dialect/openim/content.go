package openim

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The content types that the code names.
const (
	codeText   = 101
	codeAtText = 106
	codeCustom = 110
)

// contents are the kinds of the content types (protocol/constant; 115 stands in
// the clients' own list). Of several types of one kind the first is the one that is
// written. What is not here has no type of its own: link and call travel as
// custom, and say so in the extension.
var contents = [...]struct {
	code int32
	kind event.ContentKind
}{
	{codeText, event.Text},
	{codeAtText, event.Text},
	{117, event.Text},
	{118, event.Text},
	{102, event.Image},
	{103, event.Audio},
	{104, event.Video},
	{105, event.File},
	{107, event.Merged},
	{108, event.Card},
	{109, event.Location},
	{codeCustom, event.Custom},
	{200, event.Custom},
	{114, event.Quote},
	{115, event.Face},
	{120, event.CommandKind},
	{119, event.CommandKind},
	{1400, event.Notification},
	{203, event.Notification},
	{113, event.Typing},
	{111, event.RecallMarker},
	{2200, event.ReceiptMarker},
}

// contentKind is the kind of a content type.
func contentKind(code int32) event.ContentKind {
	for i := range contents {
		if contents[i].code == code {
			return contents[i].kind
		}
	}
	if code >= 1000 && code <= 5000 {
		return event.Notification
	}
	return event.UnknownKind
}

// codeWord is the code as events name it.
func codeWord(code int32) string {
	if code == codeText {
		return "101"
	}
	return strconv.Itoa(int(code))
}

// contentCode is the content type for a message. The code that the message brings
// counts only where it means the message's kind here: numbers of other vendors
// mean other things.
func contentCode(m *event.Message, own bool) int32 {
	if n, err := strconv.ParseInt(m.Code, 10, 32); own && err == nil && contentKind(int32(n)) == m.Kind {
		return int32(n)
	}
	if m.Kind == event.Text && m.Mentions != nil && (m.Mentions.All || len(m.Mentions.Users) > 0) {
		return codeAtText
	}
	for i := range contents {
		if contents[i].kind == m.Kind {
			return contents[i].code
		}
	}
	if m.Kind == "" && m.Text != "" {
		return codeText
	}
	return codeCustom
}

// The JSON texts that clients put into content (openim-sdk-core, sdk_struct). Keys
// that imhook does not know stay in the kept text.
type (
	textElem struct {
		Content string `json:"content"`
	}
	atElem struct {
		Text       string    `json:"text"`
		AtUserList []string  `json:"atUserList"`
		AtUsers    []atUser  `json:"atUsersInfo"`
		Quoted     *struct{} `json:"quoteMessage"`
		IsAtSelf   bool      `json:"isAtSelf"`
	}
	atUser struct {
		ID   string `json:"atUserID"`
		Name string `json:"groupNickname"`
	}
	quoteElem struct {
		Text     string         `json:"text"`
		Quoted   jsontext.Value `json:"quoteMessage"`
		Entities []struct{}     `json:"messageEntityList"`
	}
	pictureElem struct {
		Path     string  `json:"sourcePath"`
		Source   picture `json:"sourcePicture"`
		Big      picture `json:"bigPicture"`
		Snapshot picture `json:"snapshotPicture"`
	}
	picture struct {
		UUID   string `json:"uuid"`
		Type   string `json:"type"`
		Size   int64  `json:"size"`
		Width  int64  `json:"width"`
		Height int64  `json:"height"`
		URL    string `json:"url"`
	}
	soundElem struct {
		UUID     string `json:"uuid"`
		Path     string `json:"soundPath"`
		URL      string `json:"sourceUrl"`
		Size     int64  `json:"dataSize"`
		Duration number `json:"duration"`
		Type     string `json:"soundType"`
	}
	videoElem struct {
		Path           string `json:"videoPath"`
		UUID           string `json:"videoUUID"`
		URL            string `json:"videoUrl"`
		Type           string `json:"videoType"`
		Size           int64  `json:"videoSize"`
		Duration       number `json:"duration"`
		SnapshotPath   string `json:"snapshotPath"`
		SnapshotUUID   string `json:"snapshotUUID"`
		SnapshotSize   int64  `json:"snapshotSize"`
		SnapshotURL    string `json:"snapshotUrl"`
		SnapshotWidth  int64  `json:"snapshotWidth"`
		SnapshotHeight int64  `json:"snapshotHeight"`
		SnapshotType   string `json:"snapshotType"`
	}
	fileElem struct {
		Path string `json:"filePath"`
		UUID string `json:"uuid"`
		URL  string `json:"sourceUrl"`
		Name string `json:"fileName"`
		Size int64  `json:"fileSize"`
		Type string `json:"fileType"`
	}
	locationElem struct {
		Description string  `json:"description"`
		Longitude   float64 `json:"longitude"`
		Latitude    float64 `json:"latitude"`
	}
	customElem struct {
		Data        string `json:"data"`
		Description string `json:"description"`
		Extension   string `json:"extension"`
	}
	faceElem struct {
		Index int64  `json:"index"`
		Data  string `json:"data"`
	}
	cardElem struct {
		UserID   string `json:"userID"`
		Nickname string `json:"nickname"`
		FaceURL  string `json:"faceURL"`
		Ex       string `json:"ex"`
	}
	mergeElem struct {
		Title    string     `json:"title"`
		Abstract []string   `json:"abstractList"`
		Messages []struct{} `json:"multiMessage"`
		Entities []struct{} `json:"messageEntityList"`
	}
)

// number is how long something plays, in seconds, a whole number for the clients.
type number float64

const (
	textBegin = `{"content":`
	textEnd   = `}`
)

// readContent reads content of a type into m. It reports whether the canonical
// message gives the same text again; what it does not understand is the message's
// custom payload. Text is plain in v2, but for callers of the REST API, and a JSON
// text in v3.
func readContent(code int32, content string, plain bool, m *event.Message) (exact bool) {
	m.Code, m.Kind = codeWord(code), contentKind(code)
	if m.Kind == event.Text && plain {
		if code == codeText && (len(content) == 0 || content[0] != '{') {
			m.Text = content
			return true
		}
	}
	if code == codeText {
		var scratch [512]byte
		if len(content) > len(textBegin) && content[:len(textBegin)] == textBegin {
			// By far the most frequent: read it, and see whether it reads back.
			quoted := content[len(textBegin) : len(content)-len(textEnd)]
			if len(quoted) > 1 && isPlain(quoted[1:len(quoted)-1]) && quoted[0] == '"' && quoted[len(quoted)-1] == '"' {
				if !plain && content[len(content)-1] == '}' {
					m.Text = quoted[1 : len(quoted)-1]
					return true
				}
			} else if s, err := jsontext.AppendUnquote(nil, quoted); err == nil && !plain {
				again := append(dialect.AppendString(append(scratch[:0], textBegin...), string(s)), textEnd...)
				if string(again) == content {
					m.Text = string(s)
					return true
				}
			}
		}
	}
	if !readElem(code, content, m) {
		// No JSON text of the kind: what a test tool or another generation writes.
		if m.Kind == event.Text {
			m.Text = content
		} else {
			m.Custom = &event.Payload{Data: content}
		}
	}
	again, _, err := writeContent(m, true, plain, "")
	return err == nil && again == content
}

// isPlain reports whether a text is the same inside a JSON string.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// readElem reads the JSON text of a type; false when it is none.
func readElem(code int32, content string, m *event.Message) bool {
	read := func(v any) bool { return dialect.Unmarshal(Name, "content", []byte(content), v) == nil }
	switch m.Kind {
	case event.Text:
		if code == codeText || code == 118 {
			var e textElem
			ok := jsontext.Value(content).Kind() == '{' && read(&e)
			m.Text = e.Content
			return ok
		}
		var e struct {
			Text       string   `json:"text"`
			AtUserList []string `json:"atUserList"`
		}
		if jsontext.Value(content).Kind() != '{' || !read(&e) {
			return false
		}
		m.Text = e.Text
		if m.Mentions == nil {
			m.Mentions = mentions(e.AtUserList)
		}
	case event.Quote:
		var e struct {
			Text string `json:"text"`
		}
		if !read(&e) {
			return false
		}
		m.Text, m.Custom = e.Text, &event.Payload{Data: content}
	case event.Image:
		var e pictureElem
		if !read(&e) {
			return false
		}
		p := e.Source
		if p.URL == "" {
			p = e.Big
		}
		m.Media = &event.Media{URL: p.URL, Size: p.Size, Width: int(p.Width), Height: int(p.Height), MIME: p.Type, Thumbnail: e.Snapshot.URL}
	case event.Audio:
		var e soundElem
		if !read(&e) {
			return false
		}
		m.Media = &event.Media{URL: e.URL, Size: e.Size, Seconds: float64(e.Duration), MIME: e.Type}
	case event.Video:
		var e videoElem
		if !read(&e) {
			return false
		}
		m.Media = &event.Media{
			URL: e.URL, Size: e.Size, Seconds: float64(e.Duration), MIME: e.Type, Thumbnail: e.SnapshotURL,
			Width: int(e.SnapshotWidth), Height: int(e.SnapshotHeight),
		}
	case event.File:
		var e fileElem
		if !read(&e) {
			return false
		}
		m.Media = &event.Media{URL: e.URL, Name: e.Name, Size: e.Size, MIME: e.Type}
	case event.Location:
		var e locationElem
		if !read(&e) {
			return false
		}
		m.Location = &event.Place{Latitude: e.Latitude, Longitude: e.Longitude, Address: e.Description}
	case event.Custom, event.CommandKind:
		var e customElem
		if code == 200 || jsontext.Value(content).Kind() != '{' || !read(&e) {
			return false
		}
		m.Custom = &event.Payload{Name: e.Description, Data: e.Data}
	case event.Face:
		var e faceElem
		if !read(&e) {
			return false
		}
		m.Custom = &event.Payload{Name: strconv.FormatInt(e.Index, 10), Data: e.Data}
	case event.Card:
		var e cardElem
		if !read(&e) {
			return false
		}
		m.Text, m.Custom = e.Nickname, &event.Payload{Name: e.UserID, Data: content}
	case event.Merged:
		var e struct {
			Title string `json:"title"`
		}
		if !read(&e) {
			return false
		}
		m.Text, m.Custom = e.Title, &event.Payload{Data: content}
	default:
		return false
	}
	return true
}

// writeContent is the inverse: the text and its type. kept is the text that came
// in where that says more than the message.
func writeContent(m *event.Message, own, plain bool, kept string) (string, int32, error) {
	code := contentCode(m, own)
	if m.Kind == event.ReceiptMarker && !own {
		return "", 0, dialect.Untranslatable("a receipt is no message")
	}
	if kept != "" && own {
		return kept, code, nil
	}
	if plain && code == codeText {
		return m.Text, code, nil
	}
	if code == codeText || code == 118 {
		if isPlain(m.Text) {
			return textBegin + `"` + m.Text + `"` + textEnd, code, nil
		}
		return string(append(dialect.AppendString([]byte(textBegin), m.Text), textEnd...)), code, nil
	}
	v := elem(m, code, own)
	if s, ok := v.(string); ok {
		return s, code, nil
	}
	b, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true), json.FormatNilSliceAsNull(true))
	if err != nil {
		return "", 0, dialect.Untranslatable("writing content: %v", err) // a number that JSON does not have
	}
	return string(b), code, nil
}

// elem is the value of a content type's JSON text, or the text itself.
func elem(m *event.Message, code int32, own bool) any {
	media := event.Media{}
	if m.Media != nil {
		media = *m.Media
	}
	payload := event.Payload{}
	if m.Custom != nil {
		payload = *m.Custom
	}
	switch kind := contentKind(code); kind {
	case event.Text:
		e := atElem{Text: m.Text, AtUserList: writeMentions(m.Mentions)}
		for _, id := range e.AtUserList {
			e.AtUsers = append(e.AtUsers, atUser{ID: id, Name: id})
		}
		return &e
	case event.Image:
		p := picture{Type: media.MIME, Size: media.Size, Width: int64(media.Width), Height: int64(media.Height), URL: media.URL}
		return &pictureElem{Source: p, Big: p, Snapshot: picture{URL: firstOf(media.Thumbnail, media.URL)}}
	case event.Audio:
		return &soundElem{URL: media.URL, Size: media.Size, Duration: number(media.Seconds), Type: media.MIME}
	case event.Video:
		return &videoElem{
			URL: media.URL, Type: media.MIME, Size: media.Size, Duration: number(media.Seconds), SnapshotURL: media.Thumbnail,
			SnapshotWidth: int64(media.Width), SnapshotHeight: int64(media.Height),
		}
	case event.File:
		return &fileElem{URL: media.URL, Name: media.Name, Size: media.Size, Type: media.MIME}
	case event.Location:
		e := locationElem{}
		if m.Location != nil {
			e = locationElem{firstOf(m.Location.Address, m.Location.Title), m.Location.Longitude, m.Location.Latitude}
		}
		return &e
	case event.Face:
		n, _ := strconv.ParseInt(payload.Name, 10, 64)
		return &faceElem{n, firstOf(payload.Data, media.URL)}
	case event.Quote, event.Merged, event.Card, event.UnknownKind, event.Notification, event.Typing, event.RecallMarker, event.ReceiptMarker:
		if own {
			return payload.Data
		}
		switch kind {
		case event.Quote:
			return &quoteElem{Text: m.Text}
		case event.Merged:
			return &mergeElem{Title: m.Text}
		case event.Card:
			return &cardElem{UserID: payload.Name, Nickname: m.Text}
		case event.Notification:
			// The detail of a notification is JSON of the server's own: an
			// announcement of the official account (1400) has room for a text.
			return &struct {
				Name string `json:"notificationName"`
				Type int32  `json:"notificationType"`
				Text string `json:"text"`
				Ex   string `json:"ex"`
			}{Text: m.Text, Ex: payload.Data}
		}
	case event.Custom:
		if own && code == 200 {
			return payload.Data
		}
	}
	return custom(m, own)
}

// custom is the form of what has no type of its own: the data of the application,
// or what is known of it, with the kind in the extension.
func custom(m *event.Message, own bool) *customElem {
	e := &customElem{Description: m.Text}
	if m.Custom != nil {
		e.Data, e.Description = m.Custom.Data, m.Custom.Name
		if !own && e.Description == "" {
			e.Description = m.Text
		}
		if e.Data == "" && len(m.Custom.Base64) > 0 {
			b, _ := json.Marshal(m.Custom.Base64)
			e.Data, _ = strconv.Unquote(string(b))
		}
	}
	if own || m.Kind == event.Custom || m.Kind == event.CommandKind {
		return e
	}
	b, _ := json.Marshal(struct {
		Kind event.ContentKind `json:"imhookKind"`
		Code string            `json:"imhookCode,omitzero"`
	}{m.Kind, m.Code})
	e.Extension = string(b)
	if e.Data == "" && m.Media != nil {
		if b, err := json.Marshal(m.Media); err == nil && !math.IsNaN(m.Media.Seconds) {
			e.Data = string(b)
		}
	}
	return e
}
