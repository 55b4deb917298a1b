package rongcloud_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
)

// BenchmarkDecodeEncode reads and writes one item, against the standard library
// that reads and writes the wire struct and makes no event of it.
func BenchmarkDecodeEncode(b *testing.B) {
	body := []byte(`[{"chatRoomId":"lounge-7001","userIds":["ann-17"],"status":0,"type":1,"time":1795200000123}]`)

	b.Run("imhook", func(b *testing.B) {
		d := rongcloud.New()
		req := dialect.Request{Path: "/chatroom_status", ContentType: "application/json", Body: body}
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
		type item struct {
			ChatRoomID string   `json:"chatRoomId"`
			UserIDs    []string `json:"userIds"`
			Status     int      `json:"status"`
			Type       int      `json:"type"`
			Time       int64    `json:"time"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var items []item
			if err := json.Unmarshal(body, &items); err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(items); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMessage reads and writes one routed message, against the standard
// library that reads and writes the same fields and the content inside.
func BenchmarkMessage(b *testing.B) {
	body := []byte("fromUserId=ann-17&toUserId=rowers&objectName=RC%3ATxtMsg&content=%7B%22content%22%3A%22the+boats+are+back%22%2C%22extra%22%3A%22%22%7D" +
		"&channelType=GROUP&msgTimestamp=1795200000123&msgUID=BQJ5-7LMN-Q2CK-9VQT&sensitiveType=0&source=iOS")

	b.Run("imhook", func(b *testing.B) {
		d := rongcloud.New()
		req := dialect.Request{Path: "/message_sync", ContentType: "application/x-www-form-urlencoded", Body: body}
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
	b.Run("net-url", func(b *testing.B) {
		type content struct {
			Content string `json:"content"`
			Extra   string `json:"extra"`
		}
		b.ReportAllocs()
		for b.Loop() {
			values, err := url.ParseQuery(string(body))
			if err != nil {
				b.Fatal(err)
			}
			var c content
			if err := json.Unmarshal([]byte(values.Get("content")), &c); err != nil {
				b.Fatal(err)
			}
			text, err := json.Marshal(&c)
			if err != nil {
				b.Fatal(err)
			}
			values.Set("content", string(text))
			_ = values.Encode()
		}
	})
}
