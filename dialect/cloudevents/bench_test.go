package cloudevents_test

import (
	stdjson "encoding/json"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

// plain is the same form as a plain struct, for encoding/json.
type plain struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time,omitzero"`
	Subject     string    `json:"subject,omitzero"`
	Phase       string    `json:"imphase,omitzero"`
	Dialect     string    `json:"imdialect,omitzero"`
	Generation  string    `json:"imgeneration,omitzero"`
	Command     string    `json:"imcommand,omitzero"`
	Link        string    `json:"imlink,omitzero"`
	Echo        bool      `json:"imecho,omitzero"`
	Trace       string    `json:"traceparent,omitzero"`
	ContentType string    `json:"datacontenttype,omitzero"`
	Data        struct {
		Actor        *event.Actor        `json:"actor,omitzero"`
		Conversation *event.Conversation `json:"conversation,omitzero"`
		Message      *event.Message      `json:"message,omitzero"`
		User         *event.User         `json:"user,omitzero"`
		Friend       *event.Friend       `json:"friend,omitzero"`
		Group        *event.Group        `json:"group,omitzero"`
		Members      []event.Member      `json:"members,omitzero"`
		Vendor       stdjson.RawMessage  `json:"vendor,omitzero"`
	} `json:"data,omitzero"`
}

var benchBody = []byte(`{"specversion":"1.0","id":"01j9z0k8m3x5q7r2t4v6w8y0ab","source":"/apps/shop/sources/im","type":"im.message.send","time":"2026-11-20T08:00:00.123Z","subject":"group:g1","imphase":"after","imdialect":"cloudevents","imcommand":"message.send","imlink":"msg:334455667788990011","datacontenttype":"application/json","data":{"actor":{"id":"u1","platform":"ios"},"conversation":{"kind":"group","id":"g1"},"message":{"id":"334455667788990011","kind":"text","text":"see you at eight","mentions":{"all":false,"users":["u2","u3"]}}}}`)

func BenchmarkDecodeEncode(b *testing.B) {
	b.Run("dialect", func(b *testing.B) {
		d := cloudevents.New()
		req := &dialect.Request{ContentType: "application/cloudevents+json", Body: benchBody}
		b.ReportAllocs()
		for b.Loop() {
			evs, err := d.Decode(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := d.Encode(evs[0], dialect.Target{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p plain
			if err := stdjson.Unmarshal(benchBody, &p); err != nil {
				b.Fatal(err)
			}
			if _, err := stdjson.Marshal(&p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	d := cloudevents.New()
	req := &dialect.Request{ContentType: "application/cloudevents+json", Body: benchBody}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignVerify(b *testing.B) {
	d := cloudevents.New()
	cred := credentials(secret)
	b.ReportAllocs()
	for b.Loop() {
		req := &dialect.Request{Body: benchBody}
		if err := d.Sign(req, cred, "e-1", arrival); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Verify(req, cred, verification(arrival)); err != nil {
			b.Fatal(err)
		}
	}
}
