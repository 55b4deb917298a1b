package openim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The session types. v3 writes every group as 3.
const (
	sessionSingle = 1
	sessionWrite  = 2
	sessionRead   = 3
)

// readConversation reads a conversation id: sg_GROUP and g_GROUP, si_A_B with the
// users in order. Ids may hold underscores, so that the cut is where user, who
// acted, stands. Not ok when the two users cannot be told or it is none of these;
// the lane is then user's own.
func readConversation(id, user string) (c *event.Conversation, lane event.Lane, ok bool) {
	for _, prefix := range []string{"sg_", "g_"} {
		if g, found := strings.CutPrefix(id, prefix); found && g != "" {
			c, lane = group(g)
			return c, lane, true
		}
	}
	if pair, found := strings.CutPrefix(id, "si_"); found {
		if a, b, cut := cutPair(pair, user); cut {
			c, lane = direct(a, b)
			return c, lane, true
		}
	}
	return nil, userLane(user), false
}

// cutPair cuts "A_B" where one half is user, in doubt where the halves are in
// order; without user at the one underscore there is.
func cutPair(pair, user string) (a, b string, ok bool) {
	var cuts [][2]string
	if user != "" {
		if peer, found := strings.CutPrefix(pair, user+"_"); found && peer != "" {
			cuts = append(cuts, [2]string{user, peer})
		}
		if peer, found := strings.CutSuffix(pair, "_"+user); found && peer != "" {
			cuts = append(cuts, [2]string{peer, user})
		}
	}
	for _, c := range cuts {
		if c[0] <= c[1] {
			return c[0], c[1], true
		}
	}
	if len(cuts) > 0 {
		return cuts[0][0], cuts[0][1], true
	}
	// Somebody else acted, an administrator.
	a, b, ok = strings.Cut(pair, "_")
	return a, b, ok && a != "" && b != "" && !strings.Contains(b, "_")
}

// conversationID is the id that the server gives to a conversation; empty for
// kinds that it does not have.
func conversationID(c *event.Conversation) string {
	if c == nil {
		return ""
	}
	if a, b, ok := c.Users(); ok {
		users := []string{a, b}
		slices.Sort(users)
		return "si_" + users[0] + "_" + users[1]
	}
	if c.Kind == event.KindGroup || c.Kind == event.KindChatroom {
		return "sg_" + c.ID
	}
	return ""
}

func seqLink(conversation string, seq string) string { return "seq:" + conversation + ":" + seq }

// seqNumber reads a position in a conversation, which is a number above 0 here.
func seqNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0
}

// conversation is CallbackBefore/AfterCreateSingle/GroupChatConversationsReq of
// main. Alone among the vendor's structs its names end in a small Id. Of a group the
// server leaves the owner empty: the conversation is made for all members at once.
type conversation struct {
	CallbackCommand  string `json:"callbackCommand"`
	OwnerUserID      string `json:"ownerUserId"`
	ConversationID   string `json:"conversationId"`
	ConversationType int32  `json:"conversationType"`
	UserID           string `json:"userId,omitzero"`
	GroupID          string `json:"groupId,omitzero"`
	conversationRest
}

type conversationRest struct {
	ConversationID   string `json:"conversationId,omitzero"`
	ConversationType *int32 `json:"conversationType,omitzero"`
	RecvMsgOpt       int32  `json:"recvMsgOpt"`
	IsPinned         bool   `json:"isPinned"`
	IsPrivateChat    bool   `json:"isPrivateChat"`
	BurnDuration     int32  `json:"burnDuration"`
	GroupAtType      int32  `json:"groupAtType"`
	AttachedInfo     string `json:"attachedInfo"`
	Ex               string `json:"ex"`
	rest
}

func decodeConversation(in *input) (*event.Event, error) {
	var w conversation
	if err := in.read(&w); err != nil {
		return nil, err
	}
	ev := &event.Event{Type: in.only(), Actor: actor(w.OwnerUserID), Members: one(w.OwnerUserID)}
	var usual int32 = sessionRead
	switch {
	case w.UserID != "":
		if w.OwnerUserID == "" {
			return nil, in.missing("ownerUserId")
		}
		ev.Conversation, ev.Lane = direct(w.OwnerUserID, w.UserID)
		usual = sessionSingle
	case w.GroupID != "":
		ev.Conversation, ev.Lane = group(w.GroupID)
	default:
		var ok bool
		if ev.Conversation, ev.Lane, ok = readConversation(w.ConversationID, w.OwnerUserID); !ok {
			return nil, in.missing("conversationId")
		}
		if ev.Conversation.Kind == event.KindDirect {
			usual = sessionSingle
		}
	}
	w.conversationRest.ConversationType = unless(w.ConversationType, usual)
	if w.ConversationID != conversationID(ev.Conversation) {
		w.conversationRest.ConversationID = w.ConversationID
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.conversationRest)
}

func encodeConversation(out *output) error {
	ev := out.ev
	var w conversation
	if err := out.kept(&w.conversationRest); err != nil {
		return err
	}
	if ev.Conversation == nil {
		return dialect.Untranslatable("it has no conversation")
	}
	// One request stands for all members of a group: the server names none of them.
	w.OwnerUserID = firstOf(actorID(ev), memberID(ev))
	if w.OwnerUserID == "" && ev.Conversation.Kind != event.KindGroup {
		return dialect.Untranslatable("it does not say whose conversation it is")
	}
	w.CallbackCommand, w.ConversationID = out.said(w.rest.CallbackCommand), conversationID(ev.Conversation)
	switch ev.Conversation.Kind {
	case event.KindDirect:
		peer, ok := ev.Conversation.Peer(w.OwnerUserID)
		if !ok {
			return dialect.Untranslatable("the owner is not in the direct conversation")
		}
		w.UserID, w.ConversationType = peer, sessionSingle
	case event.KindGroup:
		w.GroupID, w.ConversationType = ev.Conversation.ID, sessionRead
	default:
		return dialect.Untranslatable("OpenIM has no conversation with a %s", ev.Conversation.Kind)
	}
	if w.conversationRest.ConversationID != "" {
		w.ConversationID = w.conversationRest.ConversationID
	}
	w.ConversationType = or(w.conversationRest.ConversationType, w.ConversationType)
	return out.post(&w)
}
