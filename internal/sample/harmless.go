package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// TestUser is whom harmless requests are about. No vendor gives such a name by itself.
const TestUser = "imhook-doctor"

// harmless are the types of events that change nothing at whoever gets them about a
// user whom nobody knows, the best first.
var harmless = []event.Type{event.UserOnline, event.UserOffline}

// draws is how many samples of a command are looked at.
const draws = 32

// Harmless returns a request that does no harm to whoever gets its event: somebody
// called [TestUser] came, or went. Command is which one it is; what the wish says of
// command and edits does not count. Like [Make] it returns one that could not be
// signed together with an error that wraps [ErrUnsigned].
func Harmless(d dialect.Dialect, w Wish) (req dialect.Request, command string, err error) {
	w.Edits = nil
	for _, want := range harmless {
		for _, c := range d.Spec().Commands {
			if c.Phase != event.After {
				continue
			}
			// One command may tell of both, as the sample is drawn.
			for n := range uint64(draws) {
				r := rand.New(rand.NewPCG(w.Seed+n, drawing))
				req, err := d.Sample(c.Name, r, w.Now)
				ev := decoded(d, &req)
				if err != nil || ev == nil || !slices.Contains(harmless, ev.Type) {
					break // nor will any other draw
				}
				if ev.Type != want || !about(d, &req, ev) {
					continue
				}
				w.Command = c.Name
				req, err = finish(d, req, w, r)
				return req, c.Name, err
			}
		}
	}
	return dialect.Request{}, "", fmt.Errorf("%s has no callback that would do no harm", d.Spec().Name)
}

// about makes the request, which is ev, be about the test user; false when that cannot
// be.
func about(d dialect.Dialect, req *dialect.Request, ev *event.Event) bool {
	if ev.Actor == nil || ev.Actor.ID == "" {
		return false
	}
	want := ev.Type
	Substitute(req, ev.Actor.ID, TestUser)
	ev = decoded(d, req)
	return ev != nil && ev.Type == want && ev.Actor != nil && ev.Actor.ID == TestUser && ev.Lane == event.NewLane(event.KindUser, TestUser)
}

// decoded is the one event of a request; nil when there is another number of them.
func decoded(d dialect.Dialect, req *dialect.Request) *event.Event {
	r := *req
	r.Body = slices.Clone(req.Body)
	evs, err := d.Decode(&r)
	if err != nil || len(evs) != 1 {
		return nil
	}
	return evs[0]
}
