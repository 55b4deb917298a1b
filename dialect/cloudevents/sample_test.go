package cloudevents_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/cloudevents"
)

// An id that came before with another body is refused as a replay: what is drawn
// from the same numbers for another command, or later, has an id of its own.
func TestSample_SameNumbersMakeDifferentEvents(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	id := func(command string, now time.Time) string {
		req, err := d.Sample(command, rand.New(rand.NewPCG(9, 9)), now)
		if err != nil {
			t.Fatal(err)
		}
		evs, err := d.Decode(&req)
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %d events, %v", command, len(evs), err)
		}
		return evs[0].ID
	}
	first := id("message.send", at)
	if again := id("message.send", at); again != first {
		t.Errorf("the same wish has the ids %s and %s", first, again)
	}
	if later := id("message.send", at.Add(time.Second)); later == first {
		t.Error("a second later it has the same id")
	}
	if other := id("user.online", at); other == first {
		t.Error("another command has the same id")
	}
}
