package imfake

import (
	"encoding/json" // what OpenIM itself reads answers with
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// OpenIM's releases, by the rule for what stops an operation.
const (
	openimV20 = "v2.0"
	openimV21 = "v2.1"
	openimV30 = "v3.0"
	openimV35 = "v3.5"
	openimV37 = "v3.7"
)

func (b *bench) openimRelease() string {
	switch b.Generation {
	case openimV20, openimV21, openimV30, openimV35:
		return b.Generation
	}
	return openimV37
}

// openimCodes is CommonCallbackResp, and the whole answer to most commands.
type openimCodes struct {
	ActionCode int32  `json:"actionCode"`
	ErrCode    int32  `json:"errCode"`
	ErrMsg     string `json:"errMsg"`
	ErrDlt     string `json:"errDlt"`
	NextCode   int32  `json:"nextCode"`
}

func (c *openimCodes) codes() *openimCodes                   { return c }
func (*openimCodes) apply(*bench, map[string]jsontext.Value) {}

// openimAnswer is the struct that a command's answer is read into.
type openimAnswer interface {
	codes() *openimCodes
	// apply does what the server does with an answer that lets the proposal through.
	apply(b *bench, asked map[string]jsontext.Value)
}

// openim decodes into the command's struct with encoding/json: names in any case, and a
// field of another type fails the whole. The status is never looked at.
func (b *bench) openim() {
	asked := object(b.Request.Body)
	a := openimAnswerTo(say(asked["callbackCommand"]))
	if err := json.Unmarshal(b.answer.Body, a); err != nil {
		b.failed("the answer is not of the form: %v", err)
		return
	}
	c, release := a.codes(), b.openimRelease()
	var stops bool
	switch release {
	case openimV20:
		stops = c.ActionCode == 1 && c.ErrCode == 0
	case openimV21:
		stops = c.ActionCode != 0
	case openimV30:
		stops = c.ActionCode != 0 || c.ErrCode != 0
	case openimV35:
		stops = c.ActionCode != 0 || c.NextCode == 1
	default:
		stops = c.ActionCode == 0 && c.NextCode == 1
	}
	if stops {
		b.refuse(b.openimSeen(c), c.ErrMsg)
		return
	}
	if c.ErrCode != 0 && (release == openimV20 || release == openimV21) {
		return // v2 looks further only when all went well
	}
	a.apply(b, asked)
}

// openimSeen is the code that a client sees.
func (b *bench) openimSeen(c *openimCodes) int {
	switch release := b.openimRelease(); {
	case release == openimV20, release == openimV21 && c.ErrCode == 0:
		return 201
	case release == openimV37 && c.ErrCode <= 0:
		return 500
	}
	return int(c.ErrCode)
}

func openimAnswerTo(command string) openimAnswer {
	switch name := strings.TrimSuffix(strings.TrimPrefix(command, "callback"), "Command"); name {
	case "BeforeMsgModify", "MsgModify":
		return &openimMessage{}
	case "WordFilter":
		return &openimWords{}
	case "BeforeUserRegister":
		return &openimUsers{}
	case "BeforeUpdateUserInfo":
		return &openimProfile{}
	case "BeforeUpdateUserInfoEx":
		return &openimProfileEx{}
	case "BeforeSetFriendRemark":
		return &openimRemark{}
	case "BeforeImportFriends":
		return &openimImport{}
	case "BeforeCreateGroup":
		return &openimCreation{}
	case "BeforeMembersJoinGroup":
		return &openimEntries{}
	case "BeforeMemberJoinGroup":
		return &openimEntry{}
	case "BeforeInviteJoinGroup":
		return &openimInvitation{}
	case "BeforeSetGroupInfo":
		return &openimSettings{}
	case "BeforeSetGroupInfoEx":
		return &openimSettingsEx{}
	case "BeforeSetGroupMemberInfo":
		return &openimCard{}
	case "BeforeOnlinePush", "OnlinePush":
		return &openimOnlinePush{}
	case "BeforeGroupOnlinePush", "SuperGroupOnlinePush":
		return &openimGroupPush{}
	case "BeforeOfflinePush", "OfflinePush":
		return &openimOfflinePush{}
	case "BeforeCreateSingleChatConversations", "BeforeCreateGroupChatConversations":
		return &openimConversation{}
	}
	return &openimCodes{}
}

// replace does what the server's NotNilReplace does.
func replace[T any](b *bench, field string, was jsontext.Value, now *T) {
	if now != nil {
		b.set(field, was, plain(*now))
	}
}

// overwrite puts the answer's value in place also where it has none.
func overwrite[T any](b *bench, field string, was jsontext.Value, now *T) {
	if now != nil {
		b.set(field, was, plain(*now))
	} else {
		b.set(field, was, nil)
	}
}

// plain is a value as set compares it with what stood in the request.
func plain(v any) any {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil { // the values are ours
		return err.Error()
	}
	return jsontext.Value(text)
}

// keep leaves out of a list who is not in it any more, and notes who is new. An empty
// list is none.
func keep(b *bench, field string, asked, kept []string) {
	if len(kept) == 0 {
		return
	}
	for _, id := range asked {
		if !slices.Contains(kept, id) {
			b.without(event.Refusal{ID: id})
		}
	}
	for _, id := range kept {
		if !slices.Contains(asked, id) {
			b.set(field, nil, strings.Join(kept, " "))
		}
	}
}
