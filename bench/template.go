package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/imhook/imhook/imfake"
)

// The places in a request that change from message to message have a fixed
// width, so that they are overwritten where they stand.
const (
	idDigits   = 18
	timeDigits = 13
	laneDigits = 9
	seqDigits  = 12
)

// The words by which a hook knows what to say, one of them in every question.
const (
	harmless = "harmless"
	offends  = "offensiv"
)

// template is a request with the places in it that change: those of one message,
// or of each message of a batch.
type template struct {
	request []byte
	slots   []slot
	// allowed is the answer to a message, denied to one that offends.
	allowed, denied expected
}

// slot says where a message has what changes.
type slot struct {
	ids    []int
	times  []int
	groups []int
	words  []int
	lane   int
	seq    int
}

// message is what is put there.
type message struct {
	id     uint64
	lane   uint32
	seq    uint64
	millis int64
	// offends is true for one that a hook denies.
	offends bool
}

func zeros(n int) string { return strings.Repeat("0", n) }

// mark is where an [imfake.Mark] goes, in the fake's form with its numbers widened.
func mark() string {
	m := strings.Replace(imfake.Mark{Lane: 1, Seq: 2}.String(), "1", zeros(laneDigits), 1)
	return strings.Replace(m, "2", zeros(seqDigits), 1)
}

// newSingle builds the request of one WildfireChat message with a body of about
// size bytes.
func newSingle(addr, path string, size int) *template {
	return newTemplate(addr, path, jsonType, pad(wildfireMessage(mark()), size))
}

const jsonType = "application/json; charset=utf-8"

// wildfireMessage is a WildfireChat message with this text, which goes on.
func wildfireMessage(text string) string {
	return `{"messageId":` + zeros(idDigits) + `,"sender":"u-1001","conv":{"type":1,"target":"g` + zeros(laneDigits) + `","line":0},` +
		`"payload":{"type":1,"searchableContent":"` + text + `PAD","pushContent":"","pushData":"","content":"","mediaType":0,` +
		`"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},` +
		`"toUsers":[],"timestamp":` + zeros(timeDigits) + `}`
}

// openimMessage is the question of an OpenIM server before a message to one user,
// with this text, which goes on.
func openimMessage(text string) string {
	return `{"sendID":"5021884410","callbackCommand":"callbackBeforeSendSingleMsgCommand","serverMsgID":"` + zeros(idDigits) +
		`","clientMsgID":"` + zeros(idDigits) + `","operationID":"` + zeros(idDigits) + `","senderPlatformID":2,"senderNickname":"Nora Lind",` +
		`"sessionType":1,"msgFrom":100,"contentType":101,"status":1,"sendTime":` + zeros(timeDigits) + `,"createTime":` + zeros(timeDigits) +
		`,"content":"{\"content\":\"` + text + `PAD\"}","seq":0,"atUserList":null,` +
		`"faceURL":"https://cdn.example.com/nora.png","ex":"","recvID":"u` + zeros(laneDigits) + `"}`
}

// newBatch builds the request of n CloudEvents of about size bytes each.
func newBatch(addr, path string, size, n int) *template {
	item := pad(`{"specversion":"1.0","id":"bench-`+zeros(idDigits)+`","source":"/apps/bench/sources/ce","type":"im.message.send",`+
		`"time":"2026-11-20T08:00:00.123Z","subject":"group:g`+zeros(laneDigits)+`","imphase":"after","datacontenttype":"application/json",`+
		`"data":{"actor":{"id":"u-1001"},"conversation":{"kind":"group","id":"g`+zeros(laneDigits)+`"},`+
		`"message":{"id":"`+zeros(idDigits)+`","kind":"text","text":"`+mark()+`PAD","mentions":{"all":false,"users":[]}}}}`, size)
	items := strings.Repeat(item+",", n)
	return newTemplate(addr, path, "application/cloudevents-batch+json", "["+items[:len(items)-1]+"]")
}

// pad replaces PAD by as much text as size takes.
func pad(body string, size int) string {
	return strings.Replace(body, "PAD", strings.Repeat("a", max(0, size-len(body)+len("PAD"))), 1)
}

// newTemplate finds the places of every message in a body.
func newTemplate(addr, path, contentType, body string) *template {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, addr, contentType, len(body))
	t := &template{request: []byte(head + body), allowed: anyOK, denied: anyOK}
	begin := len(head)
	for _, message := range messages(body) {
		var s slot
		find := func(prefix string) (places []int) {
			for at := 0; ; {
				i := strings.Index(message[at:], prefix)
				if i < 0 {
					return places
				}
				at += i + len(prefix)
				places = append(places, begin+at)
			}
		}
		for _, prefix := range []string{`"messageId":`, `"id":"bench-`, `"message":{"id":"`, `"serverMsgID":"`, `"clientMsgID":"`, `"operationID":"`} {
			s.ids = append(s.ids, find(prefix)...)
		}
		for _, prefix := range []string{`"target":"g`, `"subject":"group:g`, `"kind":"group","id":"g`, `"recvID":"u`} {
			s.groups = append(s.groups, find(prefix)...)
		}
		for _, prefix := range []string{`"timestamp":`, `"sendTime":`, `"createTime":`} {
			s.times = append(s.times, find(prefix)...)
		}
		for _, after := range find(harmless) {
			s.words = append(s.words, after-len(harmless))
		}
		s.lane = find(mark()[:strings.Index(mark(), "0")])[0]
		s.seq = s.lane + laneDigits + 1
		t.slots = append(t.slots, s)
		begin += len(message)
	}
	return t
}

// messages cuts a body into its messages, each with what stands between it and the
// next one.
func messages(body string) (all []string) {
	const end, next = "},", `{"specversion"`
	for {
		i := strings.Index(body, end+next)
		if i < 0 {
			return append(all, body)
		}
		all, body = append(all, body[:i+len(end)]), body[i+len(end):]
	}
}

// clone returns a template that can be patched on its own.
func (t *template) clone() *template {
	c := *t
	c.request = bytes.Clone(t.request)
	return &c
}

// patch makes the i-th message the one given.
func (t *template) patch(i int, m message) {
	s := &t.slots[i]
	for _, at := range s.ids {
		// A number must not begin with 0 in JSON.
		put(t.request[at:at+idDigits], 100_000_000_000_000_000+m.id)
	}
	for _, at := range s.times {
		put(t.request[at:at+timeDigits], uint64(m.millis))
	}
	for _, at := range s.groups {
		put(t.request[at:at+laneDigits], uint64(m.lane))
	}
	for _, at := range s.words {
		word := harmless
		if m.offends {
			word = offends
		}
		copy(t.request[at:], word)
	}
	put(t.request[s.lane:s.lane+laneDigits], uint64(m.lane))
	put(t.request[s.seq:s.seq+seqDigits], m.seq)
}

// put writes n with leading zeros.
func put(b []byte, n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}
