package easemob

// json is the report as a body, or as what an event keeps of it.
func (g *groupOp) json(rest bool) ([]byte, error) {
	size := 384
	if rest {
		size = 160
	}
	w := writer{b: make([]byte, 0, size), rest: rest}
	w.open()
	w.text("callId", g.CallID, true)
	w.number("timestamp", g.Timestamp, true)
	w.text("event", g.Event, true)
	w.text("operation", g.Operation, true)
	w.text("type", g.Type, true)
	w.text("id", g.ID, true)
	w.text("operator", g.Operator, true)
	if g.Payload != nil {
		w.key("payload")
		g.Payload.append(&w)
		w.b = append(w.b, ',')
	}
	w.number("member_count", int64(g.MemberCount), false)
	w.text("security", g.Security, true)
	w.text("appkey", g.AppKey, true)
	w.unknown(g.Unknown)
	w.close('}')
	return w.b, w.err
}

func (p *groupPayload) append(w *writer) {
	w.open()
	w.text("type", p.Type, false)
	if p.Role != nil {
		w.marshal("role", p.Role)
	}
	w.texts("member", p.Member)
	w.texts("admin", p.Admin)
	if p.Info != nil {
		w.marshal("info", p.Info)
	}
	w.text("owner", p.Owner, false)
	w.text("new_owner", p.NewOwner, false)
	if p.Announcement != nil {
		w.marshal("announcement", p.Announcement)
	}
	if p.Disable != nil {
		w.marshal("disable", p.Disable)
	}
	if p.Mute != nil {
		w.marshal("mute", p.Mute)
	}
	w.number("expire_timestamp", p.Expire, false)
	w.texts("share_file", p.ShareFile)
	if p.Options != nil {
		w.marshal("options", p.Options)
	}
	w.unknown(p.Unknown)
	w.close('}')
}
