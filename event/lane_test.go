package event_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
)

// userID draws ids that are made of what is escaped, and any others.
func userID() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOf(rapid.SampledFrom([]rune("%|25C7cab:"))),
		rapid.String(),
	)
}

func TestDirect_NamesTwoUsersInOneWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := userID().Draw(t, "a"), userID().Draw(t, "b")
		c := event.Direct(a, b)
		if other := event.Direct(b, a); other != c {
			t.Fatalf("Direct(%q, %q) = %v, the other way round %v", a, b, c, other)
		}
		if strings.Count(c.ID, "|") != 1 {
			t.Fatalf("Direct(%q, %q) has the id %q, want one bar", a, b, c.ID)
		}
		first, second, ok := c.Users()
		if !ok || first != min(a, b) || second != max(a, b) {
			t.Fatalf("Users() = %q, %q, %t; want %q, %q", first, second, ok, min(a, b), max(a, b))
		}
		if peer, ok := c.Peer(a); !ok || peer != b {
			t.Fatalf("Peer(%q) = %q, %t; want %q", a, peer, ok, b)
		}
		if peer, ok := c.Peer(b); !ok || peer != a {
			t.Fatalf("Peer(%q) = %q, %t; want %q", b, peer, ok, a)
		}
	})
}

func TestDirect_DifferentPairsHaveDifferentNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := userID().Draw(t, "a"), userID().Draw(t, "b")
		x, y := userID().Draw(t, "x"), userID().Draw(t, "y")
		same := a == x && b == y || a == y && b == x
		if got := event.Direct(a, b) == event.Direct(x, y); got != same {
			t.Fatalf("Direct(%q, %q) and Direct(%q, %q) are equal: %t", a, b, x, y, got)
		}
	})
}

func TestUsers_OfWhatIsNoPair(t *testing.T) {
	t.Parallel()
	for _, c := range []event.Conversation{
		{},
		{Kind: event.KindGroup, ID: "a|b"},
		{Kind: event.KindDirect, ID: "a"},
		{Kind: event.KindDirect, ID: "a|b|c"},
	} {
		if a, b, ok := c.Users(); ok || a != "" || b != "" {
			t.Errorf("%+v.Users() = %q, %q, %t", c, a, b, ok)
		}
		if peer, ok := c.Peer("a"); ok {
			t.Errorf("%+v.Peer = %q", c, peer)
		}
	}
	if peer, ok := event.Direct("a", "b").Peer("c"); ok || peer != "" {
		t.Errorf("Peer of a stranger = %q, %t", peer, ok)
	}
}

func TestLane_CutsAtTheFirstColonOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		lane := event.NewLane(event.KindGroup, id)
		if lane.Kind() != event.KindGroup || lane.ID() != id {
			t.Fatalf("%q has kind %q and id %q, want group and %q", lane, lane.Kind(), lane.ID(), id)
		}
	})
	for lane, want := range map[event.Lane][2]string{"": {"", ""}, "system:": {"system", ""}, "odd": {"odd", ""}} {
		if got := [2]string{string(lane.Kind()), lane.ID()}; got != want {
			t.Errorf("%q is cut into %q, want %q", lane, got, want)
		}
	}
}

func ExampleDirect() {
	c := event.Direct("bob", "a|x")
	peer, _ := c.Peer("bob")
	fmt.Println(c.Lane(), peer)
	// Output: direct:a%7Cx|bob a|x
}
