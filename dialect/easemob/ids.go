package easemob

import (
	"strings"

	"github.com/imhook/imhook/event"
)

const (
	userDomain  = "@easemob.com"
	groupDomain = "@conference.easemob.com"
)

// bare takes the wrapping off an id: "org#app_ann@easemob.com/ios_7" is ann on
// device ios_7. The prefix is cut only when it is exactly the body's app key, as
// users' own ids may hold '_'.
func bare(appKey, wrapped string) (id, device string) {
	id, device, _ = strings.Cut(wrapped, "/")
	if cut, ok := strings.CutSuffix(id, userDomain); ok {
		id = cut
	} else if cut, ok := strings.CutSuffix(id, groupDomain); ok {
		id = cut
	}
	if appKey != "" {
		if cut, ok := strings.CutPrefix(id, appKey); ok {
			if cut, ok := strings.CutPrefix(cut, "_"); ok {
				id = cut
			}
		}
	}
	return id, device
}

// bareID is bare without the device.
func bareID(appKey, wrapped string) string {
	id, _ := bare(appKey, wrapped)
	return id
}

// bareIDs takes the wrapping off each.
func bareIDs(appKey string, wrapped []string) []event.Member {
	if len(wrapped) == 0 {
		return nil
	}
	ms := make([]event.Member, len(wrapped))
	for i := range wrapped {
		ms[i].ID = bareID(appKey, wrapped[i])
	}
	return ms
}

// wrapUser is how the vendor writes a user with the app, "org#app_ann@easemob.com".
func wrapUser(appKey, id string) string {
	if appKey == "" || id == "" {
		return id
	}
	return appKey + "_" + id + userDomain
}

// wrapGroup is muc_id of a group or chatroom.
func wrapGroup(appKey, id string) string {
	if appKey == "" {
		return id + groupDomain
	}
	return appKey + "_" + id + groupDomain
}

// The names under which the server and its API act.
const (
	systemUser = "admin"
	appAdmin   = "@ppAdmin"
)

// system reports whether a sender is the server or its API, not a person.
func system(user string) bool {
	return user == systemUser || user == appAdmin || user == "easemob_rest_app_admin"
}

// actor reads who acted. keep is what the canonical form loses: a wrapped id, the
// server's name.
func actor(appKey, wrapped string) (a *event.Actor, keep string) {
	id, device := bare(appKey, wrapped)
	switch {
	case id == "":
		return nil, wrapped
	case system(id):
		return &event.Actor{System: true}, wrapped
	}
	a = &event.Actor{ID: id}
	if device != "" {
		a.Client, a.Platform = device, platform(device)
	}
	if id != wrapped {
		keep = wrapped
	}
	return a, keep
}

// actorID is how an actor is named where nothing better was kept: by the
// server's name when it is no person, by nothing when it is nobody.
func actorID(a *event.Actor, server string) string {
	switch {
	case a == nil:
		return ""
	case a.ID == "" && a.System:
		return server
	}
	return a.ID
}

// stripped returns what to keep of a wrapped id: nothing when it is bare.
func stripped(wrapped, id string) string {
	if wrapped == id {
		return ""
	}
	return wrapped
}

// defaultCallID is the call id of what a message causes.
func defaultCallID(appKey, msgID string) string {
	if appKey == "" || msgID == "" {
		return msgID
	}
	return appKey + "_" + msgID
}

// isDefaultCallID reports whether a call id is the default one.
func isDefaultCallID(callID, appKey, msgID string) bool {
	if appKey == "" || msgID == "" {
		return callID == msgID
	}
	n := len(appKey)
	return len(callID) == n+1+len(msgID) && callID[n] == '_' && callID[:n] == appKey && callID[n+1:] == msgID
}

// or returns the first that is not empty.
func or(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
