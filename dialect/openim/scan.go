package openim

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scan reads a body that is written as the server writes messages, which are by far
// the most frequent events: its strings share one piece of memory. It is false for
// anything else, a key that it does not know, a value of another type, text that is
// no UTF-8; what those mean is for the general reader to say.
func (w *message) scan(body []byte) bool {
	if !utf8.Valid(body) || !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		return false
	}
	// From here on it is JSON, so that only its shape is in doubt.
	s := scanner{text: string(body), scratch: w.scratch}
	defer func() { w.scratch = s.scratch[:0] }()
	if !s.is('{') {
		return false
	}
	for more := !s.is('}'); more; more = s.is(',') {
		name, ok := s.string()
		if !ok || !s.is(':') {
			return false
		}
		if !w.set(&s, name) {
			return false
		}
	}
	return true
}

// set reads the value of a key.
func (w *message) set(s *scanner, name string) (ok bool) {
	switch name {
	case "sendID":
		w.SendID, ok = s.string()
	case "callbackCommand":
		w.CallbackCommand, ok = s.string()
	case "serverMsgID":
		w.ServerMsgID, ok = s.string()
	case "clientMsgID":
		w.ClientMsgID, ok = s.string()
	case "operationID":
		w.OperationID, ok = s.string()
	case "senderPlatformID":
		ok = small(s, &w.SenderPlatformID)
	case "senderNickname":
		w.SenderNickname, ok = s.string()
	case "sessionType":
		ok = small(s, &w.SessionType)
	case "msgFrom":
		ok = small(s, &w.MsgFrom)
	case "contentType":
		ok = small(s, &w.ContentType)
	case "status":
		ok = small(s, &w.Status)
	case "sendTime":
		w.SendTime, ok = s.number(64)
	case "createTime":
		w.CreateTime, ok = s.number(64)
	case "content":
		w.Content, ok = s.string()
	case "seq":
		w.Seq, ok = s.number(64)
	case "atUserList":
		w.AtUserList, ok = s.strings()
	case "faceURL":
		w.FaceURL, ok = s.string()
	case "ex":
		w.Ex, ok = s.string()
	case "recvID":
		w.RecvID, ok = s.string()
	case "groupID":
		w.GroupID, ok = s.string()
	}
	return ok
}

func small(s *scanner, dst *int32) bool {
	n, ok := s.number(32)
	*dst = int32(n)
	return ok
}

// scanner walks through text that is known to be JSON.
type scanner struct {
	text    string
	at      int
	scratch []byte
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// is steps over c when it is next.
func (s *scanner) is(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// string reads a string; its memory is the text's unless it holds an escape.
func (s *scanner) string() (string, bool) {
	if !s.is('"') {
		return "", false
	}
	begin := s.at
	for escaped := false; ; {
		n := strings.IndexByte(s.text[s.at:], '"')
		if n < 0 {
			return "", false
		}
		if k := strings.IndexByte(s.text[s.at:s.at+n], '\\'); k >= 0 {
			escaped, s.at = true, s.at+k+2
			continue
		}
		s.at += n + 1
		if !escaped {
			return s.text[begin : s.at-1], true
		}
		plain, err := jsontext.AppendUnquote(s.scratch[:0], s.text[begin-1:s.at])
		s.scratch = plain
		return string(plain), err == nil
	}
}

// strings reads an array of strings, or null.
func (s *scanner) strings() (list []string, ok bool) {
	if s.space(); strings.HasPrefix(s.text[s.at:], "null") {
		s.at += len("null")
		return nil, true
	}
	if !s.is('[') {
		return nil, false
	}
	for more := !s.is(']'); more; more = s.is(',') {
		one, ok := s.string()
		if !ok {
			return nil, false
		}
		list = append(list, one)
	}
	return list, len(list) == 0 || s.is(']')
}

// number reads a whole number of that many bits.
func (s *scanner) number(bits int) (int64, bool) {
	s.space()
	begin := s.at
	for s.at < len(s.text) && strings.IndexByte("+-.0123456789eE", s.text[s.at]) >= 0 {
		s.at++
	}
	n, err := strconv.ParseInt(s.text[begin:s.at], 10, bits)
	return n, err == nil
}
