package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// userInfo is InputOutputUserInfo: a profile, after it was made or changed.
type userInfo struct {
	UserID      string `json:"userId"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitzero"`
	Portrait    string `json:"portrait,omitzero"`
	Gender      *int32 `json:"gender,omitzero"`
	Mobile      string `json:"mobile,omitzero"`
	Email       string `json:"email,omitzero"`
	Address     string `json:"address,omitzero"`
	Company     string `json:"company,omitzero"`
	Social      string `json:"social,omitzero"`
	Extra       string `json:"extra,omitzero"`
	Type        *int32 `json:"type,omitzero"`
	UpdateDt    *int64 `json:"updateDt,omitzero"`
	Deleted     int32  `json:"deleted,omitzero"`
	userRest
}

// userRest is what has no canonical place, or no canonical value.
type userRest struct {
	Gender   int32          `json:"gender,omitzero"`
	Type     int32          `json:"type,omitzero"`
	UpdateDt int64          `json:"updateDt,omitzero"`
	Deleted  int32          `json:"deleted,omitzero"`
	Unknown  jsontext.Value `json:",embed"`
}

// userRoles are the words of the account types; a normal one has none.
var userRoles = [...]struct {
	code int32
	word string
}{{0, ""}, {1, "robot"}, {2, "device"}, {3, "admin"}, {100, "superadmin"}}

func userRole(code int32) (word string, ok bool) {
	for _, r := range userRoles {
		if r.code == code {
			return r.word, true
		}
	}
	return "", false
}

func userType(word string) int32 {
	for _, r := range userRoles {
		if r.word == word {
			return r.code
		}
	}
	return 0
}

// genders are the words of gender in the order of the numbers; 0 is what an
// account that says nothing has.
var genders = [...]string{"", "male", "female"}

// read is the profile; what it cannot hold is left in userRest.
func (w *userInfo) read() *event.User {
	u := &event.User{
		ID: w.UserID, Name: w.Name, DisplayName: w.DisplayName, Avatar: w.Portrait, Phone: w.Mobile, Email: w.Email,
		Address: w.Address, Company: w.Company, Social: w.Social, Extra: w.Extra, Deleted: w.Deleted != 0,
	}
	rest := &w.userRest
	var known bool
	if u.Gender, known = numbered(genders[:], or(w.Gender, 0)); !known {
		rest.Gender = *w.Gender
	}
	if u.Role, known = userRole(or(w.Type, 0)); !known {
		rest.Type = *w.Type
	}
	if w.Deleted != 0 && w.Deleted != 1 {
		rest.Deleted = w.Deleted
	}
	u.UpdatedAt, rest.UpdateDt = fromMillis(or(w.UpdateDt, 0))
	return u
}

// writeUserInfo is the inverse of read, with all that current servers write.
func writeUserInfo(u *event.User, kept *userRest) *userInfo {
	w := oldUserInfo(u, kept)
	w.Social = u.Social
	w.Gender, w.Type = new(number(genders[:], u.Gender, 0)), new(userType(u.Role))
	if kept.Gender != 0 {
		w.Gender = &kept.Gender
	}
	if kept.Type != 0 {
		w.Type = &kept.Type
	}
	if u.Deleted {
		w.Deleted = 1
	}
	if kept.Deleted != 0 {
		w.Deleted = kept.Deleted
	}
	w.UpdateDt = new(toMillis(u.UpdatedAt, kept.UpdateDt))
	return w
}

// oldUserInfo is the profile of the old documents.
func oldUserInfo(u *event.User, kept *userRest) *userInfo {
	return &userInfo{
		UserID: u.ID, Name: u.Name, DisplayName: u.DisplayName, Portrait: u.Avatar, Mobile: u.Phone, Email: u.Email,
		Address: u.Address, Company: u.Company, Extra: u.Extra, userRest: *kept,
	}
}

func decodeUser(in input) (*event.Event, error) {
	var w userInfo
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.UserID == "" {
		return nil, in.missing("userId")
	}
	ev := &event.Event{
		Type: event.UserUpdate, Lane: userLane(w.UserID), Generation: legacy,
		Actor: actor(w.UserID), Members: members([]string{w.UserID}), User: w.read(),
	}
	if w.Gender != nil || w.Type != nil || w.UpdateDt != nil || w.Social != "" || w.Deleted != 0 {
		ev.Generation = current
	}
	if at := or(w.UpdateDt, 0); at != 0 {
		ev.Dedupe = dedupe(w.UserID, idText(at))
		ev.Time = ev.User.UpdatedAt
	}
	var err error
	ev.Vendor, err = vendor(in, &w.userRest)
	return ev, err
}

func encodeUser(out *output) error {
	ev := out.ev
	var kept userRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	var u event.User
	if ev.User != nil {
		u = *ev.User
	}
	if u.ID == "" {
		if ids := out.concerned(); len(ids) > 0 {
			u.ID = ids[0]
		}
	}
	if u.ID == "" {
		return dialect.Untranslatable("it names no user")
	}
	if out.legacy() {
		return out.post("", oldUserInfo(&u, &kept))
	}
	if u.UpdatedAt.IsZero() && !out.own {
		u.UpdatedAt = ev.Time
	}
	return out.post("", writeUserInfo(&u, &kept))
}
