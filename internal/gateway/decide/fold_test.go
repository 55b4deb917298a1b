package decide

import (
	"testing"

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
