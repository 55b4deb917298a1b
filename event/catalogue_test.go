package event_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imhook/imhook/event"
)

func TestCatalogue_IsSortedUniqueAndWellNamed(t *testing.T) {
	t.Parallel()
	all := event.Catalogue()
	if len(all) < 100 {
		t.Fatalf("the catalogue has %d types: the table is broken", len(all))
	}
	name := regexp.MustCompile(`^[a-z]+(\.[a-z]+)+$`)
	for i, entry := range all {
		if i > 0 && all[i-1].Type >= entry.Type {
			t.Errorf("%s does not come after %s: Lookup would not find it", entry.Type, all[i-1].Type)
		}
		if !name.MatchString(string(entry.Type)) {
			t.Errorf("%q is not lower-case words joined by dots", entry.Type)
		}
		if got, ok := event.Lookup(entry.Type); !ok || got.Line != entry.Line {
			t.Errorf("Lookup(%s) = %+v, %t", entry.Type, got, ok)
		}
		if strings.TrimSpace(entry.Line) == "" {
			t.Errorf("%s has no line", entry.Type)
		}
		if !entry.In(event.Before) && !entry.In(event.After) || len(entry.Phases) != len(slices.Compact(slices.Sorted(slices.Values(entry.Phases)))) {
			t.Errorf("%s has the phases %v", entry.Type, entry.Phases)
		}
		for _, p := range entry.Phases {
			if p != event.Before && p != event.After {
				t.Errorf("%s has the phase %q", entry.Type, p)
			}
		}
	}
}

func TestCatalogue_ReturnsACopy(t *testing.T) {
	t.Parallel()
	event.Catalogue()[0].Type = "zzz"
	if got := event.Catalogue()[0].Type; got == "zzz" {
		t.Error("the caller's change reached the catalogue")
	}
}

func TestLookup_OfNoType(t *testing.T) {
	t.Parallel()
	for _, name := range []event.Type{"", "message", "message.sen", "message.sendx", "zzz.zzz", "im.message.send"} {
		if entry, ok := event.Lookup(name); ok || name.Known() || entry.Type != "" {
			t.Errorf("Lookup(%q) = %+v, %t", name, entry, ok)
		}
	}
	if !event.MessageSend.Known() {
		t.Error("message.send is not known")
	}
}

func TestFamily_IsAllButTheLastWord(t *testing.T) {
	t.Parallel()
	for typ, want := range map[event.Type]string{
		event.MessageSend:            "message",
		event.GroupMemberApplyAccept: "group.member.apply",
		"alone":                      "alone",
		"":                           "",
	} {
		if got := typ.Family(); got != want {
			t.Errorf("%q.Family() = %q, want %q", typ, got, want)
		}
	}
}

func ExampleLookup() {
	entry, ok := event.Lookup("group.member.kick")
	fmt.Println(ok, entry.Type.Family(), entry.In(event.Before), entry.In(event.After))
	// Output: true group.member false true
}
