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

// BenchmarkGroupOp reads and writes a report of the newer family, whose body is read
// twice: once to tell what it is.
func BenchmarkGroupOp(b *testing.B) {
	text := []byte(`{"callId":"acme#shop_6ba7b810-9dad-11d1-80b4-00c04fd430c8","timestamp":1795200000123,"event":"group_op_event","operation":"LEAVE",` +
		`"type":"GROUP","id":"190000000000021","operator":"ann","payload":{"type":"KICK","member":["dora","emil"]},"security":"0","appkey":"acme#shop"}`)
	b.Run("imhook", func(b *testing.B) {
		d := easemob.New()
		req := dialect.Request{ContentType: "application/json", Body: text}
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
		type payload struct {
			Type   string            `json:"type,omitempty"`
			Role   map[string]string `json:"role,omitempty"`
			Member []string          `json:"member,omitempty"`
			Admin  []string          `json:"admin,omitempty"`
			Info   map[string]string `json:"info,omitempty"`
			Expire int64             `json:"expire_timestamp,omitempty"`
			Files  []string          `json:"share_file,omitempty"`
		}
		type wire struct {
			CallID    string   `json:"callId"`
			Timestamp int64    `json:"timestamp"`
			Event     string   `json:"event"`
			Operation string   `json:"operation"`
			Type      string   `json:"type"`
			ID        string   `json:"id"`
			Operator  string   `json:"operator"`
			Payload   *payload `json:"payload,omitempty"`
			Security  string   `json:"security"`
			AppKey    string   `json:"appkey"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var w wire
			if err := json.Unmarshal(text, &w); err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(&w); err != nil {
				b.Fatal(err)
			}
		}
	})
}
