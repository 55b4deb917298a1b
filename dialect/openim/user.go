package openim

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// userInfo is sdkws.UserInfo.
type userInfo struct {
	UserID   string `json:"userID"`
	Nickname string `json:"nickname"`
	FaceURL  string `json:"faceURL"`
	Ex       string `json:"ex"`
	userInfoRest
}

type userInfoRest struct {
	CreateTime int64 `json:"createTime"`
	// AppMangerLevel is spelt so.
	AppMangerLevel   int32          `json:"appMangerLevel"`
	GlobalRecvMsgOpt int32          `json:"globalRecvMsgOpt"`
	Unknown          jsontext.Value `json:",embed"`
}

func (u *userInfo) user() *event.User {
	return &event.User{ID: u.UserID, DisplayName: u.Nickname, Avatar: u.FaceURL, Extra: u.Ex}
}

func writeUser(id string, u *event.User, rest userInfoRest) userInfo {
	w := userInfo{UserID: id, userInfoRest: rest}
	if u != nil {
		w.Nickname, w.FaceURL, w.Ex = firstOf(u.DisplayName, u.Name), u.Avatar, u.Extra
	}
	return w
}

// registration is CallbackBefore/AfterUserRegisterReq. The users are read one by
// one, so that one that is malformed does not spoil the others.
type registration struct {
	CallbackCommand string           `json:"callbackCommand"`
	Users           []jsontext.Value `json:"users"`
	rest
}

type registrationRest struct {
	// User is what of the only user has no canonical place, Users are all where
	// there are several: there is one profile in an event.
	User  userInfoRest   `json:"user,omitzero"`
	Users jsontext.Value `json:"users,omitzero"`
	rest
}

// decodeRegister reads one question about all users.
func decodeRegister(in *input) (*event.Event, error) {
	var w struct {
		CallbackCommand string     `json:"callbackCommand"`
		Users           []userInfo `json:"users"`
		rest
	}
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if len(w.Users) == 0 {
		return nil, in.missing("users")
	}
	ev := &event.Event{Type: in.only(), Lane: userLane(w.Users[0].UserID)}
	kept := registrationRest{rest: w.rest}
	kept.CallbackCommand = in.other(w.CallbackCommand)
	for i := range w.Users {
		u := &w.Users[i]
		if u.UserID == "" {
			return nil, in.missing("users.userID")
		}
		ev.Members = append(ev.Members, event.Member{ID: u.UserID, Alias: u.Nickname})
	}
	if len(w.Users) == 1 {
		ev.User = w.Users[0].user()
		kept.User = w.Users[0].userInfoRest
		return vendor(in, ev, &kept)
	}
	users, err := marshal(w.Users)
	if err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.name, Field: "users", Err: err}
	}
	kept.Users = users
	return vendor(in, ev, &kept)
}

// splitRegister reads one event for each user who registered.
func splitRegister(in *input) ([]*event.Event, error) {
	var w registration
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if len(w.Users) == 0 {
		return nil, in.missing("users")
	}
	if err := in.splits("users", w.Users); err != nil {
		return nil, err
	}
	kept := registrationRest{rest: w.rest}
	kept.CallbackCommand = in.other(w.CallbackCommand)
	evs := make([]*event.Event, len(w.Users))
	for i, v := range w.Users {
		body := in.body
		if len(w.Users) > 1 {
			var err error
			if body, err = marshal(&registration{w.CallbackCommand, []jsontext.Value{v}, w.rest}); err != nil {
				return nil, &dialect.DecodeError{Dialect: Name, Command: in.name, Field: "users", Err: err}
			}
		}
		var u userInfo
		ev := in.unknown(systemLane())
		if v.Kind() == '{' && dialect.Unmarshal(Name, in.name, v, &u) == nil && u.UserID != "" {
			kept.User = u.userInfoRest
			ev = &event.Event{Type: in.only(), Lane: userLane(u.UserID), Members: one(u.UserID), User: u.user()}
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

func encodeRegister(out *output) error {
	ev := out.ev
	var kept registrationRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	w := registration{CallbackCommand: out.said(kept.CallbackCommand), rest: rest{Unknown: kept.Unknown}}
	if len(kept.Users) > 0 {
		return out.post(&struct {
			CallbackCommand string         `json:"callbackCommand"`
			Users           jsontext.Value `json:"users"`
			rest
		}{w.CallbackCommand, kept.Users, w.rest})
	}
	ms := ev.Members
	if len(ms) == 0 && ev.User != nil {
		ms = one(ev.User.ID)
	}
	if len(ms) == 0 {
		ms = one(actorID(ev))
	}
	if len(ms) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	for _, m := range ms {
		u := writeUser(m.ID, nil, userInfoRest{})
		u.Nickname = m.Alias
		if len(ms) == 1 {
			u = writeUser(m.ID, ev.User, kept.User)
		}
		v, err := marshal(&u)
		if err != nil {
			return dialect.Untranslatable("writing a user: %v", err)
		}
		w.Users = append(w.Users, v)
	}
	return out.post(&w)
}

// profile is CallbackBefore/AfterUpdateUserInfo(Ex)Req: null is what does not
// change, but in the one command that has plain texts.
type profile struct {
	CallbackCommand string  `json:"callbackCommand"`
	UserID          string  `json:"userID"`
	Nickname        *string `json:"nickName"`
	FaceURL         *string `json:"faceURL"`
	Ex              *string `json:"ex"`
	profileRest
}

// profileRest holds what is set to nothing.
type profileRest struct {
	Nickname *string `json:"nickName,omitzero"`
	FaceURL  *string `json:"faceURL,omitzero"`
	Ex       *string `json:"ex,omitzero"`
	rest
}

func decodeProfile(in *input) (*event.Event, error) {
	var w profile
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.UserID == "" {
		return nil, in.missing("userID")
	}
	u := &event.User{ID: w.UserID}
	u.DisplayName, w.profileRest.Nickname = given(w.Nickname)
	u.Avatar, w.profileRest.FaceURL = given(w.FaceURL)
	u.Extra, w.profileRest.Ex = given(w.Ex)
	if in.plainTexts() {
		w.profileRest = profileRest{rest: w.rest}
	}
	ev := &event.Event{Type: in.only(), Lane: userLane(w.UserID), Actor: actor(w.UserID), Members: one(w.UserID), User: u}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.profileRest)
}

// plainTexts reports whether the command writes "" for what does not change.
func (c *command) plainTexts() bool { return c.key == "afterUpdateUserInfo" }

func encodeProfile(out *output) error {
	ev := out.ev
	var w profile
	if err := out.kept(&w.profileRest); err != nil {
		return err
	}
	u := event.User{}
	if ev.User != nil {
		u = *ev.User
	}
	if w.UserID = firstOf(u.ID, memberID(ev), actorID(ev)); w.UserID == "" {
		return dialect.Untranslatable("it names no user")
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	w.Nickname = give(firstOf(u.DisplayName, u.Name), w.profileRest.Nickname)
	w.FaceURL, w.Ex = give(u.Avatar, w.profileRest.FaceURL), give(u.Extra, w.profileRest.Ex)
	if out.plainTexts() {
		w.Nickname, w.FaceURL, w.Ex = new(or(w.Nickname, "")), new(or(w.FaceURL, "")), new(or(w.Ex, ""))
	}
	return out.post(&w)
}
