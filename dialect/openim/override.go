package openim

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// overrides are all fields by which an answer changes a proposal. A field that is
// not there leaves things alone, but for those that echo repeats.
type overrides struct {
	// beforeMsgModify; content alone for the word filter of v2.
	Content          *string         `json:"content,omitzero"`
	RecvID           *string         `json:"recvID,omitzero"`
	ClientMsgID      *string         `json:"clientMsgID,omitzero"`
	ServerMsgID      *string         `json:"serverMsgID,omitzero"`
	SenderPlatformID *int32          `json:"senderPlatformID,omitzero"`
	SenderNickname   *string         `json:"senderNickname,omitzero"`
	SenderFaceURL    *string         `json:"senderFaceURL,omitzero"`
	SessionType      *int32          `json:"sessionType,omitzero"`
	MsgFrom          *int32          `json:"msgFrom,omitzero"`
	ContentType      *int32          `json:"contentType,omitzero"`
	Options          map[string]bool `json:"options,omitzero"`
	AtUserIDList     *[]string       `json:"atUserIDList,omitzero"`
	MsgDataList      []byte          `json:"msgDataList,omitzero"`
	// pushes
	UserIDList      []string         `json:"userIDList,omitzero"`
	OfflinePushInfo *offlinePushInfo `json:"offlinePushInfo,omitzero"`
	// users and friends
	Users         []userInfo `json:"users,omitzero"`
	Nickname      *string    `json:"nickName,omitzero"`
	Remark        *string    `json:"remark,omitzero"`
	FriendUserIDs []string   `json:"friendUserIDs,omitzero"`
	// groups and their members
	GroupID            *string          `json:"groupID,omitzero"`
	GroupName          *string          `json:"groupName,omitzero"`
	Notification       *string          `json:"notification,omitzero"`
	Introduction       *string          `json:"introduction,omitzero"`
	FaceURL            *string          `json:"faceURL,omitzero"`
	OwnerUserID        *string          `json:"ownerUserID,omitzero"`
	Ex                 *string          `json:"ex,omitzero"`
	Status             *int32           `json:"status,omitzero"`
	CreatorUserID      *string          `json:"creatorUserID,omitzero"`
	GroupType          *int32           `json:"groupType,omitzero"`
	NeedVerification   *int32           `json:"needVerification,omitzero"`
	LookMemberInfo     *int32           `json:"lookMemberInfo,omitzero"`
	ApplyMemberFriend  *int32           `json:"applyMemberFriend,omitzero"`
	RoleLevel          *int32           `json:"roleLevel,omitzero"`
	MemberCallbackList []memberOverride `json:"memberCallbackList,omitzero"`
	// callbackBeforeMemberJoinGroupCommand: one member's, flat
	OldNickname *string `json:"nickname,omitzero"`
	MuteEndTime *int64  `json:"muteEndTime,omitzero"`
	// conversations
	RecvMsgOpt    *int32  `json:"recvMsgOpt,omitzero"`
	IsPinned      *bool   `json:"isPinned,omitzero"`
	IsPrivateChat *bool   `json:"isPrivateChat,omitzero"`
	BurnDuration  *int32  `json:"burnDuration,omitzero"`
	GroupAtType   *int32  `json:"groupAtType,omitzero"`
	AttachedInfo  *string `json:"attachedInfo,omitzero"`
}

// memberOverride is MemberJoinGroupCallBack.
type memberOverride struct {
	UserID      *string `json:"userID"`
	Nickname    *string `json:"nickname,omitzero"`
	FaceURL     *string `json:"faceURL,omitzero"`
	RoleLevel   *int32  `json:"roleLevel,omitzero"`
	MuteEndTime *int64  `json:"muteEndTime,omitzero"`
	Ex          *string `json:"ex,omitzero"`
}

// offlinePushInfo is sdkws.OfflinePushInfo.
type offlinePushInfo struct {
	Title         string `json:"title"`
	Desc          string `json:"desc"`
	Ex            string `json:"ex"`
	IOSPushSound  string `json:"iOSPushSound"`
	IOSBadgeCount bool   `json:"iOSBadgeCount"`
	SignalInfo    string `json:"signalInfo"`
}

// proposal is a before-event that is answered.
type proposal struct {
	ev *event.Event
	*command
	generation string
}

// override is what the answer to a command may change.
type override struct {
	// fields are the names on the wire.
	fields []string
	// echo sets what an answer must repeat, since the server takes a missing field
	// for an empty one.
	echo func(p *proposal, o *overrides)
	// change sets the fields for the bodies of a rewrite; false when a body says
	// what the command cannot take.
	change func(p *proposal, c *event.Changes, o *overrides) bool
	// fits reports whether the server can take what all that comes to; nil when it
	// can take anything.
	fits func(p *proposal, o *overrides) bool
	// without takes members out; false when the command cannot.
	without func(p *proposal, refused []event.Refusal, o *overrides) bool
	// take moves what the answer changes to the verdict, and out of o.
	take func(p *proposal, o *overrides, v *event.Verdict)
}

// pick leaves of a JSON object the fields that the command has.
func (r *override) pick(object jsontext.Value) (o overrides, err error) {
	if len(object) == 0 {
		return o, nil
	}
	var all map[string]jsontext.Value
	if err := json.Unmarshal(object, &all, replyOptions); err != nil {
		return o, err
	}
	for name := range all {
		exact := slices.Contains(r.fields, name)
		if i := slices.IndexFunc(r.fields, func(f string) bool { return strings.EqualFold(f, name) }); i >= 0 && !exact {
			if _, there := all[r.fields[i]]; !there {
				all[r.fields[i]] = all[name]
			}
		}
		if !exact {
			delete(all, name)
		}
	}
	text, err := json.Marshal(all, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(text, &o, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// lay puts the changes over what o repeats.
func (r *override) lay(p *proposal, c *event.Changes, o *overrides) error {
	if len(c.Vendor) > 0 {
		if err := dialect.OnlyWords(Name, c.Vendor, r.fields...); err != nil {
			return err
		}
		own, err := r.pick(c.Vendor)
		if err != nil || !own.whole() {
			return dialect.Uncarried("the vendor fields of the rewrite are not of openim's form")
		}
		own.over(o)
	}
	had := c.Message != nil || c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil
	if had && (r.change == nil || !r.change(p, c, o)) {
		return dialect.Uncarried("openim %s takes no rewrite of this", p.ev.Command)
	}
	if r.fits != nil && !r.fits(p, o) {
		return dialect.Uncarried("openim's server would fail at this answer to %s", p.ev.Command)
	}
	// A rewrite that comes to nothing is not what was asked for.
	plain := overrides{}
	if r.echo != nil {
		r.echo(p, &plain)
	}
	if reflect.DeepEqual(plain, *o) {
		return dialect.Uncarried("nothing of the rewrite is what openim %s takes", p.ev.Command)
	}
	return nil
}

// whole reports whether the server could read the lists: it trusts every member to
// have an id, and stops at one that has none.
func (o *overrides) whole() bool {
	return !slices.ContainsFunc(o.MemberCallbackList, func(m memberOverride) bool { return or(m.UserID, "") == "" })
}

// over copies the fields that are set to to.
func (o *overrides) over(to *overrides) {
	from, dst := reflect.ValueOf(o).Elem(), reflect.ValueOf(to).Elem()
	for i := range from.NumField() {
		if f := from.Field(i); !f.IsZero() {
			dst.Field(i).Set(f)
		}
	}
}

var errMember = errors.New("memberCallbackList: a member has no userID")

// read takes the command's fields from an answer.
func (r *override) read(_ *proposal, object jsontext.Value) (overrides, error) {
	o, err := r.pick(object)
	if err == nil && !o.whole() {
		err = errMember
	}
	return o, err
}

// verdict is what the fields of an answer come to.
func (r *override) verdict(p *proposal, o *overrides) (event.Verdict, error) {
	v := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{}}
	if r.take != nil {
		r.take(p, o, &v)
	}
	left, err := dialect.Vendor(o)
	if err != nil {
		return event.Verdict{}, err
	}
	if p.ev.Dialect == Name {
		v.Changes.Vendor = left
	}
	c := v.Changes
	if c.Message == nil && c.Group == nil && c.User == nil && c.Friend == nil && c.Push == nil && c.Vendor == nil {
		return event.Verdict{Action: event.Allow, Refused: v.Refused}, nil
	}
	return v, nil
}

// changed returns a pointer to the new text where it is not the old one.
func changed(was, now string) *string {
	if was == now {
		return nil
	}
	return &now
}

// take moves what p points to to dst.
func take(p **string, dst *string) {
	if *p != nil {
		*dst, *p = **p, nil
	}
}
