package tencent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
)

const (
	// groupMessage are the keys that all messages of a group have.
	groupMessage = "CallbackCommand:S GroupId:S Type:S From_Account:S Operator_Account:S Random:U OnlineOnlyFlag:I MsgBody:B CloudCustomData:S TopicId:S? EventTime:I GroupAtInfo[GroupAtAllFlag:I GroupAt_Account:S?]? "
	// c2cMessage are those of a message between two users.
	c2cMessage = "CallbackCommand:S From_Account:S To_Account:S MsgSeq:U MsgRandom:U MsgTime:U MsgKey:S OnlineOnlyFlag:I MsgBody:B CloudCustomData:S EventTime:I "
	pairs      = "CallbackCommand:S PairList[From_Account:S To_Account:S] EventTime:I"
	extensions = "OperateType:I ExtensionList[Key:S Value:S Seq:I?] Seq:I EventTime:I"
	profile    = "Name:S? Introduction:S? Notification:S? FaceUrl:S? "
)

// documented are the keys that the vendor's page of each command lists, with the
// types that it states: S text, I whole number, U one of 32 bits without a sign, N
// any number, P a whole one from 0 on, V text or number, B a MsgBody, [] an array and {} an object; ? may be missing. Written
// from the pages, not from the code.
var documented = map[string]string{
	"State.StateChange":                     "CallbackCommand:S Info{To_Account:S Action:S Reason:S} KickedDevice[Platform:S]? EventTime:I",
	"Profile.CallbackPortraitSet":           "CallbackCommand:S Operator_Account:S From_Account:S ProfileItem[Tag:S Value:V] EventTime:I",
	"Sns.CallbackPrevFriendAdd":             "CallbackCommand:S Requester_Account:S From_Account:S AddType:S ForceAddFlags:I FriendItem[To_Account:S Remark:S GroupName:S AddSource:S AddWording:S] EventTime:I",
	"Sns.CallbackPrevFriendResponse":        "CallbackCommand:S Requester_Account:S From_Account:S ResponseFriendItem[To_Account:S Remark:S TagName:S ResponseAction:S] EventTime:I",
	"Sns.CallbackFriendAdd":                 "CallbackCommand:S PairList[From_Account:S To_Account:S Initiator_Account:S] ClientCmd:S Admin_Account:S ForceFlag:I EventTime:I",
	"Sns.CallbackFriendDelete":              pairs,
	"Sns.CallbackBlackListAdd":              pairs,
	"Sns.CallbackBlackListDelete":           pairs,
	"Follow.CallbackAfterFollowAdd":         "CallbackCommand:S From_Account:S FollowList[To_Account:S] EventTime:I",
	"Follow.CallbackAfterFollowDelete":      "CallbackCommand:S From_Account:S To_Account[:S] EventTime:I",
	"C2C.CallbackBeforeSendMsg":             c2cMessage,
	"C2C.CallbackAfterSendMsg":              c2cMessage + "SendMsgResult:I ErrorInfo:S UnreadMsgNum:I",
	"C2C.CallbackAfterMsgReport":            "CallbackCommand:S Report_Account:S Peer_Account:S LastReadTime:U UnreadMsgNum:I EventTime:I",
	"C2C.CallbackAfterMsgWithDraw":          "CallbackCommand:S From_Account:S To_Account:S MsgKey:S UnreadMsgNum:I EventTime:I",
	"C2C.CallbackAfterC2CMsgExtension":      "CallbackCommand:S From_Account:S To_Account:S MsgKey:S " + extensions,
	"Bot.OnC2CMessage":                      c2cMessage,
	"Chatbot.OnC2CSignalMessage":            "CallbackCommand:S From_Account:S To_Account:S MsgSeq:U MsgRandom:U MsgKey:S EventTime:I Data:S",
	"Group.CallbackBeforeCreateGroup":       "CallbackCommand:S Operator_Account:S Owner_Account:S Type:S Name:S CreateGroupNum:I? MemberList[Member_Account:S] EventTime:I",
	"Group.CallbackAfterCreateGroup":        "CallbackCommand:S GroupId:S Operator_Account:S Owner_Account:S Type:S Name:S MemberList[Member_Account:S] UserDefinedDataList[Key:S Value:S]? EventTime:I",
	"Group.CallbackBeforeApplyJoinGroup":    "CallbackCommand:S GroupId:S Type:S Requestor_Account:S EventTime:I",
	"Group.CallbackBeforeInviteJoinGroup":   "CallbackCommand:S GroupId:S Type:S Operator_Account:S DestinationMembers[Member_Account:S] EventTime:I",
	"Group.CallbackAfterNewMemberJoin":      "CallbackCommand:S GroupId:S Type:S JoinType:S Operator_Account:S NewMemberList[Member_Account:S] EventTime:I",
	"Group.CallbackAfterMemberExit":         "CallbackCommand:S GroupId:S Type:S ExitType:S Operator_Account:S ExitMemberList[Member_Account:S] EventTime:I",
	"Group.CallbackBeforeSendMsg":           groupMessage,
	"Group.CallbackAfterSendMsg":            groupMessage + "MsgSeq:U MsgTime:U MsgId:S?",
	"Group.CallbackSendMsgException":        groupMessage + "ErrorCode:I ErrorInfo:S",
	"Group.CallbackAfterRecallMsg":          "CallbackCommand:S GroupId:S Type:S Operator_Account:S MsgSeqList[MsgSeq:U MsgId:S?] TopicId:S? EventTime:I",
	"Group.CallbackAfterReadReceipt":        "CallbackCommand:S GroupId:S Type:S GroupMsgReceiptList[MsgSeq:U ReadNum:I UnreadNum:I ReadReceiptMembers[Member_Account:S]] TopicId:S? EventTime:I",
	"Group.CallbackAfterGroupFull":          "CallbackCommand:S GroupId:S EventTime:I",
	"Group.CallbackAfterGroupDestroyed":     "CallbackCommand:S GroupId:S Type:S Owner_Account:S Name:S MemberList[Member_Account:S] EventTime:I",
	"Group.CallbackAfterGroupInfoChanged":   "CallbackCommand:S GroupId:S Type:S Operator_Account:S " + profile + "UserDefinedDataList[Key:S Value:S]? EventTime:I",
	"Group.CallbackAfterMemberFieldChanged": "CallbackCommand:S GroupId:S Type:S Operator_Account:S Member_Account:S Role:S? NameCard:S? EventTime:I",
	"Group.CallbackAfterGroupAttrChanged":   "CallbackCommand:S GroupId:S Type:S Operator_Account:S OptionType:S GroupAttr[key:S value:S] EventTime:I",
	"Group.CallbackAfterChangeGroupOwner":   "CallbackCommand:S GroupId:S Type:S Operator_Account:S OldOwner_Account:S NewOwner_Account:S EventTime:I",
	"Group.CallbackOnMemberStateChange":     "CallbackCommand:S GroupId:S EventType:S EventCause:S MemberList[Member_Account:S] EventTime:I",
	"Group.CallbackAfterGroupMsgExtension":  "CallbackCommand:S GroupId:S Type:S? MsgSeq:U " + extensions,
	"Group.CallbackBeforeCreateTopic":       "CallbackCommand:S GroupId:S? Type:S Operator_Account:S Name:S EventTime:I",
	"Group.CallbackAfterCreateTopic":        "CallbackCommand:S GroupId:S TopicId:S Operator_Account:S Owner_Account:S Type:S Name:S UserDefinedDataList[Key:S Value:S]? EventTime:I",
	"Group.CallbackAfterTopicDestroyed":     "CallbackCommand:S GroupId:S Type:S TopicIdList[:S] EventTime:I",
	"Group.CallbackAfterTopicInfoChanged":   "CallbackCommand:S GroupId:S TopicId:S? Type:S Operator_Account:S " + profile + "EventTime:I",
	"Group.CallbackOnDailyGroupQuotaAlarm":  "CallbackCommand:S QuotaUsed:I Quota:I EventTime:I",
	"Bot.OnGroupMessage":                    groupMessage + "MsgSeq:U MsgTime:U AtRobots_Account[:S]",

	"OfficialAccount.CallbackBeforeCreateOfficialAccount":     "CallbackCommand:S Operator_Account:S Owner_Account:S Name:S EventTime:I",
	"OfficialAccount.CallbackAfterCreateOfficialAccount":      "CallbackCommand:S Official_Account:S Operator_Account:S Owner_Account:S Name:S EventTime:I",
	"OfficialAccount.CallbackAfterOfficialAccountInfoChanged": "CallbackCommand:S Official_Account:S Operator_Account:S Name:S? Introduction:S? FaceUrl:S? Organization:S? EventTime:I",
	"OfficialAccount.CallbackAfterOfficialAccountDestroyed":   "CallbackCommand:S Official_Account:S Owner_Account:S Name:S EventTime:I",
	"OfficialAccount.CallbackAfterOfficialAccountFull":        "CallbackCommand:S Official_Account:S EventTime:I",
	"OfficialAccount.CallbackBeforeAddSubscriber":             "CallbackCommand:S Official_Account:S Operator_Account:S SubscribeAccountList[Subscriber_Account:S] EventTime:I",
	"OfficialAccount.CallbackAfterAddSubscriber":              "CallbackCommand:S Official_Account:S Operator_Account:S SubscribeAccountList[Subscriber_Account:S] EventTime:I",
	"OfficialAccount.CallbackAfterDeleteSubscriber":           "CallbackCommand:S Official_Account:S Operator_Account:S SubscribeAccountList[Subscriber_Account:S] EventTime:I",
	"OfficialAccount.CallbackBeforeSendMsg":                   "CallbackCommand:S Official_Account:S OnlineOnlyFlag:I MsgBody:B CloudCustomData:S EventTime:I",
	"OfficialAccount.CallbackAfterSendMsg":                    "CallbackCommand:S Official_Account:S MsgKey:S MsgTime:U OnlineOnlyFlag:I MsgBody:B CloudCustomData:S EventTime:I",
	"OfficialAccount.CallbackAfterMsgWithDraw":                "CallbackCommand:S Official_Account:S WithdrawMsgList[MsgKey:S] EventTime:I",

	"ContentCallback.ResultNotify": "Scene:S SdkAppId:I From_Account:S ContactItem{ContactType:I To_Account:S? ToGroupId:S?}? Type:S? ContentType:S TextContent[:S]? FileURL:S? MsgID:S CtxcbResult:I CtxcbRequestId:S CtxcbKeywords[:S] CtxcbSuggestion:S CtxcbLabel:S CtxcbSubLabel:S? CtxcbSubLabelDesc:S CtxcbLibName:S? CloudCustomData:S EventTime:I?",
	"Push.OfflinePush":             "CallbackCommand:S Events[CallbackCommand:S EventType:I EventTime:U From_Account:S? To_Account:S PushPlatform:I PushStage:I MsgKey:S? GroupID:S? MsgSeq:U MsgRandom:U MsgTime:U? PushID:S? ErrCode:I ErrInfo:S]",
	"Push.AllMemberPush":           "CallbackCommand:S Events[CallbackCommand:S EventType:I TaskId:S TaskTime:U? EventTime:U To_Account:S PushPlatform:I PushStage:I PushID:S? ErrCode:I ErrInfo:S]",
	"Alert.RequestOverLimit":       "CallbackCommand:S ServiceName:S Command:S Request:I Limit:I EventTime:I?",
}

// elements are the keys of MsgContent (page 33527).
var elements = map[string]string{
	"TIMTextElem":      "Text:S",
	"TIMLocationElem":  "Desc:S Latitude:N Longitude:N",
	"TIMFaceElem":      "Index:I Data:S",
	"TIMCustomElem":    "Data:S Desc:S Ext:S Sound:S",
	"TIMSoundElem":     "Url:S UUID:S Size:P Second:U Download_Flag:I",
	"TIMImageElem":     "UUID:S ImageFormat:I ImageInfoArray[Type:I Size:P Width:P Height:P URL:S]",
	"TIMFileElem":      "Url:S UUID:S FileSize:P FileName:S Download_Flag:I",
	"TIMVideoFileElem": "VideoUrl:S VideoUUID:S VideoSize:P VideoSecond:U VideoFormat:S VideoDownloadFlag:I ThumbUrl:S ThumbUUID:S ThumbSize:P ThumbWidth:P ThumbHeight:P ThumbFormat:S ThumbDownloadFlag:I",
	"TIMRelayElem":     "Title:S MsgNum:I CompatibleText:S AbstractList[:S] MsgList[:S]",
}

// key is one documented key.
type key struct {
	name, kind string // kind is one of the letters, [] or {}
	inner      []key
	optional   bool
}

// keys reads a list of them and returns what follows it.
func keys(s string) (all []key, rest string) {
	for {
		s = strings.TrimLeft(s, " ")
		if s == "" || s[0] == ']' || s[0] == '}' {
			return all, s
		}
		i := strings.IndexAny(s, ":[{")
		k := key{name: s[:i]}
		if s[i] == ':' {
			k.kind, s = s[i+1:i+2], s[i+2:]
		} else {
			k.kind = map[byte]string{'[': "[]", '{': "{}"}[s[i]]
			k.inner, s = keys(s[i+1:])
			s = s[1:]
		}
		s, k.optional = strings.CutPrefix(s, "?")
		all = append(all, k)
	}
}

// strange says what a strict reader of the keys finds wrong with an object.
func strange(o map[string]any, want []key) string {
	seen := 0
	for _, k := range want {
		v, ok := o[k.name]
		if !ok {
			if !k.optional {
				return k.name + " is missing"
			}
			continue
		}
		seen++
		if why := k.wrong(v); why != "" {
			return k.name + " " + why
		}
	}
	if seen < len(o) {
		for name := range o {
			known := false
			for _, k := range want {
				known = known || k.name == name
			}
			if !known {
				return name + " is not documented"
			}
		}
	}
	return ""
}

func (k key) wrong(v any) string {
	switch k.kind {
	case "S":
		if _, ok := v.(string); !ok {
			return fmt.Sprintf("is %v, want a text", v)
		}
	case "V":
		switch v.(type) {
		case string, float64:
		default:
			return fmt.Sprintf("is %v, want a text or a number", v)
		}
	case "N", "I", "U", "P":
		n, ok := v.(float64)
		if !ok || k.kind != "N" && n != math.Trunc(n) || n < 0 && k.kind >= "P" || n > math.MaxUint32 && k.kind == "U" {
			return fmt.Sprintf("is %v, want a number of kind %s", v, k.kind)
		}
	case "{}":
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Sprintf("is %v, want an object", v)
		}
		return strange(o, k.inner)
	case "[]", "B":
		a, ok := v.([]any)
		if !ok {
			return fmt.Sprintf("is %v, want an array", v)
		}
		for _, e := range a {
			if why := k.wrongElement(e); why != "" {
				return "has an element whose " + why
			}
		}
	}
	return ""
}

func (k key) wrongElement(e any) string {
	o, ok := e.(map[string]any)
	switch {
	case k.kind == "B":
		code, _ := o["MsgType"].(string)
		inner, known := elements[code]
		if !known {
			return fmt.Sprintf("MsgType %q is not documented", code)
		}
		all, _ := keys("MsgType:S MsgContent{" + inner + "}")
		return strange(o, all)
	case len(k.inner) == 1 && k.inner[0].name == "":
		return k.inner[0].wrong(e)
	case !ok:
		return fmt.Sprintf("type is that of %v, want an object", e)
	}
	return strange(o, k.inner)
}

// strictly says what a strict backend finds wrong with a request of ours.
func strictly(req *dialect.Request) string {
	_, name, _ := strings.Cut(req.Query, "CallbackCommand=")
	name, _, _ = strings.Cut(name, "&")
	spec, ok := documented[name]
	if !ok {
		return "command " + name + " is not documented"
	}
	var o map[string]any
	if err := json.Unmarshal(req.Body, &o); err != nil {
		return err.Error()
	}
	want, _ := keys(spec)
	return strange(o, want)
}

// What other dialects' events are written as must be what the vendor documents: no
// key too many, none too few, each of its type.
func TestEncode_StrictBackendsTakeWhatOtherDialectsSay(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1795200000123)
	d := tencent.New()
	to := dialect.Target{Credentials: credentials("k"), Now: at}
	said := map[string]bool{}
	for _, from := range builtin.New().All() {
		if from.Spec().Name == tencent.Name {
			continue
		}
		for _, c := range from.Spec().Commands {
			for seed := range uint64(30) {
				req, err := from.Sample(c.Name, rand.New(rand.NewPCG(seed, 7)), at)
				if err != nil {
					t.Fatal(err)
				}
				evs, err := from.Decode(&req)
				if err != nil {
					t.Fatal(err)
				}
				for _, ev := range evs {
					ev.ID, ev.App, ev.Source = fmt.Sprintf("%s-%d", c.Name, seed), "shop", "im"
					if ev.Time.IsZero() {
						ev.Time = at.UTC()
					}
					reqs, err := d.Encode(ev, to)
					if err != nil && !errors.Is(err, dialect.ErrUntranslatable) {
						t.Errorf("%s %s: %v", from.Spec().Name, c.Name, err)
					}
					for i := range reqs {
						_, name, _ := strings.Cut(reqs[i].Query, "CallbackCommand=")
						name, _, _ = strings.Cut(name, "&")
						said[name] = true
						if why := strictly(&reqs[i]); why != "" {
							t.Errorf("%s %s (%s, seed %d): %s\n%s", from.Spec().Name, c.Name, ev.Type, seed, why, reqs[i].Body)
						}
					}
				}
			}
		}
	}
	if len(said) < 25 {
		t.Errorf("only %d commands were said: %v", len(said), said)
	}
}

// What nobody's samples hold, but a CloudEvent posted by hand may.
func TestEncode_StrictBackendsTakeOddContents(t *testing.T) {
	t.Parallel()
	to := dialect.Target{Credentials: credentials("k")}
	media := func(kind event.ContentKind, m event.Media) event.Message {
		return event.Message{ID: "m-1", Kind: kind, Media: &m}
	}
	odd := []event.Message{
		media(event.Audio, event.Media{URL: "https://f.example/a.amr", Seconds: 2.4}),
		media(event.Video, event.Media{URL: "https://f.example/a.mp4", Seconds: 0.3, Width: -1, Height: 1 << 40}),
		media(event.File, event.Media{URL: "https://f.example/a.iso", Size: 5 << 30}),
		media(event.Image, event.Media{URL: "https://f.example/a.png", Size: -4, Width: -2}),
		{ID: "m-1", Kind: event.Face, Custom: &event.Payload{Name: "99999999999", Data: "x"}},
		{ID: "m-1", Kind: event.Location},
		{ID: "m-1", Kind: event.Merged, Text: "a chat"},
		{ID: "m-1", Kind: event.Custom, Custom: &event.Payload{Base64: []byte{0, 255}}},
		{ID: "m-1", Kind: event.Text, Text: "two", Parts: []event.Message{{Kind: event.Text, Text: "two"}, media(event.Audio, event.Media{Seconds: 1.5})}},
	}
	for _, m := range odd {
		for _, place := range []func(*event.Event){direct, inGroup, inRoom, inTopic} {
			for _, phase := range []event.Phase{event.Before, event.After} {
				ev := foreign(event.MessageSend, place)
				ev.Phase, ev.Message = phase, &m
				reqs, err := tencent.New().Encode(ev, to)
				if err != nil {
					t.Fatal(err)
				}
				if why := strictly(&reqs[0]); why != "" {
					t.Errorf("%s: %s\n%s", m.Kind, why, reqs[0].Body)
				}
			}
		}
	}
}

// Nor may our own samples differ from the pages in what is a number and what a text.
func TestSample_IsWhatThePagesDocument(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for _, c := range d.Spec().Commands {
		if _, ok := documented[c.Name]; !ok && c.Name != "C2C.CallbackAfterSendMsgException" {
			t.Errorf("%s is not documented", c.Name)
		}
		for seed := range uint64(20) {
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 3)), now)
			if err != nil {
				t.Fatal(err)
			}
			if why := strictly(&req); why != "" && c.Name != "C2C.CallbackAfterSendMsgException" {
				t.Errorf("%s (seed %d): %s\n%s", c.Name, seed, why, req.Body)
				break
			}
		}
	}
}
