package builtin_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
)

// byHand are CloudEvents as a person writes them: no more than what the event is
// about. to are the vendors who have words for it.
var byHand = []struct{ name, typ, data, to, says string }{
	{
		"message to a user", "message.send", `{"actor":{"id":"ann"},"conversation":{"kind":"direct","id":"bob"},"message":{"text":"see you"}}`,
		"wildfirechat openim rongcloud tencent easemob", "see you",
	},
	{
		"message to a group", "message.send", `{"actor":{"id":"ann"},"conversation":{"kind":"group","id":"g7"},"message":{"text":"see you"}}`,
		"wildfirechat openim rongcloud tencent easemob", "see you",
	},
	{
		"picture", "message.send", `{"actor":{"id":"ann"},"conversation":{"kind":"group","id":"g7"},"message":{"kind":"image","media":{"url":"https://media.example.com/a.jpg"}}}`,
		"wildfirechat openim rongcloud tencent easemob", "a.jpg",
	},
	{"a device came", "user.online", `{"user":{"id":"ann"}}`, "wildfirechat openim rongcloud tencent easemob", "ann"},
	{"a device went", "user.offline", `{"user":{"id":"ann"},"presence":{"reason":"logout","platform":"ios"}}`, "wildfirechat openim rongcloud tencent easemob", "ann"},
	{"a session was ended", "user.kick", `{"user":{"id":"ann"},"actor":{"id":"root"}}`, "wildfirechat openim rongcloud tencent easemob", "ann"},
	{"a profile changed", "user.update", `{"user":{"id":"ann","displayName":"Ann"}}`, "wildfirechat openim rongcloud tencent", "Ann"},
	{"an account was made", "user.register", `{"user":{"id":"ann","displayName":"Ann"}}`, "wildfirechat openim", "Ann"},
	{"members came", "group.member.join", `{"group":{"id":"g7"},"members":[{"id":"ann"},{"id":"bob"}]}`, "wildfirechat openim rongcloud tencent easemob", "ann"},
	{"a group was made", "group.create", `{"actor":{"id":"ann"},"group":{"id":"g7","name":"Rowing"}}`, "wildfirechat openim rongcloud tencent easemob", "g7"},
	{"a group was dissolved", "group.destroy", `{"actor":{"id":"ann"},"group":{"id":"g7"}}`, "wildfirechat openim rongcloud tencent easemob", "g7"},
	{"somebody entered a room", "chatroom.member.join", `{"chatroom":{"id":"r7"},"members":[{"id":"ann"}]}`, "wildfirechat rongcloud tencent easemob", "ann"},
	{"friends", "friend.add", `{"actor":{"id":"ann"},"members":[{"id":"bob"}]}`, "wildfirechat openim rongcloud tencent easemob", "bob"},
	{
		"a message was taken back", "message.recall",
		`{"actor":{"id":"ann"},"conversation":{"kind":"direct","id":"bob"},"message":{"id":"m1"}}`,
		"wildfirechat rongcloud tencent easemob", "ann",
	},
	{"a conference", "conference.join", `{"conference":{"id":"c7"},"members":[{"id":"ann"}]}`, "wildfirechat", "c7"},
	{"may it be sent", "message.send/before", `{"actor":{"id":"ann"},"conversation":{"kind":"group","id":"g7"},"message":{"text":"see you"}}`, "wildfirechat openim rongcloud tencent easemob", "see you"},
}

func TestCloudEvents_WrittenByHandReachTheVendorsBackends(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	ce := cloudevents.New()
	for _, tt := range byHand {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			typ, phase := tt.typ, "after"
			if name, ok := strings.CutSuffix(tt.typ, "/before"); ok {
				typ, phase = name, "before"
			}
			body := fmt.Sprintf(`{"specversion":"1.0","id":"e-1","type":"im.%s","imphase":%q,"data":%s}`, typ, phase, tt.data)
			evs, err := ce.Decode(&dialect.Request{ContentType: "application/json", Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range builtin.New().All() {
				if d.Spec().Name == cloudevents.Name {
					continue
				}
				want := slices.Contains(strings.Fields(tt.to), d.Spec().Name)
				reqs, err := d.Encode(evs[0], dialect.Target{Credentials: sampleKeys(d.Spec()), Now: now})
				switch {
				case err != nil && want, err == nil && !want, err != nil && !errors.Is(err, dialect.ErrUntranslatable):
					t.Errorf("%s: %d requests, %v", d.Spec().Name, len(reqs), err)
					continue
				case err != nil:
					continue
				}
				said := reqs[0].Query + string(reqs[0].Body)
				if form, err := url.QueryUnescape(said); err == nil {
					said = form
				}
				if !strings.Contains(said, tt.says) {
					t.Errorf("%s says %s, want %s in it", d.Spec().Name, said, tt.says)
				}
			}
		})
	}
}
