package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The kinds of a relation.
const (
	relationFriend = 0
	relationAlias  = 1
	relationBlock  = 2
	relationExtra  = 3
)

// relation is RelationUpdateEvent. TargetID is a user, whatever the documents
// call it; a friendship is reported once for both.
type relation struct {
	UserID   string `json:"userId"`
	TargetID string `json:"targetId"`
	Type     *int32 `json:"type"`
	Value    string `json:"value"`
	relationRest
}

type relationRest struct {
	Unknown jsontext.Value `json:",embed"`
}

func decodeRelation(in input) (*event.Event, error) {
	var w relation
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.UserID == "":
		return nil, in.missing("userId")
	case w.TargetID == "":
		return nil, in.missing("targetId")
	case w.Type == nil:
		return nil, in.missing("type")
	}
	ev := &event.Event{
		Lane: event.Direct(w.UserID, w.TargetID).Lane(), Actor: actor(w.UserID),
		Members: members([]string{w.TargetID}), Friend: &event.Friend{Owner: w.UserID},
	}
	if *w.Type == relationExtra {
		ev.Generation = current
	}
	switch t := *w.Type; {
	case t == relationFriend && w.Value == "1":
		ev.Type = event.FriendAdd
	case t == relationFriend && w.Value == "0":
		ev.Type = event.FriendRemove
	case t == relationAlias:
		ev.Type, ev.Friend.Alias = event.FriendRename, w.Value
	case t == relationBlock && w.Value == "1":
		ev.Type = event.BlockAdd
	case t == relationBlock && w.Value == "0":
		ev.Type = event.BlockRemove
	case t == relationExtra:
		ev.Type, ev.Friend.Extra = event.FriendUpdate, w.Value
	default:
		return in.unknown(ev.Lane), nil
	}
	var err error
	ev.Vendor, err = vendor(in, &w.relationRest)
	return ev, err
}

func encodeRelation(out *output) error {
	ev := out.ev
	w := relation{UserID: actorID(ev)}
	if err := out.kept(&w.relationRest); err != nil {
		return err
	}
	friend := ev.Friend
	if friend == nil {
		friend = &event.Friend{}
	}
	if w.UserID == "" || ev.Actor.System && friend.Owner != "" {
		// What the server did, it did on the list's owner's behalf.
		w.UserID = friend.Owner
	}
	if w.UserID == "" {
		return dialect.Untranslatable("it names no user on whose list the relation stands")
	}
	var kind int32
	switch ev.Type {
	case event.FriendRemove:
		kind, w.Value = relationFriend, "0"
	case event.FriendRename:
		kind, w.Value = relationAlias, friend.Alias
	case event.BlockAdd:
		kind, w.Value = relationBlock, "1"
	case event.BlockRemove:
		kind, w.Value = relationBlock, "0"
	case event.FriendUpdate:
		kind, w.Value = relationExtra, friend.Extra
	default: // added, accepted, imported
		kind, w.Value = relationFriend, "1"
	}
	w.Type = &kind
	if len(ev.Members) == 0 {
		return dialect.Untranslatable("it names no other user")
	}
	for _, m := range ev.Members {
		if w.TargetID = m.ID; w.TargetID == "" {
			return dialect.Untranslatable("it names no other user")
		}
		if err := out.post("", &w); err != nil {
			return err
		}
	}
	return nil
}
