package rongcloud_test

import (
	"encoding/json"
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
