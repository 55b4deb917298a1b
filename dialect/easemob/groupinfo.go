package easemob

import (
	"strconv"

	"github.com/imhook/imhook/event"
)

// read moves what is canonical of a profile to the event's place, and returns the
// rest: nil when there is none.
func (i *groupInfo) read(ev *event.Event, appKey string) *groupInfo {
	if i == nil || (ev.Group == nil && ev.Chatroom == nil) {
		return i
	}
	rest := *i
	take := func(from **loose, to *string) {
		if *from != nil && to != nil {
			*to, *from = string(**from), nil
		}
	}
	owner := ""
	if g := ev.Group; g != nil {
		take(&rest.Title, &g.Name)
		take(&rest.Description, &g.Introduction)
		take(&rest.Avatar, &g.Avatar)
		take(&rest.Custom, &g.Extra)
		if n, err := strconv.Atoi(loosely(rest.MaxUsers)); err == nil && n > 0 {
			g.MaxMembers, rest.MaxUsers = n, nil
		}
		if on, err := strconv.ParseBool(loosely(rest.Mute)); err == nil {
			g.Muted, rest.Mute = &on, nil
		}
		if ms, err := strconv.ParseInt(loosely(rest.Modified), 10, 64); err == nil {
			if at, odd := readMillis(ms); odd == 0 && ms != 0 {
				g.UpdatedAt, rest.Modified = at, nil
			}
		}
		take(&rest.Owner, &owner)
		g.Owner = or(bareID(appKey, owner), g.Owner)
	} else {
		r := ev.Chatroom
		take(&rest.Title, &r.Name)
		take(&rest.Description, &r.Introduction)
		take(&rest.Owner, &owner)
		r.Owner = or(bareID(appKey, owner), r.Owner)
	}
	if rest.Title == nil && rest.Description == nil && rest.Owner == nil && rest.Avatar == nil && rest.Custom == nil &&
		rest.MaxUsers == nil && rest.Mute == nil && rest.Modified == nil && len(rest.Unknown) == 0 {
		return nil
	}
	return &rest
}

func loosely(l *loose) string {
	if l == nil {
		return ""
	}
	return string(*l)
}

// write is the inverse of read. What the event does not say is not written: an
// update has the keys that changed.
func (i *groupInfo) write(ev *event.Event, appKey string) *groupInfo {
	var info groupInfo
	if i != nil {
		info = *i
	}
	set := func(to **loose, s string) {
		if s != "" && *to == nil {
			*to = new(loose(s))
		}
	}
	owner := func(id string) string {
		if appKey == "" || id == "" {
			return id
		}
		return appKey + "_" + id
	}
	if g := ev.Group; g != nil {
		set(&info.Title, g.Name)
		set(&info.Description, g.Introduction)
		set(&info.Owner, owner(g.Owner))
		set(&info.Avatar, g.Avatar)
		set(&info.Custom, g.Extra)
		if g.MaxMembers > 0 {
			set(&info.MaxUsers, strconv.Itoa(g.MaxMembers))
		}
		if g.Muted != nil {
			set(&info.Mute, strconv.FormatBool(*g.Muted))
		}
		if !g.UpdatedAt.IsZero() {
			set(&info.Modified, strconv.FormatInt(g.UpdatedAt.UnixMilli(), 10))
		}
	} else if r := ev.Chatroom; r != nil {
		set(&info.Title, r.Name)
		set(&info.Description, r.Introduction)
		set(&info.Owner, owner(r.Owner))
	}
	return &info
}
