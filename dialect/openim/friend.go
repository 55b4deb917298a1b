package openim

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// friendRequest is CallbackBefore/AfterAddFriendReq; the after one has no ex.
type friendRequest struct {
	CallbackCommand string  `json:"callbackCommand"`
	FromUserID      string  `json:"fromUserID"`
	ToUserID        string  `json:"toUserID"`
	ReqMsg          string  `json:"reqMsg"`
	Ex              *string `json:"ex,omitzero"`
	rest
}

func decodeFriendRequest(in *input) (*event.Event, error) {
	var w friendRequest
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("fromUserID", w.FromUserID, "toUserID", w.ToUserID); err != nil {
		return nil, err
	}
	ev := relation(in, w.FromUserID, w.ToUserID)
	ev.Friend.Text, ev.Friend.Extra = w.ReqMsg, or(w.Ex, "")
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

// relation is an event about one user and another.
func relation(in *input, from, to string) *event.Event {
	return &event.Event{
		Type: in.only(), Lane: event.Direct(from, to).Lane(), Actor: actor(from), Members: one(to),
		Friend: &event.Friend{},
	}
}

// sides are the user who acted and the others, of an event about a relation.
func (out *output) sides() (from string, to []event.Member, err error) {
	from = actorID(out.ev)
	if out.ev.Friend != nil && (from == "" || out.ev.Actor.System) {
		// What the server did, it did on the list's owner's behalf.
		from = firstOf(out.ev.Friend.Owner, from)
	}
	if from == "" {
		return "", nil, dialect.Untranslatable("it does not say who acted")
	}
	if len(out.ev.Members) == 0 {
		return "", nil, dialect.Untranslatable("it names no other user")
	}
	for _, m := range out.ev.Members {
		if m.ID == "" {
			return "", nil, dialect.Untranslatable("it names no other user")
		}
	}
	return from, out.ev.Members, nil
}

// toEach posts what write makes for each of the others.
func (out *output) toEach(write func(from, to string, f *event.Friend, more rest) any) error {
	var kept rest
	if err := out.kept(&kept); err != nil {
		return err
	}
	from, to, err := out.sides()
	if err != nil {
		return err
	}
	f := out.ev.Friend
	if f == nil {
		f = &event.Friend{}
	}
	for _, m := range to {
		if err := out.post(write(from, m.ID, f, kept)); err != nil {
			return err
		}
	}
	return nil
}

func encodeFriendRequest(out *output) error {
	return out.toEach(func(from, to string, f *event.Friend, more rest) any {
		w := &friendRequest{CallbackCommand: out.said(more.CallbackCommand), FromUserID: from, ToUserID: to, ReqMsg: f.Text, rest: more}
		if out.phase == event.Before || out.own && f.Extra != "" {
			w.Ex = &f.Extra
		}
		return w
	})
}

// The results of answering a request.
const (
	accepted = 1
	declined = -1
)

// friendAnswer is CallbackBefore/AfterAddFriendAgreeReq. BlackUserID is who
// answers, whatever it is called, and FromUserID who had asked.
type friendAnswer struct {
	CallbackCommand string `json:"callbackCommand"`
	FromUserID      string `json:"fromUserID"`
	BlackUserID     string `json:"blackUserID"`
	HandleResult    int32  `json:"HandleResult"`
	HandleMsg       string `json:"HandleMsg"`
	rest
}

func decodeFriendAnswer(in *input) (*event.Event, error) {
	var w friendAnswer
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("fromUserID", w.FromUserID, "blackUserID", w.BlackUserID); err != nil {
		return nil, err
	}
	ev := relation(in, w.BlackUserID, w.FromUserID)
	ev.Friend.Text = w.HandleMsg
	switch {
	case w.HandleResult == accepted && in.phase == event.Before:
		ev.Friend.Action = "accept"
	case w.HandleResult == declined && in.phase == event.Before:
		ev.Friend.Action = "decline"
	case w.HandleResult == accepted:
		ev.Type = event.FriendAccept
	case w.HandleResult == declined:
		ev.Type = event.FriendDecline
	case in.phase == event.After:
		return in.unknown(ev.Lane), nil
	default:
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.name, Field: "HandleResult", Err: errUnknownValue}
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeFriendAnswer(out *output) error {
	result := int32(accepted)
	if out.ev.Type == event.FriendDecline || out.ev.Friend != nil && out.ev.Friend.Action == "decline" {
		result = declined
	}
	if result == declined && out.phase == event.Before && !out.own {
		return dialect.Untranslatable("OpenIM asks before somebody accepts, not before somebody declines")
	}
	return out.toEach(func(from, to string, f *event.Friend, more rest) any {
		return &friendAnswer{out.said(more.CallbackCommand), to, from, result, f.Text, more}
	})
}

// friendRemoval is CallbackAfterDeleteFriendReq.
type friendRemoval struct {
	CallbackCommand string `json:"callbackCommand"`
	OwnerUserID     string `json:"ownerUserID"`
	FriendUserID    string `json:"friendUserID"`
	rest
}

func decodeFriendRemoval(in *input) (*event.Event, error) {
	var w friendRemoval
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("ownerUserID", w.OwnerUserID, "friendUserID", w.FriendUserID); err != nil {
		return nil, err
	}
	ev := relation(in, w.OwnerUserID, w.FriendUserID)
	ev.Friend.Owner = w.OwnerUserID
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeFriendRemoval(out *output) error {
	return out.toEach(func(from, to string, f *event.Friend, more rest) any {
		return &friendRemoval{out.said(more.CallbackCommand), firstOf(f.Owner, from), to, more}
	})
}

// friendRemark is CallbackBefore/AfterSetFriendRemarkReq.
type friendRemark struct {
	CallbackCommand string `json:"callbackCommand"`
	OwnerUserID     string `json:"ownerUserID"`
	FriendUserID    string `json:"friendUserID"`
	Remark          string `json:"remark"`
	rest
}

func decodeFriendRemark(in *input) (*event.Event, error) {
	var w friendRemark
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("ownerUserID", w.OwnerUserID, "friendUserID", w.FriendUserID); err != nil {
		return nil, err
	}
	ev := relation(in, w.OwnerUserID, w.FriendUserID)
	ev.Friend.Owner, ev.Friend.Alias = w.OwnerUserID, w.Remark
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeFriendRemark(out *output) error {
	return out.toEach(func(from, to string, f *event.Friend, more rest) any {
		return &friendRemark{out.said(more.CallbackCommand), firstOf(f.Owner, from), to, f.Alias, more}
	})
}

// black is CallbackBeforeAddBlackReq and CallbackAfterRemoveBlackReq. Here
// BlackUserID is whom it says.
type black struct {
	CallbackCommand string `json:"callbackCommand"`
	OwnerUserID     string `json:"ownerUserID"`
	BlackUserID     string `json:"blackUserID"`
	rest
}

func decodeBlack(in *input) (*event.Event, error) {
	var w black
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("ownerUserID", w.OwnerUserID, "blackUserID", w.BlackUserID); err != nil {
		return nil, err
	}
	ev := relation(in, w.OwnerUserID, w.BlackUserID)
	ev.Friend.Owner = w.OwnerUserID
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeBlack(out *output) error {
	return out.toEach(func(from, to string, f *event.Friend, more rest) any {
		return &black{out.said(more.CallbackCommand), firstOf(f.Owner, from), to, more}
	})
}

// friendImport is CallbackBefore/AfterImportFriendsReq: an administrator makes
// friends of one user and others.
type friendImport struct {
	CallbackCommand string   `json:"callbackCommand"`
	OwnerUserID     string   `json:"ownerUserID"`
	FriendUserIDs   []string `json:"friendUserIDs"`
	rest
}

// decodeImport reads one question about all of them.
func decodeImport(in *input) (*event.Event, error) {
	var w friendImport
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.OwnerUserID == "" {
		return nil, in.missing("ownerUserID")
	}
	ev := &event.Event{
		Type: in.only(), Lane: userLane(w.OwnerUserID), Members: members(w.FriendUserIDs),
		Friend: &event.Friend{Owner: w.OwnerUserID},
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

// splitImport reads one event for each pair, so that each is in order with what
// else happens between the two.
func splitImport(in *input) ([]*event.Event, error) {
	var w struct {
		CallbackCommand string           `json:"callbackCommand"`
		OwnerUserID     string           `json:"ownerUserID"`
		FriendUserIDs   []jsontext.Value `json:"friendUserIDs"`
		rest
	}
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.OwnerUserID == "" {
		return nil, in.missing("ownerUserID")
	}
	if len(w.FriendUserIDs) == 0 {
		return nil, in.missing("friendUserIDs")
	}
	if err := in.splits("friendUserIDs", w.FriendUserIDs); err != nil {
		return nil, err
	}
	kept := w.rest
	kept.CallbackCommand = in.other(w.CallbackCommand)
	all := w.FriendUserIDs
	evs := make([]*event.Event, len(all))
	for i, v := range all {
		body := in.body
		if len(all) > 1 {
			var err error
			w.FriendUserIDs = []jsontext.Value{v}
			if body, err = marshal(&w); err != nil {
				return nil, &dialect.DecodeError{Dialect: Name, Command: in.name, Field: "friendUserIDs", Err: err}
			}
		}
		ev := in.unknown(userLane(w.OwnerUserID))
		if friend := text(v); friend != "" {
			ev = &event.Event{
				Type: in.only(), Lane: event.Direct(w.OwnerUserID, friend).Lane(), Members: one(friend),
				Friend: &event.Friend{Owner: w.OwnerUserID},
			}
			var err error
			if ev, err = vendor(in, ev, &kept); err != nil {
				return nil, err
			}
		}
		in.complete(ev, body)
		evs[i] = ev
	}
	return evs, nil
}

func encodeImport(out *output) error {
	ev := out.ev
	var w friendImport
	if err := out.kept(&w.rest); err != nil {
		return err
	}
	if ev.Friend != nil {
		w.OwnerUserID = ev.Friend.Owner
	}
	if w.OwnerUserID = firstOf(w.OwnerUserID, actorID(ev)); w.OwnerUserID == "" {
		return dialect.Untranslatable("it does not say whose friends they are")
	}
	if w.FriendUserIDs = memberIDs(ev.Members); w.FriendUserIDs == nil && !out.own {
		return dialect.Untranslatable("it names no other user")
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	return out.post(&w)
}
