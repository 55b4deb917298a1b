package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
)

// warned parses a source and a hook of the built-in dialects and returns what is
// warned of, without its place.
func warned(t *testing.T, source, hook string) []string {
	t.Helper()
	o := options()
	o.Registry = builtin.New()
	o.Pattern = nil
	o.Matches = func(pattern string, phase event.Phase) func(*event.Event) bool {
		m, err := match.Compile(match.Rule{App: "shop", Phase: phase, Events: []string{pattern}}, o.Registry)
		if err != nil {
			t.Fatal(err)
		}
		return func(ev *event.Event) bool {
			one := *ev
			one.App = "shop"
			return m.Match(&one)
		}
	}
	c, err := config.Parse("imhook.yaml", []byte("apps:\n  - name: shop\n    sources: [{name: im, "+source+"}]\n    hooks: [{name: h, "+hook+"}]\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range c.Warnings() {
		all = append(all, w.Path+": "+w.Text)
	}
	return all
}

// TestWarnings_WhatASourceCannotBeTold names what a hook can say and a command of its
// sources cannot carry, and only that.
func TestWarnings_WhatASourceCannotBeTold(t *testing.T) {
	t.Parallel()
	const (
		openim   = "dialect: openim"
		tencent  = "dialect: tencent, credentials: {sdk_app_id: '1400000000', token: source-token}"
		wordlist = "builtin: wordlist, words: [x]"
		url      = "url: 'http://b', "
		lead     = "apps[0].hooks[0]: what it says may become a denial, for these commands cannot carry it: "
		end      = "; narrow events, or say what becomes of it: downgrade: {rewrite: deny}"
		sends    = "(openim:callbackBeforeSendSingleMsgCommand, openim:callbackBeforeSendGroupMsgCommand)"
	)
	for _, tt := range []struct {
		name, source, hook string
		want               []string
	}{
		{"masks what cannot be rewritten", openim, wordlist + ", events: [message.*]", []string{lead + "a rewrite " + sends + end}},
		{"masks what can be", openim, wordlist + ", events: [message.modify]", nil},
		{"denies", openim, wordlist + ", action: deny", nil},
		{"knows it", openim, wordlist + ", events: [message.*], downgrade: {rewrite: allow}", nil},
		{"knows the other thing", openim, wordlist + ", events: [message.*], downgrade: {drop: allow}", []string{lead + "a rewrite " + sends + end}},
		{"in the shadow", openim, wordlist + ", shadow: true", nil},
		{"off", openim, wordlist + ", enabled: false", nil},
		{"the same dialect", openim, url + openim, nil},
		{"the same of another generation", openim + ", generation: v3.5", url + openim + ", generation: v3.7", nil},
		{"can drop", openim, url + tencent + ", events: [message.send]", []string{lead + "a rewrite " + sends + ", a drop " + sends + strings.Replace(end, "}", ", drop: deny}", 1)}},
		{"a part is known", openim, url + tencent + ", events: [message.send], downgrade: {rewrite: deny}", []string{lead + "a drop " + sends + strings.Replace(end, "rewrite", "drop", 1)}},
		{"names members", openim, url + tencent + ", events: [group.member.invite]", []string{lead + "the refusal of single members (openim:callbackBeforeInviteJoinGroupCommand)" + strings.Replace(end, "rewrite", "partial", 1)}},
		{"cannot drop", tencent, url + openim + ", events: [message.send]", nil},
		{"more than are named", tencent, url + "dialect: cloudevents, events: [group.create, channel.*, topic.*], downgrade: {rewrite: deny, partial: deny}", []string{lead +
			"a drop (tencent:Group.CallbackBeforeCreateGroup, tencent:Group.CallbackBeforeCreateTopic, tencent:OfficialAccount.CallbackBeforeCreateOfficialAccount and 1 more)" +
			strings.Replace(end, "rewrite", "drop", 1)}},
		{"says all", "dialect: cloudevents", url + "dialect: cloudevents", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, warned(t, tt.source, tt.hook)); diff != "" {
				t.Errorf("warned of (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWarnings_WhatAHookIsNeverAsked names the patterns that its dialect has no question
// for, so that nobody takes a policy for moderation.
func TestWarnings_WhatAHookIsNeverAsked(t *testing.T) {
	t.Parallel()
	const (
		openim  = "dialect: openim"
		tencent = "url: 'http://b', dialect: tencent, credentials: {sdk_app_id: '1400000000', token: hook-token}, downgrade: {rewrite: deny, drop: deny}"
		end     = "; narrow events, choose another dialect, or write on_untranslatable"
		modify  = "is never asked about openim:callbackBeforeMsgModifyCommand, openim:callbackMsgModifyCommand, openim:callbackWordFilterCommand: tencent has no such question, and on_untranslatable (allow) decides" + end
	)
	for _, tt := range []struct {
		name, source, hook string
		want               []string
	}{
		{"one pattern", openim, tencent + ", events: [message.send, message.modify]", []string{"apps[0].hooks[0].events[1]: " + modify}},
		{"one that others are asked for", openim, tencent + ", events: [message.*]", nil},
		{"in the shadow", openim, tencent + ", events: [message.modify], shadow: true", []string{"apps[0].hooks[0].events[0]: " + modify}},
		{"knows it", openim, tencent + ", events: [message.modify], on_untranslatable: allow", nil},
		{"off", openim, tencent + ", events: [message.modify], enabled: false", nil},
		{"has the question", openim, "url: 'http://b', dialect: openim, events: [message.modify]", nil},
		{"a word list", openim, "builtin: wordlist, words: [x], events: [message.modify]", nil},
		{"no pattern", "dialect: cloudevents", tencent, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, warned(t, tt.source, tt.hook)); diff != "" {
				t.Errorf("warned of (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWarnings_KeysWithoutEffectOnAWordlist: it is asked of nobody.
func TestWarnings_KeysWithoutEffectOnAWordlist(t *testing.T) {
	t.Parallel()
	got := warned(t, "dialect: cloudevents", "builtin: wordlist, words: [x], timeout: 1s, breaker: {off: true}, on_bad_reply: deny, on_untranslatable: deny, on_timeout: deny, on_error: deny, on_overload: deny")
	var want []string
	for _, key := range []string{"timeout", "breaker", "on_bad_reply", "on_untranslatable"} {
		want = append(want, "apps[0].hooks[0]."+key+": has no effect with builtin: wordlist, which is asked of nobody; remove it")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warned of (-want +got):\n%s", diff)
	}
}
