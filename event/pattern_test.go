package event_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

func parse(t *testing.T, text string) event.Pattern {
	t.Helper()
	p, err := event.ParsePattern(text)
	if err != nil {
		t.Fatalf("ParsePattern(%q): %v", text, err)
	}
	return p
}

func TestPattern_StringIsOneTextForOneMeaning(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"message.send": "message.send", "message.*": "message.*", "group.**": "group.**", "**.**": "**",
		"group.*.**": "group.*.**", "**.join": "**.join", "**": "**", "*": "*",
	} {
		p := parse(t, in)
		if got := p.String(); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
		if again := parse(t, p.String()); again.Compare(p) != 0 {
			t.Errorf("%q read again is another pattern: %q", in, again)
		}
	}
	if p := (event.Pattern{}); p.String() != "" || p.Match("message.send") || p.Match("") {
		t.Errorf("the zero pattern is %q and matches", p)
	}
}

func TestPattern_CompareNarrowestFirst(t *testing.T) {
	t.Parallel()
	want := []string{"group.member.join", "group.member.*", "group.*.join", "group.*", "group.**.join", "group.**", "*.create", "*", "**.create", "**"}
	var ps []event.Pattern
	for _, text := range slices.Backward(want) {
		ps = append(ps, parse(t, text))
	}
	slices.SortFunc(ps, event.Pattern.Compare)
	var got []string
	for _, p := range ps {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
