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

// template is one WildfireChat message as an HTTP request, with the offsets of
// what changes.
type template struct {
	request []byte
	id      int
	time    int
	group   int
	lane    int
	seq     int
}

// newTemplate builds the request for a body of about size bytes.
func newTemplate(addr, path string, size int) *template {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	// The mark's form is the fake's; its numbers are widened.
	mark := strings.Replace(strings.Replace(imfake.Mark{Lane: 1, Seq: 2}.String(), "1", zeros(laneDigits), 1), "2", zeros(seqDigits), 1)
	body := `{"messageId":` + zeros(idDigits) + `,"sender":"u-1001","conv":{"type":1,"target":"g` + zeros(laneDigits) + `","line":0},` +
		`"payload":{"type":1,"searchableContent":"` + mark + `PAD","pushContent":"","pushData":"","content":"","mediaType":0,` +
		`"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},` +
		`"toUsers":[],"timestamp":` + zeros(timeDigits) + `}`
	body = strings.Replace(body, "PAD", strings.Repeat("a", max(0, size-len(body)+len("PAD"))), 1)
	t := &template{request: fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", path, addr, len(body), body)}
	after := func(prefix string) int { return bytes.Index(t.request, []byte(prefix)) + len(prefix) }
	t.id = after(`"messageId":`)
	t.time = after(`"timestamp":`)
	t.group = after(`"target":"g`)
	t.lane = after(mark[:strings.Index(mark, "0")])
	t.seq = t.lane + laneDigits + 1
	return t
}

// clone returns a template that can be patched on its own.
func (t *template) clone() *template {
	c := *t
	c.request = bytes.Clone(t.request)
	return &c
}

// patch makes it the message at a place of a lane.
func (t *template) patch(id uint64, lane uint32, seq uint64, millis int64) []byte {
	// A number must not begin with 0 in JSON.
	put(t.request[t.id:t.id+idDigits], 100_000_000_000_000_000+id)
	put(t.request[t.time:t.time+timeDigits], uint64(millis))
	put(t.request[t.group:t.group+laneDigits], uint64(lane))
	put(t.request[t.lane:t.lane+laneDigits], uint64(lane))
	put(t.request[t.seq:t.seq+seqDigits], seq)
	return t.request
}

// put writes n with leading zeros.
func put(b []byte, n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}
