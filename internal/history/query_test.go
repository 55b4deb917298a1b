package history

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

func TestParse_Questions(t *testing.T) {
	t.Parallel()
	now := began
	for text, want := range map[string]Query{
		"":                                  {},
		"  ":                                {},
		"334455667788990011":                {Words: []string{"334455667788990011"}},
		"alice bob":                         {Words: []string{"alice", "bob"}},
		"group:g1":                          {Group: "g1"},
		"message:42":                        {Words: []string{"message:42"}},
		"direct:alice|bob":                  {Words: []string{"direct:alice|bob"}},
		"user:alice outcome:parked":         {User: "alice", Outcome: Parked},
		`outcome:"left out"`:                {Outcome: LeftOut},
		`"user:alice"`:                      {Words: []string{"user:alice"}},
		`user:"bob \"b\" b"`:                {User: `bob "b" b`},
		`"a\\b"`:                            {Words: []string{`a\b`}},
		`a\b`:                               {Words: []string{`a\b`}},
		"conversation:direct:alice|c%7Crol": {Conversation: "direct:alice|c%7Crol"},
		"type:group.** phase:after":         {Type: "group.**", Phase: event.After},
		"since:2h until:2026-11-20T07:30:00Z endpoint:shop/a": {
			Since: now.Add(-2 * time.Hour), Until: now.Add(-30 * time.Minute), Endpoint: "shop/a",
		},
		"群 user:用户": {Words: []string{"群"}, User: "用户"},
		"id:1 id:1": {ID: "1"},
	} {
		var got Query
		if err := got.Parse(text, now); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Cursor{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParse_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"open`:                   "a quote is not closed",
		`""`:                      `"" names nothing`,
		"user:":                   "user: has no value",
		`user:""`:                 "user: has no value",
		"user:a user:b":           `user is there twice, as "a" and "b"`,
		"since:yesterday":         `since is "yesterday"; write 2026-11-20T08:00:00Z or how long ago, 1h`,
		"\xff":                    "not valid UTF-8",
		strings.Repeat("a ", 99):  "up to 8 names",
		strings.Repeat("a", 5000): "up to 4096 bytes",
	} {
		var q Query
		if err := q.Parse(text, began); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
	for _, q := range []struct {
		q    Query
		want string
	}{
		{Query{}, "limit is 0; write 1 to 1000"},
		{Query{Limit: 1, Phase: "during"}, `phase is "during"`},
		{Query{Limit: 1, Outcome: "perked"}, `outcome is "perked"; did you mean parked?; write one of parked, `},
		{Query{Limit: 1, Endpoint: "backend"}, `endpoint is "backend"; write app/name`},
		{Query{Limit: 1, Since: began, Until: began.Add(-1)}, "until is before since"},
	} {
		if err := q.q.Check(); err == nil || !strings.Contains(err.Error(), q.want) {
			t.Errorf("%+v: %v, want %q", q.q, err, q.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a b", `user:"a \" b" type:x.**`, "since:1h群:群", "\xff:\x00", `"\\"`, "group:group:g1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var q Query
		if q.Parse(text, began) != nil {
			return
		}
		if len(q.Words) > maxWords {
			t.Fatalf("%q has %d names", text, len(q.Words))
		}
		// What was understood, written with names and quotes, says the same.
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
		var parts []string
		add := func(key, value string) {
			if value != "" {
				parts = append(parts, key+`"`+quote.Replace(value)+`"`)
			}
		}
		for _, w := range q.Words {
			add("", w)
		}
		add("id:", q.ID)
		add("user:", q.User)
		add("conversation:", string(q.Conversation))
		add("group:", q.Group)
		add("type:", q.Type)
		add("app:", q.App)
		add("source:", q.Source)
		add("phase:", string(q.Phase))
		add("outcome:", string(q.Outcome))
		add("endpoint:", q.Endpoint)
		written := strings.Join(parts, " ")
		if len(written) > maxText {
			return
		}
		again := Query{Since: q.Since, Until: q.Until}
		if err := again.Parse(written, began); err != nil {
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		if diff := cmp.Diff(q, again, cmp.AllowUnexported(Cursor{})); diff != "" {
			t.Fatalf("%q was written as %q (-first +again):\n%s", text, written, diff)
		}
	})
}

func TestCursor_ComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, c := range []Cursor{{}, {after: 1 << 16, before: decided}, {after: 0, before: decided + 1<<40}, {after: 1<<62 - 1, before: decided + 1}} {
		got, err := ParseCursor(c.String())
		if err != nil || got != c {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
	}
	for _, s := range []string{"x", "1", "1.", "-1.1", "1.-1", ".", "zzzzzzzzzzzzzzzzzzz.1", "1.zzzzzzzzzzzz"} {
		if c, err := ParseCursor(s); err == nil {
			t.Errorf("%q was taken as %+v", s, c)
		}
	}
}
