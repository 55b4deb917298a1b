package easemob

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads the JSON of the bodies that come most often, whose keys and types
// are those of the vendor's examples, in one pass. Whatever it meets besides, from a
// key that it does not know to one that is given twice, makes it give up: the
// general reader then reads the body from its beginning and is the one that judges
// it. So what it does read is what the general reader would have read. It works on
// one copy of the body, which all texts share.
type scanner struct {
	text string
	at   int
	// failed says that it gave up.
	failed bool
}

// quickMessage reads a message into m, which is zero; false, and m as it was, when
// the general reader is needed.
func quickMessage(text string, m *message) bool {
	s := scanner{text: text}
	s.message(m)
	if s.whole() {
		return true
	}
	*m = message{}
	return false
}

// quickGroupOp is quickMessage for the newer reports about groups and chatrooms.
func quickGroupOp(text string, w *groupOp) bool {
	s := scanner{text: text}
	s.groupOp(w)
	if s.whole() {
		return true
	}
	*w = groupOp{}
	return false
}

// whole reports whether all of the text was read.
func (s *scanner) whole() bool {
	s.space()
	return !s.failed && s.at == len(s.text)
}

func (s *scanner) message(m *message) {
	var seen names
	for key := s.open(); key != ""; key = s.next() {
		var to *string
		switch key {
		case "callId":
			to = &m.CallID
		case "eventType":
			to = &m.EventType
		case "chat_type":
			to = &m.ChatType
		case "group_id":
			to = &m.GroupID
		case "from":
			to = &m.From
		case "to":
			to = &m.To
		case "msg_id":
			to = &m.MsgID
		case "securityVersion":
			to = &m.SecurityVersion
		case "security":
			to = &m.Security
		case "appkey":
			to = &m.AppKey
		case "host":
			to = &m.Host
		case "content_type":
			to = &m.ContentType
		case "timestamp":
			seen.add(s, 0)
			m.Timestamp = s.number()
			continue
		case "payload":
			seen.add(s, 1)
			s.payload(&m.Payload)
			continue
		}
		s.string(to)
	}
}

func (s *scanner) payload(p *payload) {
	var seen names
	for key := s.open(); key != ""; key = s.next() {
		var to *string
		switch key {
		case "from":
			to = &p.From
		case "to":
			to = &p.To
		case "type":
			to = &p.Type
		case "ext":
			seen.add(s, 0)
			p.Ext = s.object()
			continue
		case "bodies":
			seen.add(s, 1)
			s.bodies(p)
			continue
		}
		s.string(to)
	}
}

// bodies reads the only element that nearly all messages have.
func (s *scanner) bodies(p *payload) {
	if !s.take('[') {
		return
	}
	p.Bodies = make([]body, 1)
	b := &p.Bodies[0]
	for key := s.open(); key != ""; key = s.next() {
		var to *string
		switch key {
		case "msg":
			to = &b.Msg
		case "type":
			to = &b.Type
		case "action":
			to = &b.Action
		}
		s.string(to)
	}
	s.take(']')
}

func (s *scanner) groupOp(w *groupOp) {
	var seen names
	for key := s.open(); key != ""; key = s.next() {
		var to *string
		switch key {
		case "callId":
			to = &w.CallID
		case "event":
			to = &w.Event
		case "operation":
			to = &w.Operation
		case "type":
			to = &w.Type
		case "id":
			to = &w.ID
		case "operator":
			to = &w.Operator
		case "security":
			to = &w.Security
		case "appkey":
			to = &w.AppKey
		case "timestamp":
			seen.add(s, 0)
			w.Timestamp = s.number()
			continue
		case "payload":
			seen.add(s, 1)
			w.Payload = new(groupPayload)
			s.groupPayload(w.Payload)
			continue
		}
		s.string(to)
	}
}

// groupPayload reads who is concerned; profiles and what is said once in a while
// are left to the general reader.
func (s *scanner) groupPayload(p *groupPayload) {
	var seen names
	for key := s.open(); key != ""; key = s.next() {
		var to *string
		switch key {
		case "type":
			to = &p.Type
		case "member":
			seen.add(s, 0)
			p.Member = s.strings()
			continue
		case "admin":
			seen.add(s, 1)
			p.Admin = s.strings()
			continue
		case "expire_timestamp":
			seen.add(s, 2)
			p.Expire = s.number()
			continue
		}
		s.string(to)
	}
}

// names are the keys of an object that are no texts and were met.
type names uint8

func (n *names) add(s *scanner, i int) {
	if bit := names(1) << i; *n&bit != 0 {
		s.failed = true
	} else {
		*n |= bit
	}
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

// take steps over one sign of punctuation.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.failed || s.at == len(s.text) || s.text[s.at] != c {
		s.failed = true
		return false
	}
	s.at++
	return true
}

// open begins an object and returns its first key; "" when there is none, or when
// it gave up.
func (s *scanner) open() string {
	if !s.take('{') {
		return ""
	}
	if s.space(); s.at < len(s.text) && s.text[s.at] == '}' {
		s.at++
		return ""
	}
	return s.key()
}

// next returns the key after a value; "" at the end of the object.
func (s *scanner) next() string {
	if s.space(); !s.failed && s.at < len(s.text) && s.text[s.at] == '}' {
		s.at++
		return ""
	}
	if !s.take(',') {
		return ""
	}
	return s.key()
}

func (s *scanner) key() string {
	if !s.take('"') {
		return ""
	}
	n := strings.IndexByte(s.text[s.at:], '"')
	if n <= 0 { // a key of no letters would read as the end
		s.failed = true
		return ""
	}
	key := s.text[s.at : s.at+n]
	s.at += n + 1
	if !s.take(':') {
		return ""
	}
	return key
}

// string reads a text into to, which is nil for a key that is not known, and empty
// unless the key is given twice. A second time after an empty text does no harm:
// the last one counts.
func (s *scanner) string(to *string) {
	if to == nil || *to != "" {
		s.failed = true
	}
	if !s.take('"') {
		return
	}
	begin := s.at
	ascii := true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			v := s.text[begin:s.at]
			s.at++
			if !ascii && !utf8.ValidString(v) {
				s.failed = true
			}
			*to = v
			return
		case c == '\\':
			s.escaped(begin-1, to)
			return
		case c < ' ':
			s.failed = true
			return
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.failed = true
}

// strings reads an array of texts.
func (s *scanner) strings() []string {
	if !s.take('[') {
		return nil
	}
	all := make([]string, 0, 4)
	if s.space(); s.at < len(s.text) && s.text[s.at] == ']' {
		s.at++
		return all
	}
	for {
		var one string
		s.string(&one)
		all = append(all, one)
		if s.space(); !s.failed && s.at < len(s.text) && s.text[s.at] == ']' {
			s.at++
			return all
		}
		if !s.take(',') {
			return nil
		}
	}
}

// escaped reads a text that begins at a quote and has a backslash where it stands.
func (s *scanner) escaped(begin int, to *string) {
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			v, err := jsontext.AppendUnquote(nil, s.text[begin:s.at])
			if *to = string(v); err != nil {
				s.failed = true
			}
			return
		}
	}
	s.failed = true
}

// number reads a whole number of a size that fits anyhow.
func (s *scanner) number() (n int64) {
	s.space()
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		n = n*10 + int64(s.text[s.at]-'0')
		s.at++
	}
	if digits := s.at - begin; digits == 0 || digits > 18 || (s.text[begin] == '0' && digits > 1) {
		s.failed = true
	}
	return n // what follows, a point or an exponent, is no punctuation
}

// object reads an object as it is written.
func (s *scanner) object() jsontext.Value {
	s.space()
	begin, depth := s.at, 0
	for quoted := false; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			s.at++
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 {
			break
		}
		if depth > 32 {
			s.failed = true
			return nil
		}
	}
	if s.at >= len(s.text) || s.text[begin] != '{' {
		s.failed = true
		return nil
	}
	s.at++
	if s.text[begin:s.at] == "{}" {
		return emptyObject
	}
	v := jsontext.Value(s.text[begin:s.at])
	if !v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		s.failed = true
	}
	return v
}
