package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// naive says what a pattern means, by way of a regular expression.
func naive(text string, t event.Type) bool {
	words := strings.Split(text, ".")
	re := "^"
	for i, w := range words {
		last := i == len(words)-1
		switch {
		case w == "**" && last:
			re += `([^.]*\.)*[^.]*`
		case w == "**":
			re += `([^.]*\.)*`
		case w == "*" && last:
			re += `[^.]*`
		case w == "*":
			re += `[^.]*\.`
		case last:
			re += regexp.QuoteMeta(w)
		default:
			re += regexp.QuoteMeta(w) + `\.`
		}
	}
	return t != "" && regexp.MustCompile(re+"$").MatchString(string(t))
}

func drawType() *rapid.Generator[event.Type] {
	known := event.Catalogue()
	return rapid.Custom(func(t *rapid.T) event.Type {
		if rapid.Bool().Draw(t, "known") {
			return rapid.SampledFrom(known).Draw(t, "entry").Type
		}
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"message", "group", "member", "join", "send", "x"}), 1, 6).Draw(t, "words")
		return event.Type(strings.Join(words, "."))
	})
}

func drawPattern() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"*", "**", "message", "group", "member", "join", "send"}), 1, 6).Draw(t, "words")
		return strings.Join(words, ".")
	})
}

func TestPattern_MeansWhatTheNaiveOneMeans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, typ := drawPattern().Draw(t, "pattern"), drawType().Draw(t, "type")
		p, err := parsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.match(strings.Split(string(typ), ".")), naive(text, typ); got != want {
			t.Fatalf("%q on %q = %v, want %v", text, typ, got, want)
		}
	})
}

func TestIndex_AgreesWithItsMatchers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var ms []*Matcher
		for range rapid.IntRange(0, 8).Draw(t, "rules") {
			r := Rule{App: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app")}
			r.Events = rapid.SliceOfN(rapid.SampledFrom([]string{
				"**", "message.*", "group.**", "**.join", "message.send", "easemob:muc:kick", "tencent:C2C.CallbackAfterSendMsg",
			}), 0, 3).Draw(t, "events")
			r.Sources = rapid.SliceOfN(rapid.SampledFrom([]string{"s1", "s2"}), 0, 2).Draw(t, "sources")
			m, err := Compile(r, registry())
			if err != nil {
				t.Fatal(err)
			}
			ms = append(ms, m)
		}
		x := NewIndex(ms)
		for range 20 {
			ev := &event.Event{
				App:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "app"),
				Source:  rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(t, "source"),
				Phase:   rapid.SampledFrom([]event.Phase{event.Before, event.After}).Draw(t, "phase"),
				Dialect: rapid.SampledFrom([]string{"easemob", "tencent", ""}).Draw(t, "dialect"),
				Command: rapid.SampledFrom([]string{"muc:kick", "C2C.CallbackAfterSendMsg", ""}).Draw(t, "command"),
				Type:    drawType().Draw(t, "type"),
			}
			var want []int
			for i, m := range ms {
				if m.Match(ev) {
					want = append(want, i)
				}
			}
			for range 2 {
				if got := x.Match(ev); !slices.Equal(got, want) {
					t.Fatalf("Match(%+v) = %v, want %v", ev, got, want)
				}
			}
		}
	})
}

func TestIndex_ConcurrentUseAndBound(t *testing.T) {
	t.Parallel()
	m, err := Compile(Rule{App: "shop", Events: []string{"easemob:muc:kick"}}, registry())
	if err != nil {
		t.Fatal(err)
	}
	x := NewIndex([]*Matcher{m})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range maxEntries {
				ev := in("easemob", fmt.Sprintf("invented:%d:%d", w, i), event.VendorUnknown)
				if got := x.Match(ev); got != nil {
					t.Errorf("Match(%s) = %v, want none", ev.Command, got)
				}
				if got := x.Match(in("easemob", "muc:kick", event.GroupMemberKick)); len(got) != 1 {
					t.Errorf("Match(muc:kick) = %v, want one", got)
				}
			}
		})
	}
	wg.Wait()
	x.cache.mu.Lock()
	defer x.cache.mu.Unlock()
	if n := len(*x.cache.known.Load()) + len(x.cache.fresh); n > maxEntries {
		t.Errorf("%d entries are remembered, want at most %d", n, maxEntries)
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"**", "message.*", "group.**.join", "easemob:muc:kick", "a..b", "***", "im.x", "", "*.**.*"} {
		f.Add(s, "group.member.join")
	}
	f.Fuzz(func(t *testing.T, text, typ string) {
		if isVendorPattern(text) {
			if m, err := Compile(Rule{App: "a", Events: []string{text}}, registry()); (m == nil) == (err == nil) {
				t.Fatalf("Compile(%q) = %v, %v", text, m, err)
			}
			return
		}
		p, err := parsePattern(text)
		if err != nil {
			if p.words != nil || p.match(strings.Split(typ, ".")) {
				t.Fatalf("parsePattern(%q) = %v beside the error %v", text, p, err)
			}
			return
		}
		if len(text) > 200 || len(typ) > 200 || strings.ContainsAny(typ, "\n\r") || typ == "" {
			return
		}
		if got, want := p.match(strings.Split(typ, ".")), naive(text, event.Type(typ)); got != want {
			t.Fatalf("%q on %q = %v, want %v", text, typ, got, want)
		}
	})
}
