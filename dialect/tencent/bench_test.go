package tencent_test

import (
	"encoding/json"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
)

// benchMessage is a group message as the vendor's server sends it.
const benchMessage = `{"CallbackCommand":"Group.CallbackAfterSendMsg","GroupId":"@TGS#2J4SZEAEL","Type":"Public","From_Account":"mira_holm_77",` +
	`"Operator_Account":"mira_holm_77","Random":123456,"MsgSeq":901,"MsgTime":1795200000,"OnlineOnlyFlag":0,` +
	`"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"the boats are back, who locks the shed tonight?"}}],` +
	`"CloudCustomData":"","EventTime":1795200000123}`

// BenchmarkMessage reads and writes one message: through the canonical form here,
// and as a struct of the same keys with encoding/json.
func BenchmarkMessage(b *testing.B) {
	body := []byte(benchMessage)
	b.Run("imhook", func(b *testing.B) {
		d := tencent.New()
		req := dialect.Request{
			Query:       "SdkAppid=1400555123&CallbackCommand=Group.CallbackAfterSendMsg&contenttype=json&ClientIP=203.0.113.7&OptPlatform=iOS",
			ContentType: "application/json", Body: body,
		}
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
		type element struct {
			MsgType    string          `json:"MsgType"`
			MsgContent json.RawMessage `json:"MsgContent"`
		}
		type message struct {
			CallbackCommand string    `json:"CallbackCommand"`
			GroupID         string    `json:"GroupId"`
			Type            string    `json:"Type"`
			From            string    `json:"From_Account"`
			Operator        string    `json:"Operator_Account"`
			Random          int64     `json:"Random"`
			MsgSeq          int64     `json:"MsgSeq"`
			MsgTime         int64     `json:"MsgTime"`
			OnlineOnlyFlag  int       `json:"OnlineOnlyFlag"`
			MsgBody         []element `json:"MsgBody"`
			CloudCustomData string    `json:"CloudCustomData"`
			EventTime       int64     `json:"EventTime"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var w message
			if err := json.Unmarshal(body, &w); err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(&w); err != nil {
				b.Fatal(err)
			}
		}
	})
}
