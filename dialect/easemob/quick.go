package easemob

import "github.com/imhook/imhook/dialect/internal/scan"

// scanner reads the bodies that come most often, whose keys and types are those of
// the vendor's examples: see [scan.Reader]. It works on one copy of the body, which
// all texts share.
type scanner struct{ *scan.Reader }

// quickMessage reads a message into m, which is zero; false, and m as it was, when
// the general reader is needed.
func quickMessage(text string, m *message) bool {
	r := scan.Over(text)
	s := scanner{&r}
	s.message(m)
	if s.Whole() {
		return true
	}
	*m = message{}
	return false
}

// quickGroupOp is quickMessage for the newer reports about groups and chatrooms.
func quickGroupOp(text string, w *groupOp) bool {
	r := scan.Over(text)
	s := scanner{&r}
	s.groupOp(w)
	if s.Whole() {
		return true
	}
	*w = groupOp{}
	return false
}

func (s scanner) message(m *message) {
	var seen scan.Names
	for key := s.Open(); key != ""; key = s.Next() {
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
			seen.Add(s.Reader, 0)
			m.Timestamp = s.Number()
			continue
		case "payload":
			seen.Add(s.Reader, 1)
			s.payload(&m.Payload)
			continue
		}
		s.String(to)
	}
}

func (s scanner) payload(p *payload) {
	var seen scan.Names
	for key := s.Open(); key != ""; key = s.Next() {
		var to *string
		switch key {
		case "from":
			to = &p.From
		case "to":
			to = &p.To
		case "type":
			to = &p.Type
		case "ext":
			seen.Add(s.Reader, 0)
			if p.Ext = s.Object(); string(p.Ext) == "{}" {
				p.Ext = emptyObject
			}
			continue
		case "bodies":
			seen.Add(s.Reader, 1)
			s.bodies(p)
			continue
		}
		s.String(to)
	}
}

// bodies reads the only element that nearly all messages have.
func (s scanner) bodies(p *payload) {
	if !s.Begin() {
		return
	}
	p.Bodies = make([]body, 1)
	b := &p.Bodies[0]
	for key := s.Open(); key != ""; key = s.Next() {
		var to *string
		switch key {
		case "msg":
			to = &b.Msg
		case "type":
			to = &b.Type
		case "action":
			to = &b.Action
		}
		s.String(to)
	}
	s.End()
}

func (s scanner) groupOp(w *groupOp) {
	var seen scan.Names
	for key := s.Open(); key != ""; key = s.Next() {
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
			seen.Add(s.Reader, 0)
			w.Timestamp = s.Number()
			continue
		case "payload":
			seen.Add(s.Reader, 1)
			w.Payload = new(groupPayload)
			s.groupPayload(w.Payload)
			continue
		}
		s.String(to)
	}
}

// groupPayload reads who is concerned; profiles and what is said once in a while
// are left to the general reader.
func (s scanner) groupPayload(p *groupPayload) {
	var seen scan.Names
	for key := s.Open(); key != ""; key = s.Next() {
		var to *string
		switch key {
		case "type":
			to = &p.Type
		case "member":
			seen.Add(s.Reader, 0)
			p.Member = s.Strings()
			continue
		case "admin":
			seen.Add(s.Reader, 1)
			p.Admin = s.Strings()
			continue
		case "expire_timestamp":
			seen.Add(s.Reader, 2)
			p.Expire = s.Number()
			continue
		}
		s.String(to)
	}
}
