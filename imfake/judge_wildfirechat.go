package imfake

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wildfirechatPayload is MessagePayload: what an answer leaves out is empty then, for
// the payload is put in place of the message's as a whole.
type wildfirechatPayload struct {
	Type              int32    `json:"type"`
	SearchableContent string   `json:"searchableContent"`
	PushContent       string   `json:"pushContent"`
	PushData          string   `json:"pushData"`
	Content           string   `json:"content"`
	Base64            string   `json:"base64edData"`
	MediaType         int32    `json:"mediaType"`
	RemoteMediaURL    string   `json:"remoteMediaUrl"`
	PersistFlag       int32    `json:"persistFlag"`
	ExpireDuration    int64    `json:"expireDuration"`
	MentionedType     int32    `json:"mentionedType"`
	MentionedTarget   []string `json:"mentionedTarget"`
	Extra             string   `json:"extra"`
}

// wildfirechat is the remote censor: 403 refuses, 200 with a payload replaces, anything
// else lets the message through. The body is looked at when OkHttp knows its length,
// which it does not of one that is chunked or compressed.
func (b *bench) wildfirechat() {
	switch b.answer.Status {
	case 403:
		b.refuse(0, "")
		return
	case 200:
	default:
		b.failed("status %d is neither 200 nor 403", b.answer.Status)
		return
	}
	length, err := strconv.Atoi(b.answer.Header.Get("Content-Length"))
	if err != nil || b.answer.Header.Get("Content-Encoding") != "" {
		b.failed("the length of the answer is not known")
		return
	}
	if length == 0 {
		return
	}
	var now wildfirechatPayload
	if err := json.Unmarshal(b.answer.Body, &now); err != nil || now.Type <= 0 {
		b.failed("the answer is no payload (%v, type %d)", err, now.Type)
		return
	}
	proposed := object(object(b.Request.Body)["payload"])
	if proposed == nil {
		b.failed("there was no payload to replace")
		return
	}
	text, err := json.Marshal(&now)
	if err != nil {
		b.failed("%v", err)
		return
	}
	if proposed["persistFlag"] == nil {
		// An older server does not say it: the message is stored like any other.
		proposed["persistFlag"] = jsontext.Value("3")
	}
	for field, value := range object(text) {
		was := proposed[field]
		if zero(was) && zero(value) {
			continue
		}
		b.set(field, was, value)
	}
}

// zero reports whether a value is as good as none.
func zero(v jsontext.Value) bool {
	switch string(v) {
	case "", "null", `""`, "0", "[]", "false":
		return true
	}
	return false
}
