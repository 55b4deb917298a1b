package openim

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// userStatus is CallbackUserOnlineReq, CallbackUserOfflineReq and
// CallbackUserKickOffReq. Seq is the time in milliseconds.
type userStatus struct {
	CallbackCommand string  `json:"callbackCommand"`
	OperationID     *string `json:"operationID"`
	PlatformID      int32   `json:"platformID"`
	Platform        string  `json:"platform"`
	UserID          string  `json:"userID"`
	Seq             int64   `json:"seq"`
	ConnID          string  `json:"connID"`
	userStatusRest
}

type userStatusRest struct {
	OperationID     *string `json:"operationID,omitzero"`
	Platform        *string `json:"platform,omitzero"`
	Seq             *int64  `json:"seq,omitzero"`
	IsAppBackground *bool   `json:"isAppBackground,omitzero"`
	// Token is the user's own, which v2 reports.
	Token *string `json:"token,omitzero"`
	rest
}

func decodeUserStatus(in *input) (*event.Event, error) {
	var w userStatus
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.UserID == "" {
		return nil, in.missing("userID")
	}
	ev := &event.Event{
		Type: in.only(), Lane: userLane(w.UserID), Time: fromWire(w.Seq),
		Actor:    &event.Actor{ID: w.UserID, Platform: platformWord(w.PlatformID), Client: w.ConnID},
		Members:  one(w.UserID),
		Presence: &event.Presence{Platform: platformWord(w.PlatformID), Connection: w.ConnID},
	}
	if w.Seq > 0 {
		// The server reports all devices of a user in one go, within a millisecond and
		// mostly without connID: the platform alone tells them apart.
		ev.Dedupe = dialect.JoinKey(w.UserID, strconv.Itoa(int(w.PlatformID)), firstOf(w.ConnID, "-"), strconv.FormatInt(w.Seq, 10))
	}
	if ev.Type == event.UserOffline {
		ev.Presence.Reason = "disconnect"
	}
	w.userStatusRest.Seq = unless(w.Seq, millis(ev.Time))
	if w.OperationID != nil && *w.OperationID != "" {
		w.userStatusRest.OperationID = w.OperationID
	}
	w.userStatusRest.Platform = unless(w.Platform, platformName(w.PlatformID))
	if w.IsAppBackground != nil && !*w.IsAppBackground {
		w.IsAppBackground = nil
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.userStatusRest)
}

// statusHead is what all bodies about a connection have.
type statusHead struct {
	CallbackCommand string `json:"callbackCommand"`
	OperationID     string `json:"operationID"`
	PlatformID      int32  `json:"platformID"`
	Platform        string `json:"platform"`
	UserID          string `json:"userID"`
}

// tail is rest, one level deeper: the command of the head is the one to write.
type tail struct{ rest }

func encodeUserStatus(out *output) error {
	ev := out.ev
	var kept userStatusRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	head := statusHead{UserID: firstOf(actorID(ev), memberID(ev))}
	if ev.Type == event.UserKick && !out.own {
		// Elsewhere the actor may be the administrator who did it.
		head.UserID = firstOf(memberID(ev), actorID(ev))
	}
	if head.UserID == "" {
		return dialect.Untranslatable("it names no user")
	}
	var word, client string
	if ev.Actor != nil {
		word, client = ev.Actor.Platform, ev.Actor.Client
	}
	if p := ev.Presence; p != nil {
		word, client = firstOf(p.Platform, word), firstOf(p.Connection, p.Client, client)
	}
	head.CallbackCommand, head.OperationID = out.said(kept.CallbackCommand), out.operation(kept.OperationID)
	head.PlatformID = platformCode(word)
	head.Platform = or(kept.Platform, platformName(head.PlatformID))
	seq := or(kept.Seq, millis(ev.Time))
	if !out.own && seq == 0 {
		seq = millis(out.to.Now)
	}
	more := tail{rest{Unknown: kept.Unknown}}
	if ev.Generation != "" && second(ev.Generation) != second(out.generation) {
		kept.Token = nil // a user's secret that no v3 reports
	}
	switch {
	case out.generation == v20 || out.generation == v21:
		return out.post(&struct {
			statusHead
			Token *string `json:"token,omitzero"`
			Seq   int64   `json:"seq"`
			tail
		}{head, tokenOf(out, kept.Token), seq, more})
	case out.key == "afterUserOnline":
		return out.post(&struct {
			statusHead
			Seq             int64   `json:"seq"`
			IsAppBackground bool    `json:"isAppBackground"`
			ConnID          string  `json:"connID"`
			Token           *string `json:"token,omitzero"`
			tail
		}{head, seq, or(kept.IsAppBackground, false), client, kept.Token, more})
	case out.key == "afterUserOffline":
		return out.post(&struct {
			statusHead
			Seq             int64   `json:"seq"`
			ConnID          string  `json:"connID"`
			IsAppBackground *bool   `json:"isAppBackground,omitzero"`
			Token           *string `json:"token,omitzero"`
			tail
		}{head, seq, client, kept.IsAppBackground, kept.Token, more})
	}
	if !out.own {
		client = "" // who is thrown out has no connection any more: there is no key for it
	}
	return out.post(&struct {
		statusHead
		Seq             int64   `json:"seq"`
		ConnID          string  `json:"connID,omitzero"`
		IsAppBackground *bool   `json:"isAppBackground,omitzero"`
		Token           *string `json:"token,omitzero"`
		tail
	}{head, seq, client, kept.IsAppBackground, kept.Token, more})
}

// tokenOf is the key that v2 has when somebody comes; nobody else knows a token.
func tokenOf(out *output, kept *string) *string {
	if kept == nil && out.key == "afterUserOnline" {
		return new("")
	}
	return kept
}
