package easemob

import "strings"

// bare takes the wrapping off an id: "org#app_ann@easemob.com/ios_7" is ann on
// device ios_7. The prefix is cut only when it is exactly the body's app key, as
// users' own ids may hold '_'.
func bare(appKey, wrapped string) (id, device string) {
	id, device, _ = strings.Cut(wrapped, "/")
	if cut, ok := strings.CutSuffix(id, "@easemob.com"); ok {
		id = cut
	} else if cut, ok := strings.CutSuffix(id, "@conference.easemob.com"); ok {
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

// system reports whether a sender is the server or its API, not a person.
func system(user string) bool {
	return user == "admin" || user == "@ppAdmin" || user == "easemob_rest_app_admin"
}

// platform is the canonical word for a device's prefix ("android_4f…"), the
// vendor's own where there is none.
func platform(device string) string {
	word, _, _ := strings.Cut(device, "_")
	switch word = strings.ToLower(word); word {
	case "pc":
		return "windows"
	case "webim":
		return "web"
	}
	return word
}

// defaultCallID is the call id of what a message causes.
func defaultCallID(appKey, msgID string) string {
	if appKey == "" || msgID == "" {
		return msgID
	}
	return appKey + "_" + msgID
}
