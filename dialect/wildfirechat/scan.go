package wildfirechat

import "github.com/imhook/imhook/dialect/internal/scan"

// scan reads a body that is written as the server writes messages, which are by far
// the most frequent events, into w, which was reset: its strings share one piece of
// memory. It is false for anything else, which the general reader must read.
func (w *outputMessage) scan(body []byte) bool {
	r := scan.Over(string(body))
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		switch key {
		case "messageId":
			seen.Add(&r, 0)
			w.MessageID = r.Number()
		case "sender":
			r.String(&w.Sender)
		case "conv":
			seen.Add(&r, 1)
			w.Conv.scan(&r)
		case "payload":
			seen.Add(&r, 2)
			w.Payload.scan(&r)
		case "toUsers":
			seen.Add(&r, 3)
			w.ToUsers = list(&r)
		case "timestamp":
			seen.Add(&r, 4)
			w.Timestamp = r.Number()
		case "client":
			seen.Add(&r, 5)
			w.Client = new(client)
			w.Client.scan(&r)
		case "toRobotId":
			r.String(&w.ToRobotID)
		default:
			r.GiveUp()
			return false
		}
	}
	return r.Whole()
}

func (c *conv) scan(r *scan.Reader) {
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		switch key {
		case "type":
			seen.Add(r, 0)
			c.Type = r.Small()
		case "target":
			r.String(&c.Target)
		case "line":
			seen.Add(r, 1)
			c.Line = r.Small()
		default:
			r.GiveUp()
			return
		}
	}
}

func (p *payload) scan(r *scan.Reader) {
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		var to *string
		switch key {
		case "searchableContent":
			to = &p.SearchableContent
		case "pushContent":
			to = &p.PushContent
		case "pushData":
			to = &p.PushData
		case "content":
			to = &p.Content
		case "base64edData":
			to = &p.Base64
		case "remoteMediaUrl":
			to = &p.RemoteMediaURL
		case "extra":
			to = &p.Extra
		case "type":
			seen.Add(r, 0)
			p.Type = r.Small()
			continue
		case "mediaType":
			seen.Add(r, 1)
			p.MediaType = r.Small()
			continue
		case "persistFlag":
			seen.Add(r, 2)
			p.PersistFlag = r.Small()
			continue
		case "expireDuration":
			seen.Add(r, 3)
			p.ExpireDuration = r.Number()
			continue
		case "mentionedType":
			seen.Add(r, 4)
			p.MentionedType = r.Small()
			continue
		case "mentionedTarget":
			seen.Add(r, 5)
			p.MentionedTarget = list(r)
			continue
		}
		r.String(to)
	}
}

func (c *client) scan(r *scan.Reader) {
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		switch key {
		case "platform":
			seen.Add(r, 0)
			c.Platform = r.Small()
		case "clientId":
			r.String(&c.ClientID)
		default:
			r.GiveUp()
			return
		}
	}
}

// list reads an array of texts, or null, which is another one than the empty one.
func list(r *scan.Reader) []string {
	if r.Null() {
		return nil
	}
	return r.Strings()
}
