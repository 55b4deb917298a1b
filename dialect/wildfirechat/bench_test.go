package wildfirechat

import (
	"encoding/json"
	"testing"

	"github.com/imhook/imhook/dialect"
)

// benchMessage is a group message as servers send it by default.
const benchMessage = `{"messageId":554879120433545217,"sender":"uMira0Holm77","conv":{"type":1,"target":"gRow1ngClub","line":0},` +
	`"payload":{"type":1,"searchableContent":"the boats are back, who locks the shed tonight?","pushContent":"","pushData":"",` +
	`"content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":1,` +
	`"mentionedTarget":["uTomas22Cox9"],"extra":""},"toUsers":[],"timestamp":1795163400123}`

// BenchmarkMessage reads and writes one message: through the canonical form here,
// and the same struct with encoding/json.
func BenchmarkMessage(b *testing.B) {
	b.Run("imhook", func(b *testing.B) {
		d := New()
		req := dialect.Request{Path: "/im_event/message", ContentType: jsonType, Body: []byte(benchMessage)}
		b.ReportAllocs()
		for b.Loop() {
			evs, err := d.Decode(&req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := d.Encode(evs[0], dialect.Target{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		body := []byte(benchMessage)
		b.ReportAllocs()
		for b.Loop() {
			var w outputMessage
			if err := json.Unmarshal(body, &w); err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(&w); err != nil {
				b.Fatal(err)
			}
		}
	})
}
