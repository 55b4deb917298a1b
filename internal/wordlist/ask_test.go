package wordlist_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/wordlist"
)

func newList(t *testing.T, cfg wordlist.Config) *wordlist.List {
	t.Helper()
	l, err := wordlist.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func denied(reason string) event.Verdict { return event.Verdict{Action: event.Deny, Reason: reason} }

func rewrite(c event.Changes) event.Verdict { return event.Verdict{Action: event.Rewrite, Changes: &c} }

const said = "it holds words that are not allowed"

// TestAsk_Bodies: which texts of which events are looked at, and what is made of them.
func TestAsk_Bodies(t *testing.T) {
	t.Parallel()
	l := newList(t, wordlist.Config{Words: []string{"bad", "傻逼", "worse => deny"}})
	tests := map[string]struct {
		ev     event.Event
		want   event.Verdict
		detail string
	}{
		"text": {
			event.Event{Type: event.MessageSend, Message: &event.Message{ID: "1", Kind: event.Text, Text: "你这傻 逼, bad"}},
			rewrite(event.Changes{Message: &event.Message{ID: "1", Kind: event.Text, Text: "你这* *, ***"}}),
			`masked "傻逼", "bad"`,
		},
		"no word": {
			event.Event{Type: event.MessageSend, Message: &event.Message{Kind: event.Text, Text: "good"}},
			event.Allowed(), "",
		},
		"denied word": {
			event.Event{Type: event.MessageSend, Message: &event.Message{Kind: event.Text, Text: "bad, worse"}},
			denied(said), `denied for "bad", "worse"`,
		},
		"edit and modify alike": {
			event.Event{Type: event.MessageEdit, Message: &event.Message{Text: "bad", Edits: "7"}},
			rewrite(event.Changes{Message: &event.Message{Text: "***", Edits: "7"}}), `masked "bad"`,
		},
		"file, place and push": {
			event.Event{Type: event.MessageModify, Message: &event.Message{
				Media: &event.Media{URL: "http://x/bad", Name: "bad.pdf"}, Location: &event.Place{Title: "bad inn", Address: "bad street"},
				Push: &event.Push{Title: "Bad", Content: "so bad", Data: "bad"}, Extra: "bad",
			}},
			rewrite(event.Changes{Message: &event.Message{
				Media: &event.Media{URL: "http://x/bad", Name: "***.pdf"}, Location: &event.Place{Title: "*** inn", Address: "*** street"},
				Push: &event.Push{Title: "***", Content: "so ***", Data: "bad"}, Extra: "bad",
			}}),
			`masked "bad"`,
		},
		"parts": {
			event.Event{Type: event.MessageSend, Message: &event.Message{Text: "fine", Parts: []event.Message{
				{Text: "fine"}, {Text: "傻逼", Custom: &event.Payload{Data: `{"desc":"傻逼"}`}},
			}}},
			rewrite(event.Changes{Message: &event.Message{Text: "fine", Parts: []event.Message{
				{Text: "fine"}, {Text: "**", Custom: &event.Payload{Data: `{"desc":"**"}`}},
			}}}),
			`masked "傻逼"`,
		},
		"push under way": {
			event.Event{Type: event.MessagePushOffline, Message: &event.Message{Text: "bad", Push: &event.Push{Content: "bad"}}},
			rewrite(event.Changes{Message: &event.Message{Text: "bad", Push: &event.Push{Content: "***"}}}),
			`masked "bad"`,
		},
		"the group of a message is not what it says": {
			event.Event{Type: event.MessageSend, Message: &event.Message{Text: "hi"}, Group: &event.Group{Name: "bad"}, User: &event.User{DisplayName: "bad"}},
			event.Allowed(), "",
		},
		"group": {
			event.Event{Type: event.GroupUpdate, Group: &event.Group{ID: "bad", Name: "bad", Introduction: "a bad one", Announcement: "B.A.D", MemberCount: 3}},
			rewrite(event.Changes{Group: &event.Group{ID: "bad", Name: "***", Introduction: "a *** one", Announcement: "*.*.*", MemberCount: 3}}),
			`masked "bad"`,
		},
		"user": {
			event.Event{Type: event.UserRegister, User: &event.User{ID: "bad", DisplayName: "傻逼", Avatar: "bad"}},
			rewrite(event.Changes{User: &event.User{ID: "bad", DisplayName: "**", Avatar: "bad"}}),
			`masked "傻逼"`,
		},
		"remark": {
			event.Event{Type: event.FriendRename, Friend: &event.Friend{Alias: "bad"}},
			rewrite(event.Changes{Friend: &event.Friend{Alias: "***"}}), `masked "bad"`,
		},
		"request": {
			event.Event{Type: event.FriendRequest, Friend: &event.Friend{Text: "bad"}},
			rewrite(event.Changes{Friend: &event.Friend{Text: "***"}}), `masked "bad"`,
		},
		"card, which no rewrite has a place for": {
			event.Event{Type: event.GroupMemberUpdate, Members: []event.Member{{ID: "1", Alias: "good"}, {ID: "2", Alias: "bad"}}},
			denied(said), `denied for "bad"`,
		},
		"room":        {event.Event{Type: event.ChatroomCreate, Chatroom: &event.Chatroom{Introduction: "bad"}}, denied(said), `denied for "bad"`},
		"channel":     {event.Event{Type: event.ChannelCreate, Channel: &event.Channel{Name: "bad"}}, denied(said), `denied for "bad"`},
		"topic":       {event.Event{Type: event.TopicCreate, Thread: &event.Thread{Name: "bad"}}, denied(said), `denied for "bad"`},
		"application": {event.Event{Type: event.GroupMemberApply, Members: []event.Member{{ID: "1", Reason: "bad"}}}, denied(said), `denied for "bad"`},
		"nothing":     {event.Event{Type: event.MessageSend}, event.Allowed(), ""},
		"another":     {event.Event{Type: event.BlockAdd, Members: []event.Member{{ID: "bad"}}}, event.Allowed(), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := describe(t, &tt.ev)
			got := l.Ask(t.Context(), gateway.Question{Event: &tt.ev})
			want := gateway.Reply{Verdict: tt.want, Cause: gateway.CauseHook, Detail: tt.detail}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the answer differs (-want +got):\n%s", diff)
			}
			if after := describe(t, &tt.ev); after != before {
				t.Errorf("the event was changed from\n%s to\n%s", before, after)
			}
		})
	}
}

// describe is the event as text, to see whether it changed.
func describe(t *testing.T, ev *event.Event) string {
	t.Helper()
	return cmp.Diff(&event.Event{Type: "none"}, ev)
}

func TestAsk_DenyWithItsCodeAndReason(t *testing.T) {
	t.Parallel()
	l := newList(t, wordlist.Config{Words: []string{"bad", "mild => mask"}, Action: wordlist.Deny, Code: 5007, Reason: "请文明用语", Mask: '＊'})
	ask := func(text string) event.Verdict {
		return l.Ask(t.Context(), gateway.Question{Event: &event.Event{Type: event.MessageSend, Message: &event.Message{Text: text}}}).Verdict
	}
	if diff := cmp.Diff(event.Verdict{Action: event.Deny, Code: 5007, Reason: "请文明用语"}, ask("bad, mild")); diff != "" {
		t.Errorf("of a denied word (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(rewrite(event.Changes{Message: &event.Message{Text: "＊＊＊＊ x"}}), ask("mild x")); diff != "" {
		t.Errorf("of a masked word (-want +got):\n%s", diff)
	}
}

// TestAsk_NamesTheFirstWordsAndCountsTheOthers, each once and cut.
func TestAsk_NamesTheFirstWordsAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("好", 40)
	words := []string{"w1", "w2", "w3", "w4", "w5", "w6", "w7", long}
	l := newList(t, wordlist.Config{Words: words})
	got := l.Ask(t.Context(), gateway.Question{Event: &event.Event{
		Type: event.MessageSend, Message: &event.Message{Text: long + " w2 w1 w2 w3 w4 w5 w6 w7 w1", Media: &event.Media{Name: "w1"}},
	}})
	want := `masked "` + strings.Repeat("好", 31) + `…", "w2", "w1", "w3", "w4" and 3 more`
	if got.Detail != want {
		t.Errorf("says %s\nwant %s", got.Detail, want)
	}
}

func TestNew_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  wordlist.Config
		want string
	}{
		"no words":  {wordlist.Config{}, "a word list needs `file` or `words`"},
		"action":    {wordlist.Config{Words: []string{"bad"}, Action: "drop"}, `action is "drop", want mask or deny`},
		"mask":      {wordlist.Config{Words: []string{"bad"}, Mask: '\n'}, `mask is '\n', want one visible character`},
		"word":      {wordlist.Config{Words: []string{"ok", "f*ck"}}, `word 2: "f*ck": * stands for the rest of a word`},
		"no file":   {wordlist.Config{File: "/nowhere/words.txt"}, "/nowhere/words.txt does not exist: write it, one word a line"},
		"directory": {wordlist.Config{File: "."}, ". is no file: want one with one word a line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := wordlist.New(tt.cfg)
			if err == nil {
				_ = l.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("says %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestAsk_QuoteOfOpenIM: its content keeps the quote whole in the payload; the word
// must not go out from there.
func TestAsk_QuoteOfOpenIM(t *testing.T) {
	t.Parallel()
	content := `{"text":"b a d","quoteMessage":{"textElem":{"content":"hello"}}}`
	ev := &event.Event{
		Type: event.MessageModify, Phase: event.Before, Dialect: openim.Name, Command: "callbackBeforeMsgModifyCommand", Generation: "v3.7",
		Message: &event.Message{Kind: event.Quote, Code: "114", Text: "b a d", Custom: &event.Payload{Data: content}},
	}
	l := newList(t, wordlist.Config{Words: []string{"bad"}})
	got := l.Ask(t.Context(), gateway.Question{Event: ev}).Verdict
	if got.Changes == nil || got.Changes.Message == nil {
		t.Fatalf("the verdict is %+v", got)
	}
	want := `{"text":"* * *","quoteMessage":{"textElem":{"content":"hello"}}}`
	if data := got.Changes.Message.Custom.Data; data != want {
		t.Errorf("the payload is %s\nwant %s", data, want)
	}
	answer := openim.New().Answer(ev, got)
	if body := string(answer.Body); !strings.Contains(body, `* * *`) {
		t.Errorf("OpenIM is answered %s", body)
	}
}

// TestAsk_Concurrently: many ask one list at once, and each gets its own answer.
func TestAsk_Concurrently(t *testing.T) {
	t.Parallel()
	l := newList(t, wordlist.Config{Words: []string{"bad", "傻逼"}})
	var wg sync.WaitGroup
	for i := range 8 {
		text, want := strings.Repeat("早", i)+"傻逼 bad", strings.Repeat("早", i)+"** ***"
		wg.Go(func() {
			for range 200 {
				v := l.Ask(t.Context(), gateway.Question{Event: &event.Event{Type: event.MessageSend, Message: &event.Message{Text: text}}}).Verdict
				if v.Changes == nil || v.Changes.Message.Text != want {
					t.Errorf("of %q it says %+v", text, v)
					return
				}
			}
		})
	}
	wg.Wait()
}
