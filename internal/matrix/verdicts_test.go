package matrix_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/internal/matrix"
)

const verdictsPage = "../../docs/dialects/verdicts.md"

func verdicts(t *testing.T) []matrix.Answers {
	t.Helper()
	all, err := matrix.Verdicts(builtin.New())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVerdictsMarkdown_IsWhatTheDocsHave(t *testing.T) {
	t.Parallel()
	got := string(matrix.VerdictsMarkdown(verdicts(t)))
	if *update {
		if err := os.WriteFile(verdictsPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(verdictsPage)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s is not current (-file +dialects): go test ./internal/matrix -update\n%s", verdictsPage, d)
	}
}

// capability is what the vendors' pages and sources say that a command can be
// answered.
type capability struct {
	drop bool
	// rewrites are the fields of bodies, in any order.
	rewrites []string
	members  bool
}

// The bodies that several commands take.
var (
	profile   = []string{"user.displayName", "user.avatar", "user.extra"}
	settings  = []string{"group.name", "group.introduction", "group.avatar", "group.extra"}
	modified  = []string{"message.text", "message.kind", "message.mentions", "message.extra", "user.displayName", "user.avatar"}
	replaced  = []string{"message.text", "message.media", "message.mentions", "message.extra", "message.push"}
	elements  = []string{"message.text", "message.media", "message.custom", "message.extra", "message.kind"}
	offlineOf = capability{rewrites: []string{"message.push"}, members: true}
)

// capabilities are those of the commands that take more than allow and deny. What
// OpenIM's own answers change in vendor fields alone is not among them, and neither is
// what its server reads and then throws away (the pushes to users who are online, and the
// notification of group settings).
var capabilities = map[string]capability{
	"wildfirechat censor": {rewrites: []string{"message.text", "message.push", "message.mentions", "message.options", "message.extra", "message.kind"}},

	"openim callbackBeforeMsgModifyCommand":        {rewrites: modified},
	"openim callbackMsgModifyCommand":              {rewrites: modified},
	"openim callbackWordFilterCommand":             {rewrites: []string{"message.text"}},
	"openim callbackBeforeUserRegisterCommand":     {rewrites: profile},
	"openim callbackBeforeUpdateUserInfoCommand":   {rewrites: profile},
	"openim callbackBeforeUpdateUserInfoExCommand": {rewrites: profile},
	"openim callbackBeforeSetFriendRemarkCommand":  {rewrites: []string{"friend.alias"}},
	"openim callbackBeforeSetFriendRemark":         {rewrites: []string{"friend.alias"}},
	"openim callbackBeforeImportFriendsCommand":    {members: true},
	"openim callbackBeforeCreateGroupCommand":      {rewrites: append([]string{"group.owner", "group.muted", "group.announcement"}, settings...)},
	"openim callbackBeforeSetGroupInfoCommand":     {rewrites: settings},
	"openim callbackBeforeSetGroupInfoExCommand":   {rewrites: settings},
	"openim callbackBeforeOfflinePushCommand":      offlineOf,
	"openim callbackOfflinePushCommand":            offlineOf,

	"rongcloud message_callback":                {rewrites: replaced},
	"rongcloud direct_channel:pre_messaging":    {rewrites: replaced},
	"rongcloud group_channel:pre_messaging":     {rewrites: replaced},
	"rongcloud open_channel:pre_messaging":      {rewrites: replaced},
	"rongcloud community_channel:pre_messaging": {rewrites: replaced},

	"tencent C2C.CallbackBeforeSendMsg":                   {drop: true, rewrites: elements},
	"tencent Group.CallbackBeforeSendMsg":                 {drop: true, rewrites: elements},
	"tencent OfficialAccount.CallbackBeforeSendMsg":       {drop: true, rewrites: elements},
	"tencent Group.CallbackBeforeInviteJoinGroup":         {members: true},
	"tencent OfficialAccount.CallbackBeforeAddSubscriber": {members: true},
	"tencent Sns.CallbackPrevFriendAdd":                   {members: true},
	"tencent Sns.CallbackPrevFriendResponse":              {members: true},

	"easemob pre_send": {rewrites: []string{"message.text", "message.media", "message.location", "message.custom", "message.extra"}},
}

// TestVerdicts_AreWhatTheVendorsSay checks what the dialects' Carries says against a
// table that was written from the vendors' pages.
func TestVerdicts_AreWhatTheVendorsSay(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range verdicts(t) {
		name := a.Dialect + " " + a.Command
		if a.Dialect == cloudevents.Name {
			if !a.Allow || !a.Deny || !a.Drop || len(a.Rewrites) == 0 || !a.Members && !a.Few {
				t.Errorf("%s tells all, but %+v", name, a)
			}
			continue
		}
		want := capabilities[name]
		seen[name] = true
		if !a.Allow || !a.Deny {
			t.Errorf("%s %s: allow %t, deny %t; every command knows both", name, a.Generation, a.Allow, a.Deny)
		}
		if a.Drop != want.drop || a.Members != want.members && !a.Few {
			t.Errorf("%s %s: drop %t, some members %t; want %t, %t", name, a.Generation, a.Drop, a.Members, want.drop, want.members)
		}
		rewrites := slices.Sorted(slices.Values(want.rewrites))
		if d := cmp.Diff(rewrites, a.Rewrites, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s %s: what can be rewritten (-vendor +dialect):\n%s", name, a.Generation, d)
		}
	}
	for name := range capabilities {
		if !seen[name] {
			t.Errorf("%s is in the table and no command", name)
		}
	}
}
