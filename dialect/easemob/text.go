package easemob

import (
	"math/rand/v2"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// subCombine marks a text body as a combined message.
const subCombine = "sub_combine"

// text is the body {"msg":"…","type":"txt"}. A combined message is one too, with
// the place of the file that holds its parts.
var text = content{
	wire:  "txt",
	line:  "a text or combined message",
	kinds: []event.ContentKind{event.Text, event.Merged, event.Quote},
	read: func(b *body, m *event.Message) {
		m.Kind, m.Text = event.Text, b.Msg
		b.Msg = ""
		if b.SubType != subCombine {
			return
		}
		m.Kind = event.Merged
		b.SubType = ""
		if b.URL != "" || b.Filename != "" || b.FileLength != 0 {
			m.Media = &event.Media{URL: b.URL, Name: b.Filename, Size: b.FileLength}
			b.URL, b.Filename, b.FileLength = "", "", 0
		}
	},
	write: func(m *event.Message, b *body, own bool) (word string, err error) {
		b.Msg = m.Text
		if m.Kind != event.Merged {
			return "text", nil
		}
		if !own && (m.Media == nil || m.Media.URL == "") {
			return "", dialect.Untranslatable("a combined message without the file that holds its parts")
		}
		b.SubType = subCombine
		if m.Media != nil {
			b.URL, b.Filename, b.FileLength = m.Media.URL, m.Media.Name, m.Media.Size
		}
		return "txt", nil
	},
	sample: func(r *rand.Rand) event.Message {
		return event.Message{Kind: event.Text, Text: sampleTexts[r.IntN(len(sampleTexts))]}
	},
}

var sampleTexts = [...]string{"see you at eight", "早上好", "on my way 🚲", "is the \"blue\" one still there?"}
