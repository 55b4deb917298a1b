package wildfirechat

import (
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The payload types that are written for kinds of other dialects. Types up to
// 1000 belong to the vendor.
const (
	customCode  = 1001
	commandCode = 1002
)

// The values of persistFlag.
const (
	notStored        = 0
	stored           = 1
	storedAndCounted = 3
	transparent      = 4
)

// contents are the kinds of the payload types. Of several types of one kind the
// first is the one that is written.
var contents = [...]struct {
	code int32
	kind event.ContentKind
}{
	{1, event.Text},
	{9, event.Text},
	{2, event.Audio},
	{3, event.Image},
	{4, event.Location},
	{5, event.File},
	{6, event.Video},
	{7, event.Face},
	{8, event.LinkCard},
	{12, event.LinkCard},
	{13, event.LinkCard},
	{10, event.Card},
	{11, event.Merged},
	{80, event.RecallMarker},
	{81, event.RecallMarker},
	{90, event.Notification},
	{92, event.Notification},
	{93, event.Notification},
	{91, event.Typing},
	{400, event.Call},
}

// contentKind is the kind of a payload type.
func contentKind(code int32) event.ContentKind {
	for i := range contents {
		if contents[i].code == code {
			return contents[i].kind
		}
	}
	switch {
	case code >= 104 && code <= 123:
		return event.Notification
	case code >= 400 && code <= 499:
		return event.Call
	case code > 1000:
		return event.Custom
	}
	return event.UnknownKind
}

// contentCode is the payload type for a message. The vendor code that the
// message brings counts only where it means the message's kind here: numbers of
// other vendors mean other things.
func contentCode(m *event.Message, own bool) (int32, error) {
	if n, err := strconv.ParseInt(m.Code, 10, 32); err == nil && contentKind(int32(n)) == m.Kind {
		if own || m.Kind != event.UnknownKind && m.Kind != event.Custom {
			return int32(n), nil
		}
	}
	for i := range contents {
		if contents[i].kind == m.Kind {
			return contents[i].code, nil
		}
	}
	switch m.Kind {
	case event.Quote:
		return 1, nil
	case event.CommandKind:
		return commandCode, nil
	case event.ReceiptMarker:
		return 0, dialect.Untranslatable("a receipt is no message")
	case "":
		if m.Text != "" {
			return 1, nil
		}
	}
	return customCode, nil
}

// kindPreserved reports whether a kind reads back as itself.
func kindPreserved(k event.ContentKind) bool {
	return k != event.Quote && k != event.CommandKind && k != event.UnknownKind
}

// usualMedia is the mediaType that goes with a kind.
func usualMedia(k event.ContentKind) int32 {
	switch k {
	case event.Image:
		return 1
	case event.Audio:
		return 2
	case event.Video:
		return 3
	case event.File:
		return 4
	case event.Face:
		return 7
	}
	return 0
}

// usualPersist is the persistFlag that goes with a kind.
func usualPersist(k event.ContentKind) int32 {
	switch k {
	case event.Notification, event.Call, event.RecallMarker:
		return stored
	case event.Typing, event.CommandKind:
		return transparent
	}
	return storedAndCounted
}

// opaque reports whether content and binary data of a kind are the
// application's or unknown to us, and travel as the message's custom payload.
func opaque(k event.ContentKind) bool {
	switch k {
	case event.Text, event.Quote, event.Image, event.Audio, event.Video, event.File, event.Location, event.Face:
		return false
	}
	return true
}

// isMedia reports whether a kind always has a media body.
func isMedia(k event.ContentKind) bool { return usualMedia(k) != 0 }

// details are the JSON texts that the vendor's clients put into content.
type details struct {
	Width    int      `json:"w"`
	Height   int      `json:"h"`
	Duration float64  `json:"duration"`
	Lat      *float64 `json:"lat"`
	Long     *float64 `json:"long"`
}

// readContent reads the content of a kind that is not opaque into m. What it does
// not understand leaves m as it is.
func readContent(content string, m *event.Message) {
	if content == "" {
		return
	}
	switch m.Kind {
	case event.File:
		if n, err := strconv.ParseInt(content, 10, 64); err == nil {
			m.Media.Size = n
		}
		return
	case event.Image, event.Audio, event.Video, event.Location:
	default:
		return
	}
	var d details
	if dialect.Unmarshal(Name, "", []byte(content), &d) != nil {
		return
	}
	switch m.Kind {
	case event.Image:
		m.Media.Width, m.Media.Height = d.Width, d.Height
	case event.Audio, event.Video:
		m.Media.Seconds = d.Duration
	case event.Location:
		if d.Lat != nil && d.Long != nil {
			m.Location = &event.Place{Latitude: *d.Lat, Longitude: *d.Long}
		}
	}
}

// writeContent is the inverse of readContent, in the form of the vendor's
// clients.
func writeContent(m *event.Message) string {
	var v any
	switch m.Kind {
	case event.File:
		if m.Media != nil {
			return strconv.FormatInt(m.Media.Size, 10)
		}
	case event.Image:
		if m.Media != nil && (m.Media.Width != 0 || m.Media.Height != 0) {
			v = struct {
				Width  int `json:"w"`
				Height int `json:"h"`
			}{m.Media.Width, m.Media.Height}
		}
	case event.Audio:
		if m.Media != nil {
			v = struct {
				Duration float64 `json:"duration"`
			}{m.Media.Seconds}
		}
	case event.Video:
		if m.Media != nil {
			v = struct {
				Duration float64 `json:"duration"`
				Short    float64 `json:"d"`
			}{m.Media.Seconds, m.Media.Seconds}
		}
	case event.Location:
		if m.Location != nil {
			v = struct {
				Lat  float64 `json:"lat"`
				Long float64 `json:"long"`
			}{m.Location.Latitude, m.Location.Longitude}
		}
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
