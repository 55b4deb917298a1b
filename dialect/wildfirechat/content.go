package wildfirechat

import (
	"strconv"

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

// The payload types whose content has a form of its own among those of its kind.
const (
	linkCode     = 8
	richCode     = 12
	articlesCode = 13
	tipCode      = 90
)

// contents are the kinds of the payload types (ProtoConstants, and the pages on
// predefined contents: 14 and 15 are a text while it is made and when it is
// whole). Of several types of one kind the first is the one that is written.
var contents = [...]struct {
	code int32
	kind event.ContentKind
}{
	{1, event.Text},
	{9, event.Text},
	{14, event.Text},
	{15, event.Text},
	{2, event.Audio},
	{3, event.Image},
	{4, event.Location},
	{5, event.File},
	{6, event.Video},
	{7, event.Face},
	{linkCode, event.LinkCard},
	{richCode, event.LinkCard},
	{articlesCode, event.LinkCard},
	{10, event.Card},
	{11, event.Merged},
	{80, event.RecallMarker},
	{81, event.RecallMarker},
	{tipCode, event.Notification},
	{71, event.Notification}, // a subscriber looks at a channel,
	{72, event.Notification}, // and no longer does
	{92, event.Notification},
	{93, event.Notification},
	{94, event.Notification}, // a computer asks to be logged in
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
		if own || m.Kind != event.UnknownKind {
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

// isMedia reports whether a kind always has a media body.
func isMedia(k event.ContentKind) bool { return usualMedia(k) != 0 }
