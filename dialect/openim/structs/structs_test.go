package structs

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openimsdk/open-im-server/v3/pkg/callbackstruct"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

// now is when the samples are taken.
var now = time.Date(2026, 11, 21, 8, 30, 0, 123e6, time.UTC)

// pair is the server's request and answer of a command.
type pair struct {
	req  func() any
	resp func() callbackstruct.CallbackResp
}

func of[Req any, Resp any, P interface {
	*Resp
	callbackstruct.CallbackResp
}]() pair {
	return pair{func() any { return new(Req) }, func() callbackstruct.CallbackResp { return P(new(Resp)) }}
}

// pairs are all commands of v3.8.3.
var pairs = map[string]pair{
	callbackstruct.CallbackBeforeInviteJoinGroupCommand:    of[callbackstruct.CallbackBeforeInviteUserToGroupReq, callbackstruct.CallbackBeforeInviteUserToGroupResp](),
	callbackstruct.CallbackAfterJoinGroupCommand:           of[callbackstruct.CallbackAfterJoinGroupReq, callbackstruct.CallbackAfterJoinGroupResp](),
	callbackstruct.CallbackAfterSetGroupInfoCommand:        of[callbackstruct.CallbackAfterSetGroupInfoReq, callbackstruct.CallbackAfterSetGroupInfoResp](),
	callbackstruct.CallbackAfterSetGroupInfoExCommand:      of[callbackstruct.CallbackAfterSetGroupInfoExReq, callbackstruct.CallbackAfterSetGroupInfoExResp](),
	callbackstruct.CallbackBeforeSetGroupInfoCommand:       of[callbackstruct.CallbackBeforeSetGroupInfoReq, callbackstruct.CallbackBeforeSetGroupInfoResp](),
	callbackstruct.CallbackBeforeSetGroupInfoExCommand:     of[callbackstruct.CallbackBeforeSetGroupInfoExReq, callbackstruct.CallbackBeforeSetGroupInfoExResp](),
	callbackstruct.CallbackAfterRevokeMsgCommand:           of[callbackstruct.CallbackAfterRevokeMsgReq, callbackstruct.CallbackAfterRevokeMsgResp](),
	callbackstruct.CallbackBeforeAddBlackCommand:           of[callbackstruct.CallbackBeforeAddBlackReq, callbackstruct.CallbackBeforeAddBlackResp](),
	callbackstruct.CallbackAfterAddFriendCommand:           of[callbackstruct.CallbackAfterAddFriendReq, callbackstruct.CallbackAfterAddFriendResp](),
	callbackstruct.CallbackBeforeAddFriendAgreeCommand:     of[callbackstruct.CallbackBeforeAddFriendAgreeReq, callbackstruct.CallbackBeforeAddFriendAgreeResp](),
	callbackstruct.CallbackAfterAddFriendAgreeCommand:      of[callbackstruct.CallbackAfterAddFriendAgreeReq, callbackstruct.CallbackAfterAddFriendAgreeResp](),
	callbackstruct.CallbackAfterDeleteFriendCommand:        of[callbackstruct.CallbackAfterDeleteFriendReq, callbackstruct.CallbackAfterDeleteFriendResp](),
	callbackstruct.CallbackBeforeImportFriendsCommand:      of[callbackstruct.CallbackBeforeImportFriendsReq, callbackstruct.CallbackBeforeImportFriendsResp](),
	callbackstruct.CallbackAfterImportFriendsCommand:       of[callbackstruct.CallbackAfterImportFriendsReq, callbackstruct.CallbackAfterImportFriendsResp](),
	callbackstruct.CallbackAfterRemoveBlackCommand:         of[callbackstruct.CallbackAfterRemoveBlackReq, callbackstruct.CallbackAfterRemoveBlackResp](),
	callbackstruct.CallbackAfterQuitGroupCommand:           of[callbackstruct.CallbackQuitGroupReq, callbackstruct.CallbackQuitGroupResp](),
	callbackstruct.CallbackAfterKickGroupCommand:           of[callbackstruct.CallbackKillGroupMemberReq, callbackstruct.CallbackKillGroupMemberResp](),
	callbackstruct.CallbackAfterDisMissGroupCommand:        of[callbackstruct.CallbackDisMissGroupReq, callbackstruct.CallbackDisMissGroupResp](),
	callbackstruct.CallbackBeforeJoinGroupCommand:          of[callbackstruct.CallbackJoinGroupReq, callbackstruct.CallbackJoinGroupResp](),
	callbackstruct.CallbackAfterGroupMsgReadCommand:        of[callbackstruct.CallbackGroupMsgReadReq, callbackstruct.CallbackGroupMsgReadResp](),
	callbackstruct.CallbackBeforeMsgModifyCommand:          of[callbackstruct.CallbackMsgModifyCommandReq, callbackstruct.CallbackMsgModifyCommandResp](),
	callbackstruct.CallbackAfterUpdateUserInfoCommand:      of[callbackstruct.CallbackAfterUpdateUserInfoReq, callbackstruct.CallbackAfterUpdateUserInfoResp](),
	callbackstruct.CallbackAfterUpdateUserInfoExCommand:    of[callbackstruct.CallbackAfterUpdateUserInfoExReq, callbackstruct.CallbackAfterUpdateUserInfoExResp](),
	callbackstruct.CallbackBeforeUpdateUserInfoExCommand:   of[callbackstruct.CallbackBeforeUpdateUserInfoExReq, callbackstruct.CallbackBeforeUpdateUserInfoExResp](),
	callbackstruct.CallbackBeforeUserRegisterCommand:       of[callbackstruct.CallbackBeforeUserRegisterReq, callbackstruct.CallbackBeforeUserRegisterResp](),
	callbackstruct.CallbackAfterUserRegisterCommand:        of[callbackstruct.CallbackAfterUserRegisterReq, callbackstruct.CallbackAfterUserRegisterResp](),
	callbackstruct.CallbackAfterTransferGroupOwnerCommand:  of[callbackstruct.CallbackTransferGroupOwnerReq, callbackstruct.CallbackTransferGroupOwnerResp](),
	callbackstruct.CallbackBeforeSetFriendRemarkCommand:    of[callbackstruct.CallbackBeforeSetFriendRemarkReq, callbackstruct.CallbackBeforeSetFriendRemarkResp](),
	callbackstruct.CallbackAfterSetFriendRemarkCommand:     of[callbackstruct.CallbackAfterSetFriendRemarkReq, callbackstruct.CallbackAfterSetFriendRemarkResp](),
	callbackstruct.CallbackAfterSingleMsgReadCommand:       of[callbackstruct.CallbackSingleMsgReadReq, callbackstruct.CallbackSingleMsgReadResp](),
	callbackstruct.CallbackBeforeSendSingleMsgCommand:      of[callbackstruct.CallbackBeforeSendSingleMsgReq, callbackstruct.CallbackBeforeSendSingleMsgResp](),
	callbackstruct.CallbackAfterSendSingleMsgCommand:       of[callbackstruct.CallbackAfterSendSingleMsgReq, callbackstruct.CallbackAfterSendSingleMsgResp](),
	callbackstruct.CallbackBeforeSendGroupMsgCommand:       of[callbackstruct.CallbackBeforeSendGroupMsgReq, callbackstruct.CallbackBeforeSendGroupMsgResp](),
	callbackstruct.CallbackAfterSendGroupMsgCommand:        of[callbackstruct.CallbackAfterSendGroupMsgReq, callbackstruct.CallbackAfterSendGroupMsgResp](),
	callbackstruct.CallbackAfterUserOnlineCommand:          of[callbackstruct.CallbackUserOnlineReq, callbackstruct.CallbackUserOnlineResp](),
	callbackstruct.CallbackAfterUserOfflineCommand:         of[callbackstruct.CallbackUserOfflineReq, callbackstruct.CallbackUserOfflineResp](),
	callbackstruct.CallbackAfterUserKickOffCommand:         of[callbackstruct.CallbackUserKickOffReq, callbackstruct.CallbackUserKickOffResp](),
	callbackstruct.CallbackBeforeOfflinePushCommand:        of[callbackstruct.CallbackBeforePushReq, callbackstruct.CallbackBeforePushResp](),
	callbackstruct.CallbackBeforeOnlinePushCommand:         of[callbackstruct.CallbackBeforePushReq, callbackstruct.CallbackBeforePushResp](),
	callbackstruct.CallbackBeforeGroupOnlinePushCommand:    of[callbackstruct.CallbackBeforeSuperGroupOnlinePushReq, callbackstruct.CallbackBeforeSuperGroupOnlinePushResp](),
	callbackstruct.CallbackBeforeAddFriendCommand:          of[callbackstruct.CallbackBeforeAddFriendReq, callbackstruct.CallbackBeforeAddFriendResp](),
	callbackstruct.CallbackBeforeUpdateUserInfoCommand:     of[callbackstruct.CallbackBeforeUpdateUserInfoReq, callbackstruct.CallbackBeforeUpdateUserInfoResp](),
	callbackstruct.CallbackBeforeCreateGroupCommand:        of[callbackstruct.CallbackBeforeCreateGroupReq, callbackstruct.CallbackBeforeCreateGroupResp](),
	callbackstruct.CallbackAfterCreateGroupCommand:         of[callbackstruct.CallbackAfterCreateGroupReq, callbackstruct.CallbackAfterCreateGroupResp](),
	callbackstruct.CallbackBeforeMembersJoinGroupCommand:   of[callbackstruct.CallbackBeforeMembersJoinGroupReq, callbackstruct.CallbackBeforeMembersJoinGroupResp](),
	callbackstruct.CallbackBeforeSetGroupMemberInfoCommand: of[callbackstruct.CallbackBeforeSetGroupMemberInfoReq, callbackstruct.CallbackBeforeSetGroupMemberInfoResp](),
	callbackstruct.CallbackAfterSetGroupMemberInfoCommand:  of[callbackstruct.CallbackAfterSetGroupMemberInfoReq, callbackstruct.CallbackAfterSetGroupMemberInfoResp](),
}

// notIn383 are the commands that only main has.
var notIn383 = []string{
	"callbackAfterMsgSaveDBCommand",
	"callbackBeforeCreateSingleChatConversationsCommand", "callbackAfterCreateSingleChatConversationsCommand",
	"callbackBeforeCreateGroupChatConversationsCommand", "callbackAfterCreateGroupChatConversationsCommand",
}

// current are the dialect's commands that v3.8.3 has.
func current(d dialect.Dialect) []dialect.Command {
	var list []dialect.Command
	for _, c := range d.Spec().Commands {
		// The older names have no word in today's configuration.
		if len(c.Aliases) > 0 && !slices.Contains(notIn383, c.Name) {
			list = append(list, c)
		}
	}
	return list
}

func TestStructs_TheDialectHasTheServersCommandsAndNoOthers(t *testing.T) {
	t.Parallel()
	d := openim.New()
	ours := map[string]bool{}
	for _, c := range current(d) {
		ours[c.Name] = true
		if _, ok := pairs[c.Name]; !ok {
			t.Errorf("the server has no %s", c.Name)
		}
	}
	for name := range maps.Keys(pairs) {
		if !ours[name] {
			t.Errorf("the dialect has no %s", name)
		}
	}
}

// strict reads a body into the server's struct, as a backend does that takes no key
// it does not know.
func strict(t *testing.T, body []byte, into any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

// written is what the server writes for a struct: encoding/json's Encoder.
func written(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func loose(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m
}

// What we write, as a sample and said again from the canonical form, is what the
// server writes: read into its struct and written by it, every key is there again,
// with the same value, null where it has null, and no other.
func TestStructs_WhatWeWriteIsWhatTheServerWrites(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range current(d) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(50) {
				sample, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 3)), now)
				if err != nil {
					t.Fatal(err)
				}
				same(t, c.Name, sample.Body)
				evs, err := d.Decode(&sample)
				if err != nil || len(evs) != 1 {
					t.Fatalf("%d events, %v", len(evs), err)
				}
				reqs, err := d.Encode(evs[0], dialect.Target{Now: now})
				if err != nil || len(reqs) != 1 {
					t.Fatalf("%d requests, %v", len(reqs), err)
				}
				same(t, c.Name, reqs[0].Body)
			}
		})
	}
}

// A backend that takes no key it does not know takes what we say for other vendors:
// every key is there, of the right type, and no other.
func TestStructs_WhatIsSaidForOthersIsWhatTheServerWrites(t *testing.T) {
	t.Parallel()
	d := openim.New()
	said := map[string]bool{}
	for _, from := range []dialect.Dialect{wildfirechat.New(), rongcloud.New(), tencent.New(), easemob.New()} {
		for _, c := range from.Spec().Commands {
			for seed := range uint64(20) {
				sample, err := from.Sample(c.Name, rand.New(rand.NewPCG(seed, 13)), now)
				if err != nil {
					t.Fatal(err)
				}
				evs, err := from.Decode(&sample)
				if err != nil {
					t.Fatal(err)
				}
				for _, ev := range evs {
					ev.ID = "ev-1"
					reqs, err := d.Encode(ev, dialect.Target{Now: now})
					if err != nil && !errors.Is(err, dialect.ErrUntranslatable) {
						t.Errorf("%s %s: %v", from.Spec().Name, c.Name, err)
					}
					for i := range reqs {
						command := strings.TrimPrefix(reqs[i].Path, "/")
						if slices.Contains(notIn383, command) {
							t.Fatalf("%s %s is said as %s, which v3.8.3 does not have", from.Spec().Name, c.Name, command)
						}
						same(t, command, reqs[i].Body)
						said[command] = true
					}
				}
			}
		}
	}
	if len(said) < 20 {
		t.Errorf("only %d commands are said: %v", len(said), said)
	}
}

func same(t *testing.T, command string, body []byte) {
	t.Helper()
	v := pairs[command].req()
	strict(t, body, v)
	if want, got := loose(t, written(t, v)), loose(t, body); !reflect.DeepEqual(want, got) {
		t.Fatalf("%s: the server writes\n%v\nwe write\n%v", command, want, got)
	}
	if got := v.(callbackstruct.CallbackReq).GetCallbackCommand(); got != command {
		t.Fatalf("the body says %q, want %q", got, command)
	}
}

// What the server writes is understood: its struct filled at random, also with its
// zero values, decodes to the command's type and is said again with the same values.
func TestStructs_WhatTheServerWritesIsUnderstood(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range current(d) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(200) {
				v := pairs[c.Name].req()
				fill(reflect.ValueOf(v).Elem(), rand.New(rand.NewPCG(seed, 5)), "")
				body := written(t, v)
				m := loose(t, body)
				m["callbackCommand"] = c.Name
				fit(c.Name, m)
				body, _ = json.Marshal(m)
				evs, err := d.Decode(&dialect.Request{Path: "/" + c.Name, Body: body})
				if err != nil {
					t.Fatalf("%v\n%s", err, body)
				}
				for _, ev := range evs {
					if !slices.Contains(c.Types, ev.Type) || ev.Phase != c.Phase {
						t.Fatalf("reads as %s %s\n%s", ev.Phase, ev.Type, body)
					}
				}
				if len(evs) != 1 {
					continue
				}
				reqs, err := d.Encode(evs[0], dialect.Target{Now: now})
				if err != nil || len(reqs) != 1 {
					t.Fatalf("%d requests, %v\n%s", len(reqs), err, body)
				}
				if got := loose(t, reqs[0].Body); !reflect.DeepEqual(m, got) {
					for k := range m {
						if !reflect.DeepEqual(m[k], got[k]) {
							t.Errorf("%s: was %v, is %v", k, m[k], got[k])
						}
					}
					t.Fatalf("said again it is\n%v\nwas\n%v", got, m)
				}
			}
		})
	}
}

// fill sets a struct's fields at random: every third time a pointer or a list stays
// nil, so that null is written.
func fill(v reflect.Value, r *rand.Rand, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), r, f.Name)
			}
		}
	case reflect.Pointer:
		if r.IntN(3) > 0 || name == "GroupInfo" {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r, name)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for range r.IntN(3) {
			e := reflect.New(v.Type().Elem()).Elem()
			if e.Kind() == reflect.Pointer {
				e.Set(reflect.New(e.Type().Elem()))
				fill(e.Elem(), r, name)
			} else {
				fill(e, r, name)
			}
			v.Set(reflect.Append(v, e))
		}
	case reflect.String:
		const letters = "abcdefghijklm_<&é\n\"0"
		id := []rune(letters)
		n := r.IntN(6)
		if strings.HasSuffix(name, "ID") {
			n += 2
		}
		s := ""
		for range n {
			s += string(id[r.IntN(len(id))])
		}
		v.SetString(s)
	case reflect.Int32:
		v.SetInt(int64(r.IntN(4)))
	case reflect.Int64:
		v.SetInt(1795163400000 + int64(r.IntN(5)))
	case reflect.Uint32:
		v.SetUint(uint64(r.IntN(5)))
	case reflect.Int:
		v.SetInt(int64(r.IntN(13)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	}
}

// fit puts values that the server writes where chance would not: a list that is
// never empty, numbers that are one of a few.
func fit(command string, m map[string]any) {
	if m["HandleResult"] != nil {
		m["HandleResult"] = 1.0
	}
	if t, ok := m["groupType"].(string); ok {
		m["groupType"] = string(rune(len(t) % 3))
	}
	if ids, ok := m["friendUserIDs"].([]any); ok && len(ids) == 0 || command == callbackstruct.CallbackAfterImportFriendsCommand {
		m["friendUserIDs"] = []any{"bo"}
	}
	if users, ok := m["users"].([]any); ok || command == callbackstruct.CallbackBeforeUserRegisterCommand || command == callbackstruct.CallbackAfterUserRegisterCommand {
		user := map[string]any{"userID": "bo", "nickname": "", "faceURL": "", "ex": "", "createTime": 0.0, "appMangerLevel": 0.0, "globalRecvMsgOpt": 0.0}
		if len(users) > 0 {
			user, _ = users[0].(map[string]any)
		}
		user["userID"] = "bo"
		m["users"] = []any{user}
	}
	if _, ok := m["initMemberList"]; ok {
		m["initMemberList"] = []any{map[string]any{"userID": "bo", "roleLevel": 100.0}, map[string]any{"userID": "cy", "roleLevel": 20.0}}
	}
	if m["roleLevel"] != nil {
		m["roleLevel"] = 60.0
	}
	if command == callbackstruct.CallbackAfterGroupMsgReadCommand {
		m["receiveID"] = m["sendID"]
	}
}

// The server's own Parse takes no word of a failed call for an answer.
func TestStructs_TheServerTakesNoRefusalOfOursForAnAnswer(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range current(d) {
		for status, err := range map[int]error{401: dialect.ErrSignature, 503: errors.New("busy")} {
			res := d.Refuse(&dialect.Request{Path: "/" + c.Name}, status, err)
			if c.Phase == event.Before && json.Unmarshal(res.Body, pairs[c.Name].resp()) == nil {
				t.Errorf("%s: the server takes %q for an answer", c.Name, res.Body)
			}
		}
	}
}

// What a backend writes with the server's structs is read as the server reads it.
func TestStructs_AnswersOfBackendsAreReadAsByTheServer(t *testing.T) {
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
			evs, err := d.Decode(&sample)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(200) {
				resp := pairs[c.Name].resp()
				r := rand.New(rand.NewPCG(seed, 11))
				fill(reflect.ValueOf(resp).Elem(), r, "")
				m := loose(t, written(t, resp))
				m["actionCode"], m["nextCode"] = float64(r.IntN(2)), float64(r.IntN(2))
				if list, ok := m["memberCallbackList"].([]any); ok {
					for _, e := range list {
						e.(map[string]any)["userID"] = "bo"
					}
				}
				body, _ := json.Marshal(m)
				again := pairs[c.Name].resp()
				strict(t, body, again)
				v, err := d.Verdict(evs[0], &dialect.Response{Status: 200, Body: body}, dialect.Target{})
				if err != nil {
					t.Fatalf("%v\n%s", err, body)
				}
				if stops := again.Parse() != nil; stops != (v.Action == event.Deny) {
					t.Fatalf("the server stops: %v, the verdict is %s\n%s", stops, v.Action, body)
				}
			}
		})
	}
}
