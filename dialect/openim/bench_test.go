package openim

import (
	"encoding/json"
	"testing"

	"github.com/imhook/imhook/dialect"
)

// benchMessage is a group message as v3.8 sends it.
const benchMessage = `{"sendID":"5021884410","callbackCommand":"callbackAfterSendGroupMsgCommand","serverMsgID":"9c1f0be1a37e4b6f8b6d0a55d2a41f10",` +
	`"clientMsgID":"4be01f7735a84bd7b7f6f2a96ec1d3aa","operationID":"1795163400123456","senderPlatformID":2,"senderNickname":"Nora Lind",` +
	`"sessionType":3,"msgFrom":100,"contentType":101,"status":1,"sendTime":1795163400123,"createTime":1795163399871,` +
	`"content":"{\"content\":\"the boats are back, who locks the shed tonight?\"}","seq":0,"atUserList":["5077120093"],` +
	`"faceURL":"https://cdn.example.com/nora.png","ex":"","groupID":"2843019957"}`

// benchWire is the same body for encoding/json.
type benchWire struct {
	SendID           string   `json:"sendID"`
	CallbackCommand  string   `json:"callbackCommand"`
	ServerMsgID      string   `json:"serverMsgID"`
	ClientMsgID      string   `json:"clientMsgID"`
	OperationID      string   `json:"operationID"`
	SenderPlatformID int32    `json:"senderPlatformID"`
	SenderNickname   string   `json:"senderNickname"`
	SessionType      int32    `json:"sessionType"`
	MsgFrom          int32    `json:"msgFrom"`
	ContentType      int32    `json:"contentType"`
	Status           int32    `json:"status"`
	SendTime         int64    `json:"sendTime"`
	CreateTime       int64    `json:"createTime"`
	Content          string   `json:"content"`
	Seq              uint32   `json:"seq"`
	AtUserList       []string `json:"atUserList"`
	FaceURL          string   `json:"faceURL"`
	Ex               string   `json:"ex"`
	GroupID          string   `json:"groupID"`
}

// BenchmarkMessage reads and writes one message: through the canonical form here,
// and the same struct with encoding/json, with the JSON text that is its content,
// which a receiver must read as well, and without.
func BenchmarkMessage(b *testing.B) {
	b.Run("imhook", func(b *testing.B) {
		d := New()
		req := dialect.Request{Path: "/callbackAfterSendGroupMsgCommand", ContentType: jsonType, Body: []byte(benchMessage)}
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
	b.Run("encoding-json", func(b *testing.B) { benchStandard(b, false) })
	b.Run("encoding-json-content", func(b *testing.B) { benchStandard(b, true) })
}

func benchStandard(b *testing.B, content bool) {
	b.Helper()
	body := []byte(benchMessage)
	b.ReportAllocs()
	for b.Loop() {
		var w benchWire
		if err := json.Unmarshal(body, &w); err != nil {
			b.Fatal(err)
		}
		if content {
			var e textElem
			if err := json.Unmarshal([]byte(w.Content), &e); err != nil {
				b.Fatal(err)
			}
			text, err := json.Marshal(&e)
			if err != nil {
				b.Fatal(err)
			}
			w.Content = string(text)
		}
		if _, err := json.Marshal(&w); err != nil {
			b.Fatal(err)
		}
	}
}
