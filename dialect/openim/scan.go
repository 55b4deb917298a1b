package openim

import "github.com/imhook/imhook/dialect/internal/scan"

// scan reads a body that is written as the server writes messages, which are by far
// the most frequent events: its strings share one piece of memory. It is false for
// anything else, which the general reader must read.
func (w *message) scan(body []byte) bool {
	r := scan.Over(string(body))
	r.Scratch = w.scratch
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		var to *string
		switch key {
		case "sendID":
			to = &w.SendID
		case "callbackCommand":
			to = &w.CallbackCommand
		case "serverMsgID":
			to = &w.ServerMsgID
		case "clientMsgID":
			to = &w.ClientMsgID
		case "operationID":
			to = &w.OperationID
		case "senderNickname":
			to = &w.SenderNickname
		case "content":
			to = &w.Content
		case "faceURL":
			to = &w.FaceURL
		case "ex":
			to = &w.Ex
		case "recvID":
			to = &w.RecvID
		case "groupID":
			to = &w.GroupID
		case "senderPlatformID":
			seen.Add(&r, 0)
			w.SenderPlatformID = r.Small()
			continue
		case "sessionType":
			seen.Add(&r, 1)
			w.SessionType = r.Small()
			continue
		case "msgFrom":
			seen.Add(&r, 2)
			w.MsgFrom = r.Small()
			continue
		case "contentType":
			seen.Add(&r, 3)
			w.ContentType = r.Small()
			continue
		case "status":
			seen.Add(&r, 4)
			w.Status = r.Small()
			continue
		case "sendTime":
			seen.Add(&r, 5)
			w.SendTime = r.Number()
			continue
		case "createTime":
			seen.Add(&r, 6)
			w.CreateTime = r.Number()
			continue
		case "seq":
			seen.Add(&r, 7)
			w.Seq = r.Number()
			continue
		case "atUserList":
			seen.Add(&r, 8)
			if !r.Null() {
				w.AtUserList = r.Strings()
			}
			continue
		}
		r.String(to)
	}
	w.scratch = r.Scratch[:0]
	return r.Whole()
}

// scan reads an answer that is nothing but codes; false for any other.
func (c *codes) scan(body []byte) bool {
	r := scan.Over(string(body))
	var seen scan.Names
	for key := r.Open(); key != ""; key = r.Next() {
		var to *int32
		switch key {
		case "actionCode":
			seen.Add(&r, 0)
			to = &c.ActionCode
		case "errCode":
			seen.Add(&r, 1)
			to = &c.ErrCode
		case "nextCode":
			seen.Add(&r, 2)
			to = &c.NextCode
		case "errMsg":
			r.String(&c.ErrMsg)
			continue
		case "errDlt":
			r.String(&c.ErrDlt)
			continue
		default:
			return false
		}
		*to = r.Small()
	}
	return r.Whole()
}
