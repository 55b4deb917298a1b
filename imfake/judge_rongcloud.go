package imfake

import (
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// nexconn is RongCloud's generation of that name.
const nexconn = "nexconn"

type rongcloudAnswer struct {
	Pass         *int    `json:"pass"`
	Extra        string  `json:"extra"`
	Content      *string `json:"replaceContent"`
	PushContent  *string `json:"replacePushContent"`
	DisablePush  *bool   `json:"replaceDisablePush"`
	PushExt      *string `json:"replacePushExt"`
	ExtraContent *string `json:"replaceExtraContent"`
}

// rongcloud reads pass and, where it is not 0, what replaces the message's fields.
func (b *bench) rongcloud() {
	var a rongcloudAnswer
	if b.answer.Status != 200 {
		b.failed("status %d is not 200", b.answer.Status)
		return
	}
	if err := json.Unmarshal(b.answer.Body, &a); err != nil {
		b.failed("the answer is not of the form: %v", err)
		return
	}
	asked := b.rongcloudAsked()
	switch {
	case a.Pass == nil || *a.Pass < 0 || *a.Pass > 2:
		b.failed("pass is not 0, 1 or 2")
	case len(a.Extra) > 1024:
		b.failed("extra is longer than 1024")
	case *a.Pass == 0:
		b.refuse(0, a.Extra)
	case a.Content != nil && len(asked["msgType"]) > 3 && asked["msgType"][:3] == "RC:" && object([]byte(*a.Content)) == nil:
		b.failed("replaceContent is not the JSON of a message")
	default:
		for field, now := range map[string]*string{
			"content": a.Content, "pushContent": a.PushContent, "pushExt": a.PushExt, "extraContent": a.ExtraContent,
		} {
			if now != nil {
				b.set(field, jsonOrText(asked[field]), jsonOrText(*now))
			}
		}
		if a.DisablePush != nil {
			b.set("disablePush", asked["disablePush"] == "true", *a.DisablePush)
		}
	}
}

// rongcloudAsked are the fields of the request: a form, or the one element of
// Nexconn's envelope.
func (b *bench) rongcloudAsked() map[string]string {
	fields := map[string]string{}
	if envelope := object(b.Request.Body); envelope != nil {
		var data []map[string]jsontext.Value
		if json.Unmarshal(envelope["data"], &data) == nil && len(data) == 1 {
			for name, v := range data[0] {
				fields[name] = say(v)
			}
		}
		fields["msgType"] = fields["messageType"]
		return fields
	}
	form, _ := url.ParseQuery(string(b.Request.Body))
	for name, v := range form {
		fields[name] = v[0]
	}
	return fields
}

// jsonOrText makes texts of the same JSON equal.
func jsonOrText(s string) any {
	if object([]byte(s)) != nil {
		return jsontext.Value(s)
	}
	return s
}
