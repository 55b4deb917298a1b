package cluster

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// paper is a journal that only the board writes to.
type paper struct {
	deliver.Journal
	saved map[string][]byte
}

func (p *paper) Self() journal.Node { return journal.Node{ID: "w", Format: 2} }
func (p *paper) Role() (journal.Role, <-chan struct{}) {
	return journal.Role{Writer: "w", Writing: true}, nil
}
func (p *paper) LeaseLeft() time.Duration                        { return time.Second }
func (p *paper) Serve(string, journal.Handler)                   {}
func (p *paper) Hint(string)                                     {}
func (p *paper) OnHint(string, func())                           {}
func (p *paper) Load(context.Context) (map[string][]byte, error) { return p.saved, nil }
func (p *paper) Save(_ context.Context, key string, value []byte) error {
	p.saved[key] = value
	return nil
}

func (p *paper) Request(context.Context, string, string, []byte) ([]byte, error) {
	return nil, gateway.ErrUnavailable
}

type nobody struct{}

func (nobody) Send(context.Context, *event.Event, int) gateway.Outcome { return gateway.Outcome{} }

// While gateways are replaced one after the other, one that knows less than the journal
// holds by then takes callbacks and delivers nothing. One that knows as much delivers,
// whatever its version.
func TestBoard_OlderGatewayGetsNothingOfWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	p := &paper{saved: map[string][]byte{}}
	n, err := New(Config{
		Journal: p, Log: slog.New(slog.DiscardHandler),
		Plan: Plan{Endpoints: []deliver.Endpoint{{App: "shop", Name: "backend", Sender: nobody{}, Match: func(*event.Event) bool { return true }}}, Spread: []int{4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.ctx = t.Context()
	b, err := openBoard(t.Context(), n, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.layout = Layout{"shop/backend": 4}
	grants := func(seq uint64, id, version string, format int) int {
		t.Helper()
		out, err := b.hear(t.Context(), beat{Node: journal.Node{ID: id, Version: version, Format: format}, Seq: seq})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Grants)
	}
	if got := grants(1, "w", "v2.0.0", 2); got != Slices {
		t.Errorf("the one that writes has %d slices, want all", got)
	}
	if got := grants(1, "old", "v1.0.0", 1); got != 0 {
		t.Errorf("an older gateway has %d slices", got)
	}
	// What it shall have it gets when the other one let go, which it says with a beat.
	grants(1, "peer", "v1.9.0", 2)
	wanted := 0
	for i := range b.slots {
		switch b.slots[i].wanted {
		case "peer":
			wanted++
		case "old":
			t.Errorf("slice %d shall go to the older gateway", i)
		}
	}
	if wanted == 0 {
		t.Error("a gateway of another version that knows as much gets nothing")
	}
	for _, m := range b.view().Members {
		if (m.Note != "") != (m.ID == "old") {
			t.Errorf("of %s it says %q", m.ID, m.Note)
		}
	}
	if got := grants(2, "old", "v1.0.0", 1); got != 0 {
		t.Errorf("it has %d slices the next time", got)
	}
}

// What gateways say to each other, and the board, is read by the next version and by
// the one before: names stay, what is not known is passed over.
func TestWire_IsPartOfTheFormat(t *testing.T) {
	t.Parallel()
	started := `"started":"2026-11-21T08:00:00Z"`
	for _, c := range []struct {
		text string
		into any
		want any
	}{
		{
			`{"node":{"id":"n","host":"h","pid":7,` + started + `,"version":"v1","format":1},"seq":9,"holds":[{"slice":3,"number":4,"runs":true,"floor":5}],"leaving":true,"config":"abc"}`,
			&beat{},
			&beat{
				Node: journal.Node{ID: "n", Host: "h", PID: 7, Started: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Version: "v1", Format: 1},
				Seq:  9, Holds: []hold{{Slice: 3, Number: 4, Runs: true, Floor: 5}}, Leaving: true, Config: "abc",
			},
		},
		{
			`{"grants":[{"slice":3,"number":4}],"validMillis":2400,"layout":{"shop/backend":6},"floor":8,"ready":true}`,
			&orders{},
			&orders{Grants: []grant{{3, 4}}, Valid: 2400, Layout: Layout{"shop/backend": 6}, Floor: 8, Ready: true},
		},
		{
			`{"node":"n","slice":3,"number":4,"key":"k","drop":true,"upload":5,"piece":6,"pieces":7}`,
			&save{},
			&save{Node: "n", Slice: 3, Number: 4, Key: "k", Drop: true, Upload: 5, Piece: 6, Pieces: 7},
		},
		{
			`{"version":1,"term":2,"number":3,"writer":"w","slots":[{"owner":"n","number":4}],"layout":{"shop/backend":6}}`,
			&savedBoard{},
			&savedBoard{Version: 1, Term: 2, Number: 3, Writer: "w", Slots: []savedSlot{{"n", 4}}, Layout: Layout{"shop/backend": 6}},
		},
		{
			`{"run":{"id":"r","kind":"replayed","endpoint":"shop/backend"},"slice":3,"cancel":"x","count":true}`,
			&runOrder{},
			&runOrder{Run: gateway.Run{ID: "r", Kind: event.Replayed, Endpoint: "shop/backend"}, Slice: 3, Cancel: "x", Count: true},
		},
	} {
		newer := c.text[:len(c.text)-1] + `,"ofTheNextVersion":{"a":[1]}}`
		if err := json.Unmarshal([]byte(newer), c.into); err != nil {
			t.Errorf("%T: %v", c.into, err)
			continue
		}
		if diff := cmp.Diff(c.want, c.into, cmp.AllowUnexported()); diff != "" {
			t.Errorf("%T (-want +got):\n%s", c.into, diff)
		}
		if b, err := json.Marshal(c.into); err != nil || string(b) != c.text {
			t.Errorf("%T is written as %s, %v", c.into, b, err)
		}
	}
}
