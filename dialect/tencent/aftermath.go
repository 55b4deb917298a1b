package tencent

import (
	"cmp"
	"maps"
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// decodeC2CRead reads how far a user read a conversation.
func decodeC2CRead(in *input) (*event.Event, error) {
	o := &in.o
	user, peer := o.text("Report_Account"), o.text("Peer_Account")
	switch {
	case user == "":
		return nil, in.missing("Report_Account")
	case peer == "":
		return nil, in.missing("Peer_Account")
	}
	c := event.Direct(user, peer)
	ev := &event.Event{
		Type: event.MessageRead, Actor: actor(user), Conversation: &c, Lane: c.Lane(), Receipt: &event.Receipt{},
	}
	if n, ok := o.int("LastReadTime"); ok {
		if ev.Receipt.UpTo = fromSeconds(n); ev.Receipt.UpTo.IsZero() {
			o.putInt("LastReadTime", n)
		} else {
			ev.Dedupe = in.dedupe(user, peer, decimal(n))
		}
	}
	return ev, nil
}

func encodeC2CRead(out *output) error {
	ev := out.ev
	user := actorID(ev)
	if user == "" && len(ev.Members) == 1 {
		user = ev.Members[0].ID
	}
	if user == "" {
		return dialect.Untranslatable("it does not say who read")
	}
	peer, err := out.peer(user)
	if err != nil {
		return err
	}
	w := out.begin()
	w.text("Report_Account", user)
	w.text("Peer_Account", peer)
	if out.kept.peek("LastReadTime") == nil {
		upTo := ev.Time
		if ev.Receipt != nil && !ev.Receipt.UpTo.IsZero() {
			upTo = ev.Receipt.UpTo
		} else if out.own {
			upTo = ev.Receipt.UpTo
		}
		if !upTo.IsZero() {
			w.int("LastReadTime", upTo.Unix())
		}
	}
	if !out.own {
		w.int("UnreadMsgNum", 0)
	}
	out.post()
	return nil
}

// decodeC2CRecall: From_Account is the sender; who took it back is not said.
func decodeC2CRecall(in *input) (*event.Event, error) {
	o := &in.o
	from, to, key := o.text("From_Account"), o.text("To_Account"), o.text("MsgKey")
	switch {
	case from == "":
		return nil, in.missing("From_Account")
	case to == "":
		return nil, in.missing("To_Account")
	case key == "":
		return nil, in.missing("MsgKey")
	}
	c := event.Direct(from, to)
	return &event.Event{
		Type: event.MessageRecall, Conversation: &c, Lane: c.Lane(), Message: &event.Message{ID: key, Sender: from},
		Links: []string{"msg:" + key}, Dedupe: in.messageKey(key),
	}, nil
}

func encodeC2CRecall(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	from := firstOf(m.Sender, actorID(ev))
	to, err := out.peer(from)
	if err != nil {
		return err
	}
	w := out.begin()
	w.text("From_Account", from)
	w.text("To_Account", to)
	key := m.ID
	if !out.own {
		if m.ID == "" && m.ClientID == "" {
			return dialect.Untranslatable("it does not name the message")
		}
		key = derive(firstOf(m.ID, m.ClientID)).key
	}
	w.text("MsgKey", key)
	if !out.own {
		w.int("UnreadMsgNum", 0)
	}
	out.post()
	return nil
}

// extensionTypes are the types of OperateType 1, 2 and 3.
var extensionTypes = [...]event.Type{event.MessageExtensionSet, event.MessageExtensionDelete, event.MessageExtensionClear}

// extension takes what both extension commands have: what is done, and the
// key-values. Numbers of theirs stay with the list.
func (in *input) extension(ev *event.Event) bool {
	n, _ := in.o.int("OperateType")
	if n < 1 || int(n) > len(extensionTypes) {
		return false
	}
	ev.Type = extensionTypes[n-1]
	v := in.o.peek("ExtensionList")
	ev.Message.Extension = in.pairs("ExtensionList", "Key", "Value")
	if in.o.peek("ExtensionList") == nil && v != nil && len(ev.Message.Extension) == 0 {
		ev.Message.Extension = nil
	}
	return true
}

// pairs takes an array of objects with a key and a value, both texts. Where it
// holds more than that, it is left over too; where it is of another form it is left
// over and nil is returned.
func (in *input) pairs(name, key, value string) map[string]string {
	v := in.o.peek(name)
	if v == nil {
		in.o.drop(name)
		return nil
	}
	items, ok := dialect.Elements(v)
	if !ok {
		in.o.mismatch(name, v, "an array")
		return nil
	}
	all := make(map[string]string, len(items))
	more := false
	for _, item := range items {
		var o object
		if o.parse(item) != nil {
			return nil
		}
		k, kv := o.peek(key), o.peek(value)
		if k == nil || k[0] != '"' || kv != nil && kv[0] != '"' {
			return nil
		}
		name := o.string(key)
		if _, twice := all[name]; twice || name == "" {
			return nil
		}
		all[name] = o.string(value)
		for i := range o.fields {
			more = more || !o.fields[i].taken
		}
	}
	if !more {
		in.o.drop(name)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// pairs writes such an array, the keys in order, or the one that was kept because
// it says more of the same.
func (out *output) pairs(name, key, value string, all map[string]string) {
	if v := out.kept.peek(name); v != nil {
		in := input{o: object{fields: []field{{put: name, value: v}}}}
		same := in.pairs(name, key, value)
		if same == nil && in.o.peek(name) != nil && len(all) == 0 || maps.Equal(same, all) {
			out.kept.drop(name)
			out.w.raw(name, v)
			return
		}
		out.kept.drop(name)
	}
	out.w.begin(name)
	for _, k := range slices.SortedFunc(maps.Keys(all), cmp.Compare[string]) {
		out.w.item()
		out.w.text(key, k)
		out.w.text(value, all[k])
		out.w.endItem()
	}
	out.w.close()
}

func decodeC2CExtension(in *input) (*event.Event, error) {
	o := &in.o
	from, to, key := o.text("From_Account"), o.text("To_Account"), o.text("MsgKey")
	switch {
	case from == "":
		return nil, in.missing("From_Account")
	case to == "":
		return nil, in.missing("To_Account")
	case key == "":
		return nil, in.missing("MsgKey")
	}
	c := event.Direct(from, to)
	ev := &event.Event{
		Actor: actor(from), Conversation: &c, Lane: c.Lane(), Message: &event.Message{ID: key}, Links: []string{"msg:" + key},
	}
	operation, seq := string(o.peek("OperateType")), string(o.peek("Seq"))
	if !in.extension(ev) {
		return strange()
	}
	ev.Dedupe = in.messageKey(key, firstOf(seq, "-"), operation)
	return ev, nil
}

func decodeGroupExtension(in *input) (*event.Event, error) {
	o := &in.o
	c := new(event.Conversation)
	lane, ok := in.chat(c)
	if !ok {
		return nil, in.missing("GroupId")
	}
	m := &event.Message{Seq: o.digits("MsgSeq")}
	if m.Seq == "" {
		return nil, in.missing("MsgSeq")
	}
	m.ID = m.Seq
	seq := seqKey(c, m.Seq)
	ev := &event.Event{
		Actor: actor(o.text("From_Account")), Conversation: c, Lane: lane, Message: m, Links: []string{"seq:" + seq},
	}
	operation, number := string(o.peek("OperateType")), string(o.peek("Seq"))
	if !in.extension(ev) {
		return strange()
	}
	ev.Dedupe = in.messageKey(seq, firstOf(number, "-"), operation)
	return ev, nil
}

func encodeExtension(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	w := out.begin()
	if out.command.spec.Name == "C2C.CallbackAfterC2CMsgExtension" {
		from := firstOf(actorID(ev), m.Sender)
		to, err := out.peer(from)
		if err != nil {
			return err
		}
		w.text("From_Account", from)
		w.text("To_Account", to)
		key := m.ID
		if !out.own {
			key = derive(firstOf(m.ID, m.ClientID, ev.ID)).key
		}
		w.text("MsgKey", key)
	} else {
		if err := out.chatHead(); err != nil {
			return err
		}
		if out.own {
			w.textIf("From_Account", actorID(ev))
		}
		w.int("MsgSeq", identify(ev).seq)
	}
	w.int("OperateType", int64(slices.Index(extensionTypes[:], ev.Type)+1))
	out.pairs("ExtensionList", "Key", "Value", m.Extension)
	if out.kept.peek("Seq") == nil && !out.own {
		w.int("Seq", 0)
	}
	out.post()
	return nil
}

// decodeGroupRecall reads one message that was taken back; there may be several.
func decodeGroupRecall(in *input) (*event.Event, error) {
	o := &in.o
	c := new(event.Conversation)
	lane, ok := in.chat(c)
	if !ok {
		return nil, in.missing("GroupId")
	}
	m := &event.Message{Seq: in.item.digits("MsgSeq")}
	if m.Seq == "" {
		return in.missingItem("MsgSeq")
	}
	m.ID = firstOf(in.item.text("MsgId"), m.Seq)
	seq := seqKey(c, m.Seq)
	return &event.Event{
		Type: event.MessageRecall, Actor: actor(o.text("Operator_Account")), Conversation: c, Lane: lane, Message: m,
		Links: []string{"seq:" + seq}, Dedupe: in.messageKey(seq),
	}, nil
}

func encodeGroupRecall(out *output) error {
	m, err := out.message()
	if err != nil {
		return err
	}
	if !out.own && m.ID == "" && m.ClientID == "" && m.Seq == "" {
		return dialect.Untranslatable("it does not name the message")
	}
	kept := out.keptItem()
	w := out.begin()
	if err := out.chatHead(); err != nil {
		return err
	}
	out.operator("Operator_Account")
	w.begin("MsgSeqList")
	w.item()
	w.int("MsgSeq", identify(out.ev).seq)
	if m.ID != m.Seq {
		w.textIf("MsgId", m.ID)
	}
	w.keep(kept)
	w.endItem()
	w.close()
	out.post()
	return nil
}

// decodeGroupRead reads the receipt of one message: who read it since the last one,
// and how many have.
func decodeGroupRead(in *input) (*event.Event, error) {
	c := new(event.Conversation)
	lane, ok := in.chat(c)
	if !ok {
		return nil, in.missing("GroupId")
	}
	seq := in.item.digits("MsgSeq")
	if seq == "" {
		return in.missingItem("MsgSeq")
	}
	r := &event.Receipt{Messages: []string{seq}, Seqs: []string{seq}}
	if n, ok := in.item.int("ReadNum"); ok {
		r.Read = int(n)
	}
	if n, ok := in.item.int("UnreadNum"); ok {
		r.Unread = int(n)
	}
	readers := in.accounts(&in.item, "ReadReceiptMembers", "Member_Account")
	key := seqKey(c, seq)
	ev := &event.Event{
		Type: event.MessageRead, Conversation: c, Lane: lane, Receipt: r, Members: members(readers),
		Message: &event.Message{ID: seq, Seq: seq}, Links: []string{"seq:" + key},
	}
	if len(readers) == 1 {
		ev.Actor = actor(readers[0])
	}
	if len(readers) > 0 {
		ev.Dedupe = in.messageKey(key, joined(readers))
	}
	return ev, nil
}

func encodeGroupRead(out *output) error {
	ev := out.ev
	readers := out.concerned()
	r := event.Receipt{}
	if ev.Receipt != nil {
		r = *ev.Receipt
	}
	seqs := make([]int64, 0, 1)
	for _, s := range r.Seqs {
		if n, ok := number32(s); ok {
			seqs = append(seqs, n)
		}
	}
	if len(seqs) == 0 {
		for _, id := range r.Messages {
			seqs = append(seqs, derive(id).seq)
		}
	}
	if len(seqs) == 0 && ev.Message != nil && (ev.Message.ID != "" || ev.Message.Seq != "") {
		seqs = append(seqs, identify(ev).seq)
	}
	if len(seqs) == 0 {
		return dialect.Untranslatable("in a group Tencent reports which messages were read, and it says only up to when")
	}
	if len(readers) == 0 && !out.own {
		return dialect.Untranslatable("it does not say who read")
	}
	if r.Read == 0 && !out.own {
		r.Read = len(readers)
	}
	kept := out.keptItem()
	w := out.begin()
	if err := out.chatHead(); err != nil {
		return err
	}
	w.begin("GroupMsgReceiptList")
	for _, seq := range seqs {
		w.item()
		w.int("MsgSeq", seq)
		w.int("ReadNum", int64(r.Read))
		w.int("UnreadNum", int64(r.Unread))
		sub := output{own: out.own, kept: *kept, w: *w}
		sub.accounts("ReadReceiptMembers", "Member_Account", readers)
		*w = sub.w
		w.keep(&sub.kept)
		w.endItem()
	}
	w.close()
	out.post()
	return nil
}

// decodeAccountRecall reads one message that an official account took back.
func decodeAccountRecall(in *input) (*event.Event, error) {
	id := in.o.text("Official_Account")
	if id == "" {
		return nil, in.missing("Official_Account")
	}
	key := in.item.text("MsgKey")
	if key == "" {
		return in.missingItem("MsgKey")
	}
	c, lane := placed(event.KindChannel, id)
	return &event.Event{
		Type: event.MessageRecall, Conversation: &c, Lane: lane, Message: &event.Message{ID: key},
		Links: []string{"msg:" + key}, Dedupe: in.messageKey(key),
	}, nil
}

func encodeAccountRecall(out *output) error {
	m, err := out.message()
	if err != nil {
		return err
	}
	id := channelID(out.ev)
	if id == "" {
		return dialect.Untranslatable("it names no channel")
	}
	key := m.ID
	if !out.own {
		if m.ID == "" && m.ClientID == "" {
			return dialect.Untranslatable("it does not name the message")
		}
		key = derive(firstOf(m.ID, m.ClientID)).key
	}
	kept := out.keptItem()
	w := out.begin()
	w.text("Official_Account", id)
	w.begin("WithdrawMsgList")
	w.item()
	w.text("MsgKey", key)
	w.keep(kept)
	w.endItem()
	w.close()
	out.post()
	return nil
}
