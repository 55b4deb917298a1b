package tencent_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
)

// structs are what a backend parses with that was written from the seed's structs of
// 2021: the keys of each and the types of their values, s text, i whole number,
// a array; a dot leads into an object or the objects of an array. What other
// dialects' events are written as must fit them, and what they say must be read.
var structs = map[string]string{
	"State.StateChange":                    "CallbackCommand:s EventTime:i Info.To_Account:s Info.Action:s Info.Reason:s",
	"Sns.CallbackPrevFriendAdd":            "CallbackCommand:s EventTime:i Requester_Account:s From_Account:s AddType:s ForceAddFlags:i FriendItem.To_Account:s FriendItem.Remark:s FriendItem.GroupName:s FriendItem.AddSource:s FriendItem.AddWording:s",
	"Sns.CallbackPrevFriendResponse":       "CallbackCommand:s EventTime:i Requester_Account:s From_Account:s ResponseFriendItem.To_Account:s ResponseFriendItem.Remark:s ResponseFriendItem.TagName:s ResponseFriendItem.ResponseAction:s",
	"Sns.CallbackFriendAdd":                "CallbackCommand:s ClientCmd:s Admin_Account:s ForceFlag:i PairList.From_Account:s PairList.To_Account:s PairList.Initiator_Account:s",
	"Sns.CallbackFriendDelete":             "CallbackCommand:s PairList.From_Account:s PairList.To_Account:s",
	"Sns.CallbackBlackListAdd":             "CallbackCommand:s PairList.From_Account:s PairList.To_Account:s",
	"Sns.CallbackBlackListDelete":          "CallbackCommand:s PairList.From_Account:s PairList.To_Account:s",
	"C2C.CallbackBeforeSendMsg":            "CallbackCommand:s From_Account:s To_Account:s MsgSeq:i MsgRandom:i MsgTime:i MsgKey:s OnlineOnlyFlag:i MsgBody:a CloudCustomData:s",
	"C2C.CallbackAfterSendMsg":             "CallbackCommand:s From_Account:s To_Account:s MsgSeq:i MsgRandom:i MsgTime:i MsgKey:s OnlineOnlyFlag:i MsgBody:a CloudCustomData:s SendMsgResult:i ErrorInfo:s UnreadMsgNum:i",
	"C2C.CallbackAfterMsgReport":           "CallbackCommand:s Report_Account:s Peer_Account:s LastReadTime:i UnreadMsgNum:i",
	"C2C.CallbackAfterMsgWithDraw":         "CallbackCommand:s From_Account:s To_Account:s MsgKey:s UnreadMsgNum:i",
	"Group.CallbackBeforeCreateGroup":      "CallbackCommand:s Operator_Account:s Owner_Account:s Type:s Name:s MemberList.Member_Account:s",
	"Group.CallbackAfterCreateGroup":       "CallbackCommand:s Operator_Account:s Owner_Account:s GroupId:s Type:s Name:s MemberList.Member_Account:s",
	"Group.CallbackBeforeApplyJoinGroup":   "CallbackCommand:s GroupId:s Type:s Requestor_Account:s",
	"Group.CallbackBeforeInviteJoinGroup":  "CallbackCommand:s GroupId:s Type:s Operator_Account:s DestinationMembers.Member_Account:s",
	"Group.CallbackAfterNewMemberJoin":     "CallbackCommand:s GroupId:s Type:s JoinType:s Operator_Account:s NewMemberList.Member_Account:s",
	"Group.CallbackAfterMemberExit":        "CallbackCommand:s GroupId:s Type:s ExitType:s Operator_Account:s ExitMemberList.Member_Account:s",
	"Group.CallbackBeforeSendMsg":          "CallbackCommand:s GroupId:s Type:s From_Account:s Operator_Account:s OnlineOnlyFlag:i Random:i MsgBody:a",
	"Group.CallbackAfterSendMsg":           "CallbackCommand:s GroupId:s Type:s From_Account:s Operator_Account:s OnlineOnlyFlag:i MsgSeq:i Random:i MsgTime:i MsgBody:a",
	"Group.CallbackAfterGroupFull":         "CallbackCommand:s GroupId:s",
	"Group.CallbackAfterGroupDestroyed":    "CallbackCommand:s GroupId:s Type:s Name:s Owner_Account:s MemberList.Member_Account:s",
	"Group.CallbackAfterGroupInfoChanged":  "CallbackCommand:s GroupId:s Type:s Operator_Account:s",
	"Group.CallbackAfterGroupInfoChanged+": "Notification:s",
}

// fits says what of a struct's keys body lacks or has in another type.
func fits(body map[string]any, path string) string {
	name, typ, _ := strings.Cut(path, ":")
	head, rest, nested := strings.Cut(name, ".")
	v, ok := body[head]
	if !ok {
		return head + " is missing"
	}
	if nested {
		switch v := v.(type) {
		case map[string]any:
			return fits(v, rest+":"+typ)
		case []any:
			for _, e := range v {
				o, ok := e.(map[string]any)
				if !ok {
					return head + " holds no objects"
				}
				if bad := fits(o, rest+":"+typ); bad != "" {
					return head + "." + bad
				}
			}
			return ""
		}
		return head + " is neither object nor array"
	}
	switch v := v.(type) {
	case string:
		ok = typ == "s"
	case []any:
		ok = typ == "a"
	case json.Number:
		_, err := v.Int64()
		ok = typ == "i" && err == nil
	default:
		ok = false
	}
	if !ok {
		return head + " has another type"
	}
	return ""
}

func object(t *testing.T, body []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

func TestSeed_BackendsOfTheOldStructsTakeWhatIsWritten(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	checked := map[string]bool{}
	check := func(what, command string, body []byte) {
		fields, ok := structs[command]
		if !ok {
			return
		}
		checked[command] = true
		for path := range strings.FieldsSeq(fields) {
			if bad := fits(object(t, body), path); bad != "" {
				t.Errorf("%s of %s: %s\n%s", what, command, bad, body)
			}
		}
	}
	for _, tt := range encodeCases {
		reqs, err := d.Encode(tt.ev, dialect.Target{})
		if err != nil {
			t.Fatal(err)
		}
		check("foreign event", tt.command, reqs[0].Body)
		if tt.ev.Type == event.GroupAnnounce {
			check("foreign event", tt.command+"+", reqs[0].Body)
		}
	}
	for command := range structs {
		if !checked[command] {
			t.Errorf("no event is written as %s", command)
		}
	}
	for _, c := range d.Spec().Commands {
		for seed := range uint64(20) {
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 3)), now)
			if err != nil {
				t.Fatal(err)
			}
			check("sample", c.Name, req.Body)
		}
	}
}

// The answers that the old backends give are read, and what they are given back has
// their keys.
func TestSeed_AnswersOfTheOldStructsAreRead(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for command, body := range map[string]string{
		"Sns.CallbackPrevFriendAdd":           `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","ResultItem":[{"To_Account":"ada","ResultCode":38000,"ResultInfo":"no"},{"To_Account":"bo","ResultCode":38000,"ResultInfo":"no"}]}`,
		"Sns.CallbackPrevFriendResponse":      `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","ResultItem":[{"To_Account":"ada","ResultCode":38000,"ResultInfo":"no"},{"To_Account":"bo","ResultCode":38000,"ResultInfo":"no"}]}`,
		"C2C.CallbackBeforeSendMsg":           `{"ErrorCode":1,"ErrorInfo":"no","ActionStatus":"OK"}`,
		"Group.CallbackBeforeSendMsg":         `{"ErrorCode":1,"ErrorInfo":"no","ActionStatus":"OK"}`,
		"Group.CallbackBeforeInviteJoinGroup": `{"ErrorCode":0,"ErrorInfo":"no","ActionStatus":"OK","RefusedMembers_Account":["ada","bo"]}`,
	} {
		ev := decode(t, command, questions[command])[0]
		v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(body)}, dialect.Target{})
		if err != nil || v.Action != event.Deny || v.Reason != "no" {
			t.Errorf("%s: %+v, %v", command, v, err)
		}
		res := d.Answer(ev, v)
		keys := object(t, res.Body)
		for _, key := range []string{"ErrorCode:i", "ErrorInfo:s", "ActionStatus:s"} {
			if bad := fits(keys, key); bad != "" {
				t.Errorf("%s: %s in %s", command, bad, res.Body)
			}
		}
	}
}

// A command of a rule is found by the vendor's own word.
func TestSpec_NamesEveryCommandOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range tencent.New().Spec().Commands {
		if slices.Contains(names, c.Name) || c.Line == "" || len(c.Types) == 0 {
			t.Errorf("command %+v", c)
		}
		names = append(names, c.Name)
	}
	if len(names) < 55 {
		t.Errorf("%d commands", len(names))
	}
}
