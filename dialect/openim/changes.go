package openim

import (
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What the answers to the commands may change: one value for each form.
var (
	changeMessage = override{
		fields: []string{
			"content", "recvID", "groupID", "clientMsgID", "serverMsgID", "senderPlatformID", "senderNickname",
			"senderFaceURL", "sessionType", "msgFrom", "contentType", "status", "options", "atUserIDList", "msgDataList",
			"attachedInfo", "ex",
		},
		echo: func(p *proposal, o *overrides) {
			// The first versions put the answer's content in place of the message's
			// whenever they were allowed to, also when there was none.
			if second(p.generation) {
				o.Content = p.content()
			}
		},
		change: messageChange,
		fits: func(p *proposal, o *overrides) bool {
			// The server stops with an error at content that is no JSON object.
			return o.Content == nil || second(p.generation) ||
				jsontext.Value(*o.Content).Kind() == '{' && jsontext.Value(*o.Content).IsValid(replyOptions)
		},
		take: messageTake,
	}
	changePush = override{
		fields: []string{"userIDList", "offlinePushInfo"},
		change: func(p *proposal, c *event.Changes, o *overrides) bool {
			push := c.Push
			if m := c.Message; m != nil {
				now, was := *m, event.Message{}
				if p.ev.Message != nil {
					was = *p.ev.Message
				}
				if push == nil {
					push = m.Push
				}
				now.Push, was.Push = nil, nil
				if !reflect.DeepEqual(now, was) {
					return false // the message itself is under way already
				}
			}
			if c.Group != nil || c.User != nil || c.Friend != nil || push == nil || push.Disabled {
				return false
			}
			o.OfflinePushInfo = &offlinePushInfo{Title: push.Title, Desc: push.Content, Ex: push.Data}
			var kept pushInfoRest
			if dialect.FromVendor(p.ev.Vendor, &kept) == nil {
				o.OfflinePushInfo.IOSPushSound = or(kept.IOSPushSound, "")
				o.OfflinePushInfo.IOSBadgeCount = or(kept.IOSBadgeCount, false)
				o.OfflinePushInfo.SignalInfo = or(kept.SignalInfo, "")
			}
			return true
		},
		without: func(p *proposal, refused []event.Refusal, o *overrides) bool {
			o.UserIDList = left(p.ev.Members, refused)
			return len(o.UserIDList) > 0
		},
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			if o.OfflinePushInfo != nil {
				i := o.OfflinePushInfo
				v.Changes.Push = &event.Push{Title: i.Title, Content: i.Desc, Data: i.Ex}
				if p.ev.Dialect != Name || i.IOSPushSound == "" && !i.IOSBadgeCount && i.SignalInfo == "" {
					o.OfflinePushInfo = nil
				}
			}
			o.UserIDList = takeMembers(p, o.UserIDList, v)
		},
	}
	// Of the answer about a group the server reads to whom alone, and the question
	// does not say who that is.
	changeGroupPush = override{fields: []string{"userIDList"}}
	changeRegister  = override{
		fields: []string{"users"},
		change: func(p *proposal, c *event.Changes, o *overrides) bool {
			if !onlyUser(c) || len(p.ev.Members) != 1 || p.ev.User == nil {
				return false
			}
			var kept registrationRest
			if dialect.FromVendor(p.ev.Vendor, &kept) != nil {
				return false
			}
			o.Users = []userInfo{writeUser(p.ev.Members[0].ID, c.User, kept.User)}
			return true
		},
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			// Another vendor's proposal may name who registers in the profile alone.
			if len(o.Users) == 1 && p.ev.User != nil && o.Users[0].UserID == firstOf(memberID(p.ev), p.ev.User.ID) {
				if u := o.Users[0].user(); *u != *p.ev.User {
					v.Changes.User = u
				}
				o.Users = nil
			}
		},
	}
	changeProfile = override{
		fields: []string{"nickName", "faceURL", "ex"},
		change: func(p *proposal, c *event.Changes, o *overrides) bool {
			if !onlyUser(c) {
				return false
			}
			was := event.User{}
			if p.ev.User != nil {
				was = *p.ev.User
			}
			now := *c.User
			setChanged(&o.Nickname, was.DisplayName, now.DisplayName)
			setChanged(&o.FaceURL, was.Avatar, now.Avatar)
			setChanged(&o.Ex, was.Extra, now.Extra)
			now.DisplayName, now.Avatar, now.Extra = was.DisplayName, was.Avatar, was.Extra
			now.ID = was.ID
			return now == was
		},
		fits: func(p *proposal, o *overrides) bool { return p.key != "beforeUpdateUserInfoEx" || p.asked(o) },
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			u := event.User{}
			if p.ev.User != nil {
				u = *p.ev.User
			}
			was := u
			take(&o.Nickname, &u.DisplayName)
			take(&o.FaceURL, &u.Avatar)
			take(&o.Ex, &u.Extra)
			if u != was {
				v.Changes.User = &u
			}
		},
	}
	changeRemark = override{
		fields: []string{"remark"},
		echo: func(p *proposal, o *overrides) {
			if p.ev.Friend != nil {
				o.Remark = &p.ev.Friend.Alias
			}
		},
		change: func(p *proposal, c *event.Changes, o *overrides) bool {
			if c.Friend == nil || c.Message != nil || c.Group != nil || c.User != nil || c.Push != nil {
				return false
			}
			o.Remark = &c.Friend.Alias
			now, was := *c.Friend, event.Friend{}
			if p.ev.Friend != nil {
				was = *p.ev.Friend
			}
			now.Alias, now.Owner = was.Alias, was.Owner
			return now == was
		},
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			f := event.Friend{}
			if p.ev.Friend != nil {
				f = *p.ev.Friend
			}
			was := f
			if o.Remark != nil && *o.Remark == "" {
				o.Remark = nil // the server leaves the remark alone
			}
			take(&o.Remark, &f.Alias)
			if f != was {
				v.Changes.Friend = &f
			}
		},
	}
	changeImport = override{
		fields: []string{"friendUserIDs"},
		without: func(p *proposal, refused []event.Refusal, o *overrides) bool {
			o.FriendUserIDs = left(p.ev.Members, refused)
			return len(o.FriendUserIDs) > 0
		},
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			o.FriendUserIDs = takeMembers(p, o.FriendUserIDs, v)
		},
	}
	changeCreation = override{
		fields: []string{
			"groupID", "groupName", "notification", "introduction", "faceURL", "ownerUserID", "ex", "status",
			"creatorUserID", "groupType", "needVerification", "lookMemberInfo", "applyMemberFriend",
		},
		change: func(p *proposal, c *event.Changes, o *overrides) bool {
			if !groupChange(p, c, o) {
				return false
			}
			was := groupOf(p.ev)
			setChanged(&o.GroupID, was.ID, c.Group.ID)
			setChanged(&o.OwnerUserID, was.Owner, c.Group.Owner)
			if c.Group.Kind != was.Kind && c.Group.Kind != "" {
				o.GroupType = new(groupType(c.Group.Kind))
			}
			if m := c.Group.Muted; m != nil && (was.Muted == nil || *m != *was.Muted) {
				o.Status = new(int32(0))
				if *m {
					*o.Status = groupMuted
				}
			}
			return true
		},
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			g := groupOf(p.ev)
			take(&o.GroupID, &g.ID)
			take(&o.OwnerUserID, &g.Owner)
			if o.GroupType != nil {
				g.Kind, o.GroupType = groupKind(*o.GroupType), nil
			}
			if s := o.Status; s != nil && (*s == 0 || *s == groupMuted) {
				g.Muted, o.Status = new(*s == groupMuted), nil
			}
			groupTake(p, g, o, v)
		},
	}
	changeSettings = override{
		fields: settingsFields,
		echo: func(p *proposal, o *overrides) {
			g := groupOf(p.ev)
			o.GroupID, o.GroupName, o.Notification = &g.ID, &g.Name, &g.Announcement
			o.Introduction, o.FaceURL = &g.Introduction, &g.Avatar
		},
		change: groupChange,
		fits:   sameNotification,
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			o.GroupID = nil
			groupTake(p, groupOf(p.ev), o, v)
		},
	}
	changeSettingsEx = override{
		fields: settingsFields,
		echo: func(p *proposal, o *overrides) {
			// The server puts all but the notification in place of what was asked for,
			// also what is not there: an answer of zeros would change nothing of a group
			// without an id.
			g, kept := groupOf(p.ev), p.settings()
			o.GroupID = &g.ID
			o.GroupName, o.Introduction = give(g.Name, kept.GroupName), give(g.Introduction, kept.Introduction)
			o.FaceURL, o.Ex = give(g.Avatar, kept.FaceURL), give(g.Extra, kept.Ex)
			o.NeedVerification, o.LookMemberInfo, o.ApplyMemberFriend = kept.NeedVerification, kept.LookMemberInfo, kept.ApplyMemberFriend
		},
		change: groupChange,
		fits:   sameNotification,
		take: func(p *proposal, o *overrides, v *event.Verdict) {
			o.GroupID = nil
			kept := p.settings()
			same(&o.NeedVerification, kept.NeedVerification)
			same(&o.LookMemberInfo, kept.LookMemberInfo)
			same(&o.ApplyMemberFriend, kept.ApplyMemberFriend)
			groupTake(p, groupOf(p.ev), o, v)
		},
	}
	changeCard         = override{fields: []string{"nickName", "faceURL", "roleLevel", "ex"}}
	changeEntry        = override{fields: []string{"memberCallbackList", "nickname", "faceURL", "roleLevel", "muteEndTime", "ex"}}
	changeConversation = override{fields: []string{
		"recvMsgOpt", "isPinned", "isPrivateChat", "burnDuration", "groupAtType", "attachedInfo", "ex",
	}}

	// The notification is in the server's structs, and it never looks at it.
	settingsFields = []string{
		"groupID", "groupName", "introduction", "faceURL", "ex", "needVerification", "lookMemberInfo", "applyMemberFriend",
	}
)

// sameNotification reports whether the notification stays as it was asked for.
func sameNotification(p *proposal, o *overrides) bool {
	return o.Notification == nil || *o.Notification == groupOf(p.ev).Announcement
}

// content is the message's content as it came in.
func (p *proposal) content() *string {
	if p.ev.Message == nil {
		return nil
	}
	own := p.ev.Dialect == Name
	var kept messageRest
	if own && kept.fromVendor(p.ev.Vendor) != nil {
		return nil
	}
	text, _, err := writeContent(p.ev.Message, own, second(p.generation), kept.Content)
	if err != nil {
		return nil
	}
	return &text
}

func messageChange(p *proposal, c *event.Changes, o *overrides) bool {
	if p.ev.Message == nil || c.Group != nil || c.Friend != nil || c.Push != nil {
		return false
	}
	if c.User != nil && !p.senderChange(c.User, o) {
		return false
	}
	if c.Message == nil {
		return true
	}
	if len(c.Message.Parts) > 0 {
		return false // there is room for one
	}
	was, m := p.ev.Message, mergeMessage(p.ev.Message, c.Message)
	text, code, err := writeContent(&m, m.Kind == was.Kind, second(p.generation), "")
	if err != nil {
		return false
	}
	if before := p.content(); before == nil || *before != text {
		if m.Kind == was.Kind && m.Text == was.Text && reflect.DeepEqual(m.Media, was.Media) && reflect.DeepEqual(m.Location, was.Location) &&
			reflect.DeepEqual(m.Custom, was.Custom) {
			text = or(before, text) // nothing but what content does not hold
		}
		if before == nil || *before != text {
			o.Content = &text
		}
	}
	if second(p.generation) {
		return code == codeText && o.Content != nil
	}
	if m.Kind != was.Kind {
		o.ContentType = &code
	}
	if ids := writeMentions(m.Mentions); !slices.Equal(ids, writeMentions(was.Mentions)) {
		o.AtUserIDList = &ids
	}
	if m.Extra != "" {
		setChanged(&o.Ex, was.Extra, m.Extra)
	}
	return true
}

// mergeMessage lays a changed message over the original: what a hook leaves out,
// since its dialect has no word for it, stays.
func mergeMessage(was, now *event.Message) event.Message {
	m := *now
	if m.Kind == "" {
		m.Kind = was.Kind
	}
	if m.Kind == was.Kind {
		m.Code = was.Code
		if m.Media == nil {
			m.Media = was.Media
		}
		if m.Location == nil {
			m.Location = was.Location
		}
		if m.Custom == nil {
			m.Custom = was.Custom
		}
		if m.Text == "" && m.Kind != event.Text {
			m.Text = was.Text
		}
	}
	if m.Mentions == nil {
		m.Mentions = was.Mentions
	}
	return m
}

// senderChange sets the profile that rides on the message; v2 has no place for it.
func (p *proposal) senderChange(u *event.User, o *overrides) bool {
	was := event.User{}
	if p.ev.User != nil {
		was = *p.ev.User
	}
	setChanged(&o.SenderNickname, was.DisplayName, u.DisplayName)
	setChanged(&o.SenderFaceURL, was.Avatar, u.Avatar)
	return !second(p.generation) || o.SenderNickname == nil && o.SenderFaceURL == nil
}

func messageTake(p *proposal, o *overrides, v *event.Verdict) {
	if p.ev.Message == nil {
		return
	}
	u := event.User{ID: actorID(p.ev)}
	if p.ev.User != nil {
		u = *p.ev.User
	}
	asked := u
	take(&o.SenderNickname, &u.DisplayName)
	take(&o.SenderFaceURL, &u.Avatar)
	if u != asked {
		v.Changes.User = &u
	}
	was := p.content()
	if o.Content != nil && second(p.generation) && *o.Content == "" {
		o.Content = nil
	}
	m := *p.ev.Message
	code := contentCode(&m, p.ev.Dialect == Name)
	change := false
	if o.ContentType != nil {
		change = *o.ContentType != code
		code, o.ContentType = *o.ContentType, nil
	}
	if o.Content != nil && (change || was == nil || *o.Content != *was) {
		change = true
		fresh := event.Message{ID: m.ID, ClientID: m.ClientID, Seq: m.Seq, Extra: m.Extra, Mentions: m.Mentions, Options: m.Options, Push: m.Push}
		exact := readContent(code, *o.Content, second(p.generation), &fresh)
		m = fresh
		if exact || second(p.generation) != second(generationOf(p.ev)) {
			o.Content = nil
		}
	} else {
		o.Content = nil
	}
	if o.AtUserIDList != nil {
		if now := mentions(*o.AtUserIDList); !reflect.DeepEqual(now, m.Mentions) {
			m.Mentions, change = now, true
		}
		o.AtUserIDList = nil
	}
	if o.Ex != nil {
		change = change || *o.Ex != m.Extra
		take(&o.Ex, &m.Extra)
	}
	if change {
		if p.ev.Dialect != Name {
			m.Code = "" // a number of ours means something else there
		}
		v.Changes.Message = &m
	}
}

// asked reports whether the request sets all that an answer sets: the server writes
// the answer's wrappers through those of the request, and stops where there is none.
func (p *proposal) asked(o *overrides) bool {
	var kept profileRest
	if p.ev.Dialect == Name && dialect.FromVendor(p.ev.Vendor, &kept) != nil {
		return false
	}
	u := event.User{}
	if p.ev.User != nil {
		u = *p.ev.User
	}
	for _, f := range []struct{ answer, asked *string }{
		{o.Nickname, give(u.DisplayName, kept.Nickname)},
		{o.FaceURL, give(u.Avatar, kept.FaceURL)},
		{o.Ex, give(u.Extra, kept.Ex)},
	} {
		if f.answer != nil && f.asked == nil {
			return false
		}
	}
	return true
}

func onlyUser(c *event.Changes) bool {
	return c.User != nil && c.Message == nil && c.Group == nil && c.Friend == nil && c.Push == nil
}

func groupOf(ev *event.Event) event.Group {
	if ev.Group == nil {
		return event.Group{}
	}
	return *ev.Group
}

// settings are the fields of a group's profile that have no canonical place.
func (p *proposal) settings() (kept settingsRest) {
	if p.ev.Dialect == Name {
		_ = dialect.FromVendor(p.ev.Vendor, &kept)
	}
	return kept
}

// same drops a field that only repeats what was asked for.
func same(p **int32, was *int32) {
	if *p != nil && was != nil && **p == *was {
		*p = nil
	}
}

// groupChange sets the texts of a group's profile.
func groupChange(p *proposal, c *event.Changes, o *overrides) bool {
	if c.Group == nil || c.Message != nil || c.User != nil || c.Friend != nil || c.Push != nil {
		return false
	}
	was, now := groupOf(p.ev), c.Group
	setChanged(&o.GroupName, was.Name, now.Name)
	setChanged(&o.Notification, was.Announcement, now.Announcement)
	setChanged(&o.Introduction, was.Introduction, now.Introduction)
	setChanged(&o.FaceURL, was.Avatar, now.Avatar)
	setChanged(&o.Ex, was.Extra, now.Extra)
	return true
}

// groupTake moves them to g, and g to the verdict when it is another.
func groupTake(p *proposal, g event.Group, o *overrides, v *event.Verdict) {
	take(&o.GroupName, &g.Name)
	take(&o.Notification, &g.Announcement)
	take(&o.Introduction, &g.Introduction)
	take(&o.FaceURL, &g.Avatar)
	take(&o.Ex, &g.Extra)
	if !reflect.DeepEqual(g, groupOf(p.ev)) {
		v.Changes.Group = &g
	}
}

func setChanged(p **string, was, now string) {
	if c := changed(was, now); c != nil {
		*p = c
	}
}

// left are the members that are not refused.
func left(ms []event.Member, refused []event.Refusal) []string {
	var ids []string
	for _, m := range ms {
		if !slices.ContainsFunc(refused, func(r event.Refusal) bool { return r.ID == m.ID }) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// takeMembers reads a list of those who are let through. One that leaves some out
// refuses these; what else it may be stays as it is.
func takeMembers(p *proposal, ids []string, v *event.Verdict) []string {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(p.ev.Members, func(m event.Member) bool { return m.ID == id }) {
			return ids
		}
	}
	for _, m := range p.ev.Members {
		if !slices.Contains(ids, m.ID) {
			v.Refused = append(v.Refused, event.Refusal{ID: m.ID})
		}
	}
	return nil
}
