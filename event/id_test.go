package event_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

var idForm = regexp.MustCompile(`^[0-9a-hjkmnp-z]{26}$`)

// The ids of what journals hold must not change with the code: an IM server's
// retry would be delivered twice. The vectors were made with another language.
func TestDeriveID_NeverChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		parts []string
		want  string
	}{
		{nil, "werc8gmrzge196qvyk49jvxs4g"},
		{[]string{"shop", "im", "message.send", "1152921504606846977"}, "1gpcjqp2j5233vkhkjfnef170m"},
		{[]string{strings.Repeat("x", 200), "Zürich"}, "hkpk8f2x7y7d5qqzf0hjbx62q4"},
	} {
		if got := event.DeriveID(tt.parts...); got != tt.want {
			t.Errorf("DeriveID(%.40q) = %s, want %s", tt.parts, got, tt.want)
		}
	}
}

func TestHash_DiffersWhereThePartsAreCutDifferently(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "parts")
		others := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "others")
		text := strings.Join(parts, "")
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		for _, other := range [][]string{others, {text[:cut], text[cut:]}, {text}, append(slices.Clip(parts), "")} {
			same := fmt.Sprintf("%q", parts) == fmt.Sprintf("%q", other)
			if (event.Hash(parts...) == event.Hash(other...)) != same {
				t.Fatalf("Hash(%q) and Hash(%q): equal is %t, want %t", parts, other, !same, same)
			}
		}
	})
}

func TestHash_OfMoreThanItsBuffer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4096)
	if event.Hash(long, "a") == event.Hash(long, "b") {
		t.Error("the end of a long input does not count")
	}
}

func TestNewID_IsNewAndOfTheForm(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := event.NewID()
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
		if !idForm.MatchString(id) {
			t.Fatalf("%q is not of the form %s", id, idForm)
		}
	}
	if id := event.DeriveID("x"); !idForm.MatchString(id) {
		t.Errorf("%q is not of the form %s", id, idForm)
	}
}

func ExampleDeriveID() {
	// An IM server's retry repeats these, so that it gets the same id.
	fmt.Println(event.DeriveID("shop", "im", "message.send", "1152921504606846977"))
	// Output: 1gpcjqp2j5233vkhkjfnef170m
}

func ExamplePartID() {
	fmt.Println(event.PartID("1gpcjqp2", 0), event.PartID("1gpcjqp2", 1))
	// Output: 1gpcjqp2.0 1gpcjqp2.1
}
