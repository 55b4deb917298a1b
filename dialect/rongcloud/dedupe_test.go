package rongcloud_test

import (
	"net/url"
	"testing"
)

// The vendor's retry repeats every byte; two reports that differ in what happened
// are two events, also where the pages' own key fields are the same.
func TestDecode_TellsARetryFromAnotherEvent(t *testing.T) {
	t.Parallel()
	kv := func(version, value, time string) string {
		return `{"chatroomId":"r1","key":"seat","value":"` + value + `","optType":1,"userId":"ann","status":0,"timestamp":` + time + `,"version":` + version + `}`
	}
	audit := func(result, provider, detail string) string {
		return `{"result":` + result + `,"content":"{\"fromUserId\":\"ann\",\"targetId\":\"bob\",\"conversationType\":\"PERSON\"}","msgUID":"M1","serviceProvider":"` +
			provider + `","resultDetail":"` + detail + `"}`
	}
	profile := func(more ...string) url.Values {
		return form(append([]string{"userId", "ann", "type", "1", "time", "1795200000123"}, more...)...)
	}
	deletion := func(id string) string {
		return `{"eventType":2,"fromUserId":"ann","optTime":1795200000123,"source":"iOS","conversationInfo":{"conversationType":3,"targetId":"g1"},` +
			`"originalMsgInfo":{"messageId":"` + id + `","messageTime":1795200000000},"deleteMsgInfo":{"deleteType":1}}`
	}
	online := func(session, status string) string {
		return `[{"userid":"ann","status":"` + status + `","os":"iOS","time":1795200000123,"clientIp":"203.0.113.9:1","sessionId":"` + session + `"}]`
	}
	groups := func(users, operation string) string {
		return `[{"groupId":"g1","eventType":` + operation + `,"time":1795200000123,"optUserId":"ann","userIds":[` + users + `]}]`
	}
	for _, tt := range []struct {
		path   string
		bodies []any
	}{
		{"/chatroom_kv", []any{kv("7", "a", "1795200000123"), kv("8", "a", "1795200000123"), kv("7", "a", "1795200000124"), kv("7", "b", "1795200000123")}},
		{"/audit_result", []any{audit("10000", "p", ""), audit("10001", "p", ""), audit("10000", "q", ""), audit("10000", "p", "{}")}},
		{"/user_profile", []any{profile(), profile("userProfile", `{"name":"a"}`), profile("userProfile", `{"name":"b"}`), profile("userExtProfile", `{"name":"a"}`)}},
		{"/message_operation", []any{deletion("M1"), deletion("M2")}},
		{"/online_status", []any{online("s1", "0"), online("s2", "0"), online("s1", "1"), online("s1", "2")}},
		{"/group_operation", []any{groups(`"bob"`, "2"), groups(`"carl"`, "2"), groups(`"bob","carl"`, "2"), groups(`"bob"`, "3")}},
		{"/group_profile", []any{
			`[{"groupId":"g1","groupName":"a","time":1795200000123}]`, `[{"groupId":"g1","groupName":"b","time":1795200000123}]`,
			`[{"groupId":"g1","groupname":"b","time":1795200000123}]`, `[{"groupId":"g1","groupProfile":{"introduction":"a"},"time":1795200000123}]`,
		}},
	} {
		seen := map[string]any{}
		for _, body := range tt.bodies {
			first, again := read(t, tt.path, body), read(t, tt.path, body)
			if first.Dedupe == "" || first.Dedupe != again.Dedupe {
				t.Errorf("%s %v: keys %q and %q, want one for both", tt.path, body, first.Dedupe, again.Dedupe)
			}
			if other, ok := seen[first.Dedupe]; ok {
				t.Errorf("%s: %v and %v have the same key %q", tt.path, body, other, first.Dedupe)
			}
			seen[first.Dedupe] = body
		}
	}
}
