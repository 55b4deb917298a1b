package structs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/openimsdk/open-im-server/v3/pkg/callbackstruct"
	"github.com/openimsdk/tools/errs"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// part is what a verdict changes.
type part string

const (
	messageText  part = "message.text"
	groupName    part = "group.name"
	announcement part = "group.announcement"
	userName     part = "user.displayName"
	alias        part = "friend.alias"
	pushTitle    part = "push.title"
	oneMember    part = "one member" // refused while the others are not
	card         part = "card"       // a member's fields, in OpenIM's own words
	settings     part = "settings"   // a conversation's, likewise
)

var parts = []part{messageText, groupName, announcement, userName, alias, pushTitle, oneMember, card, settings}

// carried is what the server lets the answer to a command change: by part, the fields
// of the answer that it then looks at. A part that is not named is a refusal of the
// whole. Read from the server's source: it has more fields in its structs than it uses.
var carried = map[string]map[part][]string{
	callbackstruct.CallbackBeforeSendSingleMsgCommand:      {},
	callbackstruct.CallbackBeforeSendGroupMsgCommand:       {},
	callbackstruct.CallbackBeforeMsgModifyCommand:          {messageText: {"content"}, userName: {"senderNickname"}},
	callbackstruct.CallbackBeforeUserRegisterCommand:       {userName: {"users"}},
	callbackstruct.CallbackBeforeUpdateUserInfoCommand:     {userName: {"nickName"}},
	callbackstruct.CallbackBeforeUpdateUserInfoExCommand:   {userName: {"nickName"}}, // where it was asked about
	callbackstruct.CallbackBeforeAddFriendCommand:          {},
	callbackstruct.CallbackBeforeAddFriendAgreeCommand:     {},
	callbackstruct.CallbackBeforeSetFriendRemarkCommand:    {alias: {"remark"}},
	callbackstruct.CallbackBeforeImportFriendsCommand:      {oneMember: {}},
	callbackstruct.CallbackBeforeAddBlackCommand:           {},
	callbackstruct.CallbackBeforeCreateGroupCommand:        {groupName: {"groupName"}, announcement: {"notification"}},
	callbackstruct.CallbackBeforeMembersJoinGroupCommand:   {card: {"*.muteEndTime", "*.nickname"}},
	callbackstruct.CallbackBeforeInviteJoinGroupCommand:    {},
	callbackstruct.CallbackBeforeJoinGroupCommand:          {},
	callbackstruct.CallbackBeforeSetGroupInfoCommand:       {groupName: {"groupName"}},
	callbackstruct.CallbackBeforeSetGroupInfoExCommand:     {groupName: {"groupName"}},
	callbackstruct.CallbackBeforeSetGroupMemberInfoCommand: {card: {"nickName", "roleLevel"}},
	callbackstruct.CallbackBeforeOnlinePushCommand:         {},
	callbackstruct.CallbackBeforeGroupOnlinePushCommand:    {},
	callbackstruct.CallbackBeforeOfflinePushCommand:        {pushTitle: {"title"}, oneMember: {}},
}

// verdict is the one that changes a part of ev; false where ev has nothing of it.
func verdict(ev *event.Event, p part) (event.Verdict, bool) {
	c := &event.Changes{}
	ok := true
	switch p {
	case messageText:
		ok = ev.Message != nil
		c.Message = &event.Message{Text: "changed"}
	case groupName:
		ok = ev.Group != nil
		c.Group = &event.Group{}
		if ok {
			*c.Group = *ev.Group
		}
		c.Group.Name = "changed"
	case announcement:
		ok = ev.Group != nil
		c.Group = &event.Group{}
		if ok {
			*c.Group = *ev.Group
		}
		c.Group.Announcement = "changed"
	case userName:
		ok = ev.User != nil
		c.User = &event.User{}
		if ok {
			*c.User = *ev.User
		}
		c.User.DisplayName = "changed"
	case alias:
		ok = ev.Friend != nil
		c.Friend = &event.Friend{}
		if ok {
			*c.Friend = *ev.Friend
		}
		c.Friend.Alias = "changed"
	case pushTitle:
		c.Push = &event.Push{}
		if ev.Message != nil && ev.Message.Push != nil {
			*c.Push = *ev.Message.Push
		}
		c.Push.Title = "changed"
	case oneMember:
		if len(ev.Members) < 2 {
			return event.Verdict{}, false
		}
		return event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: ev.Members[0].ID, Code: 20005, Reason: "not today"}}}, true
	case card:
		ok = len(ev.Members) > 0
		c.Vendor = []byte(`{"nickName":"changed","roleLevel":77}`)
		if ok && ev.Type == event.GroupMemberJoin {
			c.Vendor = []byte(`{"memberCallbackList":[{"userID":` + strconv.Quote(ev.Members[0].ID) + `,"nickname":"changed","muteEndTime":5}]}`)
		}
	case settings:
		c.Vendor = []byte(`{"isPinned":true,"burnDuration":7}`)
	}
	return event.Verdict{Action: event.Rewrite, Changes: c}, ok
}

// The server's own structs and Parse, and the judge that reads its source, say that
// every verdict on every command comes out as the table has it.
func TestStructs_EveryVerdictComesOut(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range current(d) {
		if c.Phase != event.Before {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			row, ok := carried[c.Name]
			if !ok {
				t.Fatal("the table does not say what its answer may change")
			}
			tried := map[part]bool{}
			for seed := range uint64(20) {
				if t.Failed() {
					return // others would say the same
				}
				sample, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 7)), now)
				if err != nil {
					t.Fatal(err)
				}
				evs, err := d.Decode(&sample)
				if err != nil {
					t.Fatal(err)
				}
				s := served{t, d, c.Name, &sample, evs[0]}
				s.want("allow", event.Allowed(), nil)
				s.want("deny", event.Verdict{Action: event.Deny}, &refusal{5001, ""})
				s.want("drop", event.Verdict{Action: event.Drop, Reason: "never told"}, &refusal{5001, ""})
				for code, shown := range map[int]int{1: 1, 20005: 20005, math.MaxInt32: math.MaxInt32, 0: 5001, -3: 5001, 1 << 40: 5001} {
					s.want("deny", event.Verdict{Action: event.Deny, Code: code, Reason: "not \"today\""}, &refusal{shown, "not \"today\""})
				}
				for _, p := range parts {
					v, ok := verdict(evs[0], p)
					fields, carries := row[p]
					if !ok || p == userName && !asked(&sample, "nickName") {
						continue
					}
					tried[p] = true
					switch {
					case !carries:
						s.stops(p, v)
					case p == oneMember:
						s.leavesOut(evs[0].Members[0].ID, v)
					default:
						s.changes(p, v, fields)
					}
				}
			}
			for p := range row {
				if !tried[p] {
					t.Errorf("no sample has a %s to change", p)
				}
			}
		})
	}
	for name := range carried {
		if _, ok := pairs[name]; !ok {
			t.Errorf("the table has %s, which the server does not", name)
		}
	}
}

// asked reports whether a profile's question is about the field; others always are.
func asked(req *dialect.Request, field string) bool {
	var m map[string]any
	_ = json.Unmarshal(req.Body, &m)
	v, there := m[field]
	return !there || v != nil
}

// refusal is what a client sees.
type refusal struct {
	code int
	text string
}

// served is one question, and what the server makes of the answers to it.
type served struct {
	t       *testing.T
	d       *openim.Dialect
	command string
	req     *dialect.Request
	ev      *event.Event
}

// answer gives a verdict, has the server's struct read it, which must know every key,
// and the judge.
func (s served) answer(v event.Verdict) (imfake.Judgement, error) {
	s.t.Helper()
	res := s.d.Answer(s.ev, v)
	resp := pairs[s.command].resp()
	strict(s.t, res.Body, resp)
	return judged(s.req, res.Body), resp.Parse()
}

func judged(req *dialect.Request, body []byte) imfake.Judgement {
	return imfake.Judge(imfake.Question{Dialect: openim.Name, Request: req}, &dialect.Response{
		Status: http.StatusOK, Header: http.Header{"Content-Length": {strconv.Itoa(len(body))}}, Body: body,
	})
}

// want checks a verdict that changes nothing; nil lets it through.
func (s served) want(name string, v event.Verdict, want *refusal) {
	s.t.Helper()
	j, err := s.answer(v)
	if want == nil {
		if err != nil || j.Effect != imfake.Passed || j.Failed != "" || len(j.Members) > 0 {
			s.t.Errorf("%s: the server stops (%v) or it is %s", name, err, shown(j))
		}
		return
	}
	var code errs.CodeError
	if !errors.As(err, &code) || code.Code() != want.code || code.Msg() != want.text || code.Detail() != want.text {
		s.t.Errorf("%s: the client sees %v, want %d %s", name, err, want.code, want.text)
	}
	if j.Effect != imfake.Refused || j.Failed != "" || j.Code != want.code || j.Text != want.text {
		s.t.Errorf("%s: judged %s, want refused with %d %s", name, shown(j), want.code, want.text)
	}
}

// shown is a judgement in one line.
func shown(j imfake.Judgement) string {
	return fmt.Sprintf("%s (%d %q, failed: %q) with %v without %v", j.Effect, j.Code, j.Text, j.Failed, j.Fields, j.Members)
}

func (s served) stops(p part, v event.Verdict) {
	s.t.Helper()
	if j, err := s.answer(v); err == nil || j.Effect != imfake.Refused || j.Failed != "" {
		s.t.Errorf("%s: the server goes on (%v) and it is %s; the answer cannot carry it", p, err, shown(j))
	}
	if s.d.Carries(s.ev, v) == nil {
		s.t.Errorf("%s: Carries takes what the answer does not carry", p)
	}
}

func (s served) leavesOut(id string, v event.Verdict) {
	s.t.Helper()
	if j, err := s.answer(v); err != nil || j.Effect != imfake.Passed || j.Failed != "" || len(j.Members) != 1 || j.Members[0].ID != id {
		s.t.Errorf("one member: the server stops (%v) or it is %s, want that it leaves out %s", err, shown(j), id)
	}
	if err := s.d.Carries(s.ev, v); err != nil {
		s.t.Errorf("one member: %v", err)
	}
}

func (s served) changes(p part, v event.Verdict, fields []string) {
	s.t.Helper()
	j, err := s.answer(v)
	got := slices.Sorted(maps.Keys(j.Fields))
	for i, f := range got {
		if _, field, ok := bytes.Cut([]byte(f), []byte(".")); ok {
			got[i] = "*." + string(field)
		}
	}
	slices.Sort(got)
	if err != nil || j.Effect != imfake.Changed || j.Failed != "" || !reflect.DeepEqual(got, fields) {
		s.t.Errorf("%s: the server stops (%v) or changes %v, want %v; it is %s", p, err, got, fields, shown(j))
	}
	if err := s.d.Carries(s.ev, v); err != nil {
		s.t.Errorf("%s: %v", p, err)
	}
}

// The judge stops where the server's Parse does, of any answer that its struct can be
// read from, and fails where that cannot be.
func TestStructs_TheJudgeIsTheServer(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range current(d) {
		if c.Phase != event.Before {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			sample, err := d.Sample(c.Name, rand.New(rand.NewPCG(1, 9)), now)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(300) {
				resp := pairs[c.Name].resp()
				r := rand.New(rand.NewPCG(seed, 17))
				fill(reflect.ValueOf(resp).Elem(), r, "")
				m := loose(t, written(t, resp))
				m["actionCode"], m["nextCode"], m["errCode"] = float64(r.IntN(2)), float64(r.IntN(2)), float64(r.IntN(3)-1)
				if r.IntN(4) == 0 { // one field of another type
					m[slices.Sorted(maps.Keys(m))[r.IntN(len(m))]] = []any{"", 1.0, true, []any{1.0}, map[string]any{"a": 1.0}}[r.IntN(5)]
				}
				body, _ := json.Marshal(m)
				j := judged(&sample, body)
				again := pairs[c.Name].resp()
				if err := json.Unmarshal(body, again); err != nil {
					if j.Failed == "" || j.Effect != imfake.Refused {
						t.Fatalf("the server: %v; judged %s\n%s", err, shown(j), body)
					}
					continue
				}
				err := again.Parse()
				if stops := j.Effect == imfake.Refused && j.Failed == ""; stops != (err != nil) {
					t.Fatalf("the server stops: %v; judged %s\n%s", err, shown(j), body)
				}
				var code errs.CodeError
				if errors.As(err, &code) && (j.Code != max(code.Code(), 0) && j.Code != 500 || j.Text != code.Msg()) {
					t.Fatalf("the client sees %v; judged %s", err, shown(j))
				}
			}
		})
	}
}
