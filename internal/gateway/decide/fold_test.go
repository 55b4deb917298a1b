package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// anyVerdict draws what a hook may say.
func anyVerdict(t *rapid.T) event.Verdict {
	v := event.Verdict{Action: rapid.SampledFrom([]event.Action{event.Allow, event.Deny, event.Drop, event.Rewrite}).Draw(t, "action")}
	switch v.Action {
	case event.Deny:
		v.Code = rapid.IntRange(0, 9).Draw(t, "code")
	case event.Rewrite:
		v.Changes = &event.Changes{}
		if rapid.Bool().Draw(t, "message") {
			v.Changes.Message = &event.Message{Text: rapid.StringN(1, 3, 3).Draw(t, "text")}
		} else {
			v.Changes.Group = &event.Group{Name: rapid.StringN(1, 3, 3).Draw(t, "name")}
		}
	}
	if v.Action == event.Allow || v.Action == event.Rewrite {
		for _, id := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"m1", "m2", "m3"}), rapid.ID).Draw(t, "refused") {
			v.Refused = append(v.Refused, event.Refusal{ID: id})
		}
	}
	return v
}

func TestFold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SliceOfN(rapid.Custom(anyVerdict), 0, 6).Draw(t, "said")
		ev := &event.Event{
			Message: &event.Message{Text: "hello"}, Group: &event.Group{Name: "g"},
			Members: []event.Member{{ID: "m1"}, {ID: "m2"}, {ID: "m3"}}, Raw: event.Raw{Dialect: "fake"},
		}
		var f fold
		message, group := "hello", "g"
		refused := map[string]bool{}
		var end *event.Verdict
		for _, v := range said {
			before := f
			was := before.verdict()
			f = f.add(v)
			if diff := cmp.Diff(was, before.verdict()); diff != "" {
				t.Fatalf("adding changed the old fold:\n%s", diff)
			}
			if v.Action == event.Deny || v.Action == event.Drop {
				end = &v
				break
			}
			if c := v.Changes; c != nil {
				if c.Message != nil {
					message = c.Message.Text
				}
				if c.Group != nil {
					group = c.Group.Name
				}
			}
			for _, r := range v.Refused {
				refused[r.ID] = true
			}
		}
		got := f.verdict()
		if end != nil {
			if got.Action != end.Action || got.Code != end.Code || got.Changes != nil || got.Refused != nil || !f.over(ev) {
				t.Fatalf("verdict = %+v after %+v", got, *end)
			}
			return
		}
		next, changed := f.seen(ev)
		if next.Message.Text != message || next.Group.Name != group || len(next.Members) != 3-len(refused) {
			t.Fatalf("the next hook sees %q in %q with %v", next.Message.Text, next.Group.Name, next.Members)
		}
		if same := next == ev; same == changed {
			t.Fatalf("changed = %v, and the same event: %v", changed, same)
		}
		if len(got.Refused) != len(refused) || f.over(ev) != (len(refused) == 3) {
			t.Fatalf("refused are %v, want %v; over = %v", got.Refused, refused, f.over(ev))
		}
	})
}

func TestFold_VendorsWordsGoWithTheirMessage(t *testing.T) {
	t.Parallel()
	message := func(vendor string) event.Verdict {
		v := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "x"}}}
		if vendor != "" {
			v.Changes.Vendor = []byte(vendor)
		}
		return v
	}
	beside := event.Verdict{Action: event.Allow, Changes: &event.Changes{Vendor: []byte(`{"pass":2}`)}}
	for name, test := range map[string]struct {
		first, second event.Verdict
		want          string
	}{
		"another message":     {message(`{"a":1}`), message(""), ""},
		"both bring them":     {message(`{"a":1}`), message(`{"b":1}`), `{"b":1}`},
		"not of the message":  {beside, message(""), `{"pass":2}`},
		"beside the message":  {message(""), beside, `{"pass":2}`},
		"the second does not": {message(`{"a":1}`), event.Allowed(), `{"a":1}`},
	} {
		if got := string((fold{}).add(test.first).add(test.second).verdict().Changes.Vendor); got != test.want {
			t.Errorf("%s: vendor is %s, want %s", name, got, test.want)
		}
	}
}

// A rewrite need not repeat what it leaves as it is, and least of all what names the
// thing: the next hook is asked about the same message, group and user.
func TestFold_NextHookSeesTheSameThingChanged(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	was := event.Message{
		ID: "1", ClientID: "c1", Seq: "7", Sender: "u1", SentAt: sent, Edits: "0", Kind: event.Text, Text: "bad",
		Push: &event.Push{Content: "shown"}, Options: &event.MessageOptions{Transient: true},
	}
	ev := &event.Event{
		Message: &was, Group: &event.Group{ID: "g1", Name: "bad", Introduction: "fine"},
		User: &event.User{ID: "u1", DisplayName: "bad", Avatar: "a"}, Friend: &event.Friend{Owner: "u1", Alias: "bad"},
	}
	f := fold{}.add(event.Verdict{Action: event.Rewrite, Changes: &event.Changes{
		Message: &event.Message{Kind: event.Text, Text: "***"}, Group: &event.Group{Name: "***"},
		User: &event.User{DisplayName: "***"}, Friend: &event.Friend{Alias: "***"},
	}})
	next, _ := f.seen(ev)
	want := was
	want.Text = "***"
	if diff := cmp.Diff(&want, next.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&event.Group{ID: "g1", Name: "***", Introduction: "fine"}, next.Group); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&event.User{ID: "u1", DisplayName: "***", Avatar: "a"}, next.User); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&event.Friend{Owner: "u1", Alias: "***"}, next.Friend); diff != "" {
		t.Errorf("friend (-want +got):\n%s", diff)
	}
	if was.Text != "bad" || ev.Group.Name != "bad" {
		t.Error("what came in was changed")
	}
	pushed, _ := fold{}.add(event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Push: &event.Push{Content: "hidden"}}}).seen(ev)
	if pushed.Message.Text != "bad" || pushed.Message.Push.Content != "hidden" || was.Push.Content != "shown" {
		t.Errorf("after a rewrite of the push the next hook sees %+v with %+v", pushed.Message, pushed.Message.Push)
	}
}

// What the first one masked must not come back because the second one changes
// something else.
func TestFold_LaterRewriteTakesNothingBack(t *testing.T) {
	t.Parallel()
	rewritten := func(c event.Changes) event.Verdict { return event.Verdict{Action: event.Rewrite, Changes: &c} }
	for name, test := range map[string]struct{ first, second, want event.Changes }{
		"group": {
			event.Changes{Group: &event.Group{Name: "***"}},
			event.Changes{Group: &event.Group{Introduction: "**"}},
			event.Changes{Group: &event.Group{Name: "***", Introduction: "**"}},
		},
		"user": {
			event.Changes{User: &event.User{DisplayName: "***"}},
			event.Changes{User: &event.User{Extra: "**"}},
			event.Changes{User: &event.User{DisplayName: "***", Extra: "**"}},
		},
		"friend": {
			event.Changes{Friend: &event.Friend{Text: "***"}},
			event.Changes{Friend: &event.Friend{Extra: "**"}},
			event.Changes{Friend: &event.Friend{Text: "***", Extra: "**"}},
		},
		"the message's push": {
			event.Changes{Message: &event.Message{Text: "a", Push: &event.Push{Content: "***"}}},
			event.Changes{Message: &event.Message{Text: "b"}},
			event.Changes{Message: &event.Message{Text: "b", Push: &event.Push{Content: "***"}}},
		},
		"push beside the message": {
			event.Changes{Push: &event.Push{Content: "***"}},
			event.Changes{Message: &event.Message{Text: "b"}},
			event.Changes{Message: &event.Message{Text: "b"}, Push: &event.Push{Content: "***"}},
		},
		"a later push": {
			event.Changes{Push: &event.Push{Content: "***"}},
			event.Changes{Message: &event.Message{Text: "b", Push: &event.Push{Content: "**"}}},
			event.Changes{Message: &event.Message{Text: "b", Push: &event.Push{Content: "**"}}},
		},
	} {
		got := fold{}.add(rewritten(test.first)).add(rewritten(test.second)).verdict().Changes
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
