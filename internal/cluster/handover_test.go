package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// writing is a gateway that writes, with one endpoint.
func writing(t *testing.T, j Journal, spread int) *Node {
	t.Helper()
	n, err := New(Config{
		Journal: j, Log: slog.New(slog.DiscardHandler),
		Plan: Plan{Endpoints: []deliver.Endpoint{{App: "shop", Name: "backend", Sender: nobody{}, Match: func(*event.Event) bool { return true }}}, Spread: []int{spread}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.ctx = t.Context()
	return n
}

// A gateway that writes and leaves lets go at once, and what it granted holds for as long
// as it was said: who is not heard meanwhile may still deliver.
func TestBoard_GivesNothingAwayWhileAGrantMayHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		had := savedBoard{Version: boardVersion, Number: 99, Writer: "gone", Slots: make([]savedSlot, Slices)}
		for i := range had.Slots {
			had.Slots[i] = savedSlot{Owner: "peer", Number: uint64(i + 1)}
		}
		raw, err := json.Marshal(had)
		if err != nil {
			t.Fatal(err)
		}
		n := writing(t, &paper{saved: map[string][]byte{boardKey: raw}}, 1)
		b, err := openBoard(t.Context(), n, 1)
		if err != nil {
			t.Fatal(err)
		}
		seq := uint64(0)
		grants := func() int {
			seq++
			out, err := b.hear(t.Context(), beat{Node: n.self, Seq: seq})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Grants)
		}
		begin := time.Now()
		for grants() == 0 {
			pause(t.Context(), BeatEvery/5)
		}
		if after := time.Since(begin); after < Lapse*4/5 || after > Lapse {
			t.Errorf("what a silent gateway had was given away after %v; it may deliver for %v", after, Lapse*4/5)
		}
	})
}

// slowly is a journal that drops when it is told to.
type slowly struct {
	*paper
	mu      sync.Mutex
	drops   chan struct{}
	dropped []string
}

func (s *slowly) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.saved), nil
}

func (s *slowly) Save(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved[key] = value
	return nil
}

func (s *slowly) Drop(_ context.Context, key string) error {
	<-s.drops
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.saved, key)
	s.dropped = append(s.dropped, key)
	return nil
}

func (s *slowly) Page(context.Context, uint64) (*gateway.Page, error) { return nil, gateway.ErrNoPage }

// Whoever cuts an endpoint otherwise, and back at once, finds the positions that are made
// last: those that are dropped are of the change before.
func TestRecut_DropsNoPositionOfTheNextChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		record := part{id: "shop/backend", n: 1}.record()
		j := &slowly{paper: &paper{saved: map[string][]byte{}}, drops: make(chan struct{})}
		j.saved[record] = []byte{1, 0, 7, 0} // of an endpoint that has read up to there
		n := writing(t, j, 2)
		b, err := n.own(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		seq := uint64(0)
		step := func() {
			seq++
			if _, err := b.hear(t.Context(), beat{Node: n.self, Seq: seq, Leaving: true}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		step()
		if b.layout.spread("shop/backend") != 2 {
			t.Fatalf("the layout is %v", b.layout)
		}
		// Back, while what was is still being dropped.
		n.plan.Store(newPlan(Plan{Endpoints: n.plan.Load().Endpoints, Spread: []int{1}}, n.plan.Load()))
		pause(t.Context(), 2*time.Second)
		step()
		close(j.drops)
		synctest.Wait()
		pause(t.Context(), 2*time.Second)
		step()
		if b.layout.spread("shop/backend") != 1 {
			t.Fatalf("the layout is %v", b.layout)
		}
		if j.saved[record] == nil {
			t.Errorf("the position %s is gone, dropped were %v", record, j.dropped)
		}
	})
}

// torn is a journal of a gateway whose peers answer or not.
type torn struct {
	*paper
	answers bool
}

func (j torn) Request(_ context.Context, node, what string, _ []byte) ([]byte, error) {
	if !j.answers {
		return nil, fmt.Errorf("%w: asking gateway %s", gateway.ErrUnavailable, node)
	}
	return json.Marshal(obeyed{Known: true, Done: true})
}

// A pause that some part of the endpoint did not hear is not said to hold.
func TestNode_PauseIsHeardByAllPartsOrRefused(t *testing.T) {
	t.Parallel()
	j := &torn{paper: &paper{saved: map[string][]byte{}}, answers: true}
	n := writing(t, j, 2)
	b, err := n.own(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.layout = Layout{"shop/backend": 2}
	peer := journal.Node{ID: "peer", Format: 2}
	hear := func(seq uint64, holds ...hold) orders {
		t.Helper()
		out, err := b.hear(t.Context(), beat{Node: peer, Seq: seq, Holds: holds})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := hear(1)
	if err := n.Pause("shop/backend", deliver.Pause{Why: "test"}); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("while its parts go to a gateway: %v", err)
	}
	var holds []hold
	for _, g := range out.Grants {
		holds = append(holds, hold{Slice: g.Slice, Number: g.Number, Runs: true})
	}
	hear(2, holds...)
	if err := n.Pause("shop/backend", deliver.Pause{Why: "test"}); err != nil {
		t.Errorf("when all are there: %v", err)
	}
	j.answers = false
	if err := n.Pause("shop/backend", deliver.Pause{Why: "test"}); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("when the gateway that delivers does not answer: %v", err)
	}
}
