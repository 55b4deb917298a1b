package movein_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// TestWildfireChat_TypeFiltersPickWhatTheServerPicks: the lists are read as the
// server reads them, with what it passes over and where it gives up.
func TestWildfireChat_TypeFiltersPickWhatTheServerPicks(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("wildfirechat")
	if err != nil {
		t.Fatal(err)
	}
	set := func(all ...int) func(int) bool {
		return func(n int) bool {
			for i := 0; i+1 < len(all); i += 2 {
				if all[i] <= n && n <= all[i+1] {
					return true
				}
			}
			return false
		}
	}
	for _, tt := range []struct {
		types, exclude string
		want           func(int) bool
	}{
		{"1,2,3,5-10", "", set(1, 3, 5, 10)},
		{"", "7,100-300", set(0, 6, 8, 99, 301, 500)},
		{"1-450", "3,20-400", set(1, 2, 4, 19, 401, 450)},
		{"1, 2 ,3", "", set(1, 3)},
		{"1,2,", "", set(1, 2)},
		{"1,x,3", "", set(1, 1)},           // it gives up at x
		{"5 - 10", "", set(0, 500)},        // it gives up at once: all are forwarded
		{"1,5-7-9,3", "", set(1, 1, 3, 3)}, // it passes over two hyphens
		{"10-5", "", set(0, 500)},          // nothing is in it
		{"1-20,15-40,400", "", set(1, 40, 400, 400)},
	} {
		text := "message.forward.url http://b/im_event/message\nmessage.mentionmsg.forward.url http://b/im_event/message\n"
		if tt.types != "" {
			text += "message.forward.types " + tt.types + "\n"
		}
		if tt.exclude != "" {
			text += "message.forward.exclude_types " + tt.exclude + "\n"
		}
		p := plan(t, reg, "wildfirechat", text)
		m := matcher(t, reg, &p.Endpoints[0], event.After)
		for n := range 501 {
			for _, command := range []string{"message", "message_mention"} {
				req, err := d.Sample(command, rand.New(rand.NewPCG(1, 2)), time.Now())
				if err != nil {
					t.Fatal(err)
				}
				before, payload, _ := strings.Cut(string(req.Body), `"payload":{`)
				req.Body = []byte(before + `"payload":{` + string(withNumber(t, []byte(payload), "type", n)))
				want := command == "message_mention" || tt.want(n)
				if got := picked(t, m, decoded(t, d, &req)); got != want {
					t.Fatalf("types %q without %q: a %s of type %d is picked: %t\n%s", tt.types, tt.exclude, command, n, got, p.Endpoints[0].When)
				}
			}
		}
		if _, err := parse(reg, p.Config()); err != nil {
			t.Error(err)
		}
	}
}

// TestWildfireChat_EachKeyIsItsCallback: the path that is pasted and the rule that
// is written are those of the key's own callback.
func TestWildfireChat_EachKeyIsItsCallback(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("wildfirechat")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{
		"user.online_status_callback": "user_online", "relation.relation_update_callback": "user_relation", "relation.update_callback": "user_relation",
		"user.user_info_update_callback": "user_info", "user.info_update_callback": "user_info", "message.forward.url": "message",
		"message.sensitive.forward.url": "message_sensitive", "message.mentionmsg.forward.url": "message_mention",
		"message.recallmsg.forward.url": "recall_message", "things_message.forward.url": "things_message", "device.forward.url": "things_message",
		"group.group_info_update_callback": "group_info", "group.group_member_update_callback": "group_member",
		"channel.channel_info_update_callback": "channel_info", "chatroom.chatroom_info_update_callback": "chatroom_info",
		"chatroom.chatroom_member_update_callback": "chatroom_member", "monitor.exception_event_address": "exception",
	}
	for key, command := range keys {
		p := plan(t, reg, "wildfirechat", key+" http://backend:9/some/where\n")
		_, line, ok := strings.Cut(p.Paste(), "\n"+key+" http://imhook:8420/in/im")
		if !ok {
			t.Errorf("%s: the lines to paste are\n%s", key, p.Paste())
			continue
		}
		line, _, _ = strings.Cut(line, "\n")
		m := matcher(t, reg, &p.Endpoints[0], event.After)
		for _, c := range d.Spec().Commands {
			if c.Phase != event.After {
				continue
			}
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(1, 2)), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if c.Name == command {
				req.Path = line // what the server posts to when the line is pasted
			}
			if got := picked(t, m, decoded(t, d, &req)); got != (c.Name == command) {
				t.Errorf("%s: an event of %s is picked: %t", key, c.Name, got)
			}
		}
		if diff := cmp.Diff("/some/where", p.Endpoints[0].Paths[0].Path); diff != "" {
			t.Errorf("%s: path (-want +got):\n%s", key, diff)
		}
	}
}

func TestWildfireChat_BackendsAreGroupedByAddress(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"below one path", "message.forward.url http://b/app/im_event/message\ngroup.group_info_update_callback http://b/app/im_event/group/info\n", []string{"http://b/app map[]"}},
		{"no common path", "message.forward.url http://b/im_event/message\nmonitor.exception_event_address http://b/x/im_exception_event/\n", []string{"http://b map[exception:/x/im_exception_event/]"}},
		{"the slash at the end counts", "monitor.exception_event_address http://b/im_exception_event\n", []string{"http://b map[exception:/im_exception_event]"}},
		{"two slashes", "message.forward.url http://b//im_event/message\n", []string{"http://b map[message://im_event/message]"}},
		{"root", "message.forward.url http://b/\nuser.user_info_update_callback http://b\n", []string{"http://b map[message:/ user_info:]"}},
		{"old default", "message.forward.url http://b/message/forward\n", []string{"http://b map[message:/message/forward]"}},
		{
			"two backends, one by its query", "message.forward.url http://b/im_event/message?k=1\nuser.user_info_update_callback https://b/im_event/user/info\nmessage.recallmsg.forward.url http://b/im_event/recall_message?k=1\n",
			[]string{"http://b?k=1 map[]", "https://b map[]"},
		},
		{"odd characters", "message.forward.url http://b/{x}/%20/é\n", []string{"http://b map[message:/%7Bx%7D/%20/%C3%A9]"}},
	} {
		p := plan(t, reg, "wildfirechat", tt.text)
		c, err := parse(reg, p.Config())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []string
		for _, e := range c.Apps[0].Endpoints {
			got = append(got, fmt.Sprintf("%s %v", e.URL, e.Paths))
		}
		for i, want := range tt.want {
			if want = strings.Replace(want, "map[]", fmt.Sprint(map[string]string(nil)), 1); i < len(got) && got[i] != want {
				t.Errorf("%s: endpoint %d is %s, want %s", tt.name, i, got[i], want)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %d endpoints, want %d: %q", tt.name, len(got), len(tt.want), got)
		}
	}
}

func TestWildfireChat_Warnings(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	const on = "user.online_status_callback http://b/x\n"
	for _, tt := range []struct{ name, text, want string }{
		{"slip", on + "mesage.forward.url http://b/x\n", "conf:2:1: warning: mesage.forward.url: is no callback that is known and is left out; did you mean message.forward.url?"},
		{"unknown", on + "moments.feed_callback http://b/x\n", "conf:2:1: warning: moments.feed_callback: is no callback that is known and is left out"},
		{"java", on + "message.forward.url=http://b/x\n", "conf:2:1: warning: message.forward.url: is written as for Java properties"},
		{"twice", on + "user.online_status_callback http://c/x\n", "conf:1:1: warning: user.online_status_callback: is given again on line 2, which holds"},
		{"older word", "relation.update_callback http://b/x\n", "conf:1:1: warning: relation.update_callback: is an older word; servers of 2024 and later read relation.relation_update_callback"},
		{"both words", "relation.update_callback http://b/x\nrelation.relation_update_callback http://c/x\n", "conf:1:1: warning: relation.update_callback: is an older word for relation.relation_update_callback, which line 2 gives"},
		{"comment behind", on + "http_port 80 # the port\nmessage.forward.url http://b/y\n", "conf:2:1: warning: the server stops reading its file at a # behind a value"},
		{"censor of nothing", on + "sensitive.remote_server_url http://b/c\n", "conf:2:1: warning: sensitive.remote_server_url: sensitive.remote_sensitive_message_type is empty"},
		{"list", on + "message.forward.url http://b/m\nmessage.forward.types 1,two,3\n", "conf:3:1: warning: message.forward.types: holds what is no type; the server stops there"},
		{"device", "things_message.forward.url http://b/m\n", "conf:1:1: warning: things_message.forward.url: the community server never posts it"},
	} {
		p := plan(t, reg, "wildfirechat", tt.text)
		if got := warnings(p); !strings.Contains(got, tt.want) {
			t.Errorf("%s: warned\n%swant %s", tt.name, got, tt.want)
		}
	}
	if got := warnings(plan(t, reg, "wildfirechat", on+"qiniu.server_url http://up\npush.ios.server.address http://p/x\nqiniu.secret_key s=:\\\nmessage.roaming 1\nmedia.bucket_domain https://x\n")); strings.Contains(got, "left out") {
		t.Errorf("settings that are no callbacks are warned about:\n%s", got)
	}
}

func TestWildfireChat_ProblemsNameLineAndRemedy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "# nothing\n", "conf: no setting stands in it; name the server's own wildfirechat.conf"},
		{"nothing on", "server.ip 1.2.3.4\n#message.forward.url http://b\nmessage.recallmsg.forward.url\n", "conf: no callback has an address"},
		{"URL", "\nmessage.forward.url localhost:8888/x\n", "conf:2:1: message.forward.url: is not an http or https URL"},
		{"space", "message.forward.url http://b/a b\n", "conf:1:1: message.forward.url: "},
		{"escape", `message.forward.url=http://b/\u00g1` + "\n", `conf:1:1: message.forward.url: \u is not followed by four hexadecimal digits`},
	} {
		if got := problems(t, "wildfirechat", tt.text); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: said %q, want %q", tt.name, got, tt.want)
		}
	}
}
