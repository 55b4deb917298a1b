package easemob_test

import (
	"encoding/json"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
)

// BenchmarkDecodeEncode reads and writes one text, against the standard library
// that reads and writes the wire struct and makes no event of it.
func BenchmarkDecodeEncode(b *testing.B) {
	for _, bb := range []struct{ name, body string }{{"direct", directText}, {"group", groupText}} {
		body := []byte(bb.body)
		b.Run("imhook/"+bb.name, func(b *testing.B) {
			d := easemob.New()
			req := dialect.Request{ContentType: "application/json", Body: body}
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
		b.Run("encoding-json/"+bb.name, func(b *testing.B) {
			type element struct {
				Msg  string `json:"msg"`
				Type string `json:"type"`
			}
			type wire struct {
				CallID    string `json:"callId"`
				EventType string `json:"eventType"`
				Timestamp int64  `json:"timestamp"`
				ChatType  string `json:"chat_type"`
				GroupID   string `json:"group_id,omitempty"`
				From      string `json:"from"`
				To        string `json:"to"`
				MsgID     string `json:"msg_id"`
				Payload   struct {
					Ext    json.RawMessage `json:"ext"`
					Bodies []element       `json:"bodies"`
					From   string          `json:"from,omitempty"`
					To     string          `json:"to,omitempty"`
					Type   string          `json:"type,omitempty"`
				} `json:"payload"`
				SecurityVersion string `json:"securityVersion,omitempty"`
				Security        string `json:"security"`
				AppKey          string `json:"appkey,omitempty"`
				Host            string `json:"host,omitempty"`
				ContentType     string `json:"content_type,omitempty"`
			}
			b.ReportAllocs()
			for b.Loop() {
				var w wire
				if err := json.Unmarshal(body, &w); err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(&w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
