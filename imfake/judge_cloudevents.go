package imfake

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// cloudevents is an IM server of our own form: what it reads is the answer's whole
// vocabulary, and nothing else.
func (b *bench) cloudevents() {
	if !is2xx(b.answer) {
		b.failed("status %d is no success", b.answer.Status)
		return
	}
	if len(bytes.TrimSpace(b.answer.Body)) == 0 {
		return
	}
	var v struct {
		Verdict string                    `json:"verdict"`
		Code    int                       `json:"code"`
		Reason  string                    `json:"reason"`
		Rewrite map[string]jsontext.Value `json:"rewrite"`
		Refused []struct {
			ID     string `json:"id"`
			Code   int    `json:"code"`
			Reason string `json:"reason"`
		} `json:"refused"`
	}
	if err := json.Unmarshal(b.answer.Body, &v, json.RejectUnknownMembers(true)); err != nil {
		b.failed("the answer is not of the form: %v", err)
		return
	}
	data := object(object(b.Request.Body)["data"])
	switch v.Verdict {
	case "deny":
		b.refuse(v.Code, v.Reason)
		return
	case "drop":
		b.dropped = true
		return
	case "rewrite":
		for body, now := range v.Rewrite {
			b.set(body, data[body], now)
		}
	case "allow":
	default:
		b.failed("verdict %q is none", v.Verdict)
		return
	}
	for _, r := range v.Refused {
		b.without(event.Refusal{ID: r.ID, Code: r.Code, Reason: r.Reason})
	}
	b.everybody(len(texts(data["members"], "id")))
}
