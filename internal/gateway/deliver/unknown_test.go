package deliver

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// startLogged is start with a log.
func startLogged(t *testing.T, j *memJournal, eps ...Endpoint) (*Deliverer, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	d, err := New(Config{Endpoints: eps, Index: all(len(eps)), Journal: j, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatalf("start with a damaged record: %v", err)
	}
	return d, &log
}

// A damaged or lost record used to end the start for good, or to let its endpoint begin at
// the journal's end. It begins where every endpoint was done: nothing is missed, and what is
// delivered again is what the journal still had to keep.
func TestDeliver_LostRecordsLoseNothing(t *testing.T) {
	t.Parallel()
	const done, all = 20, 30
	for _, tt := range []struct {
		name   string
		damage func(j *memJournal)
		said   string
	}{
		{"an endpoint's is damaged", func(j *memJournal) {
			b := j.saved[endpointPrefix+"a/e"]
			j.saved[endpointPrefix+"a/e"] = b[:len(b)-1]
		}, "is damaged"},
		{"an endpoint's is empty", func(j *memJournal) { j.saved[endpointPrefix+"a/e"] = nil }, "is damaged (0 bytes)"},
		{"an endpoint's is lost", func(j *memJournal) {
			delete(j.saved, endpointPrefix+"a/e")
			j.lostPlaces = true
		}, "is missing, though the journal had it"},
		{"all are lost", func(j *memJournal) {
			clear(j.saved)
			j.lostPlaces = true
		}, "is missing, though the journal had it"},
		{"the tail's is damaged", func(j *memJournal) { j.saved[tailKey] = []byte{0x80} }, "how far the journal was read is damaged"},
		{"the tail's and the endpoint's", func(j *memJournal) {
			j.saved[tailKey] = []byte{0x80}
			j.saved[endpointPrefix+"a/e"] = []byte("x")
		}, "is damaged"},
	} {
		for _, noFloor := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, floor known %v", tt.name, !noFloor), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					j, b := newMemJournal(), &backend{}
					var down bool
					b.answer = func(*event.Event, int) gateway.Outcome {
						if down {
							return failing(gateway.Retry, gateway.ReasonConnect)
						}
						return gateway.Outcome{Kind: gateway.Delivered}
					}
					d := start(t, j, nil, endpoint(b))
					for n := range done {
						j.add(ev("x", n))
					}
					advance(2 * time.Second) // the floor is told each second
					down = true
					for n := done; n < all; n++ {
						j.add(ev("x", n))
					}
					advance(2 * time.Second)
					stop(t, d)

					j.noFloor = noFloor
					tt.damage(j)
					b.answer = nil
					before := len(b.ids())
					d, log := startLogged(t, j, endpoint(b))
					advance(time.Minute)
					j.add(ev("x", all))
					advance(time.Second)
					stop(t, d)
					got := b.ids()[before:]
					slices.Sort(got)
					got = slices.Compact(got)
					for n := done; n <= all; n++ {
						if id := fmt.Sprintf("x/%d", n); !slices.Contains(got, id) {
							t.Errorf("%s is missing of %q", id, got)
						}
					}
					if again := len(got) - (all + 1 - done); !noFloor && again > 1 {
						t.Errorf("%d events that every endpoint was done with are delivered again", again)
					}
					if !strings.Contains(log.String(), tt.said) || !strings.Contains(log.String(), "pages=") {
						t.Errorf("the start says\n%s\nwant %q and how many pages", log, tt.said)
					}
					// What was mended stays so.
					d, log = startLogged(t, &memJournal{first: 1, pages: j.pages, more: j.more, saved: j.saved, floor: j.floor}, endpoint(b))
					stop(t, d)
					if strings.Contains(log.String(), "level=ERROR") {
						t.Errorf("the start after that says\n%s", log)
					}
				})
			})
		}
	}
}

// What an endpoint that is not configured had is kept for it although its record is gone.
func TestDeliver_DamagedRecordOfAnAbsentEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b, other := newMemJournal(), &backend{}, &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		o := Endpoint{App: "a", Name: "o", Match: everything, Sender: other}
		d := start(t, j, nil, endpoint(b))
		for n := range 5 {
			j.add(ev("x", n))
		}
		advance(2 * time.Second)
		stop(t, d)
		j.saved[endpointPrefix+"a/e"] = []byte{1}
		d, log := startLogged(t, j, o)
		j.add(ev("x", 5))
		advance(2 * time.Second)
		stop(t, d)
		if !strings.Contains(log.String(), "is damaged (1 bytes)") {
			t.Errorf("the start says\n%s", log)
		}
		b.answer = nil
		before := len(b.ids())
		d = start(t, j, nil, endpoint(b), o)
		advance(time.Minute)
		stop(t, d)
		got := b.ids()[before:]
		if len(got) != 6 || !slices.IsSorted(got) {
			t.Errorf("back again it got %q, want x/0 to x/5", got)
		}
	})
}

// A record of a newer imhook is not damaged: who passed over it would destroy it.
func TestDeliver_NewerRecordStopsTheStartWithTheRemedy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		j.saved[endpointPrefix+"a/e"] = []byte{positionVersion + 1, 0, 0, 0}
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "start the imhook that wrote it, or a newer one") {
			t.Errorf("start = %v", err)
		}
		if !bytes.Equal(j.saved[endpointPrefix+"a/e"], []byte{positionVersion + 1, 0, 0, 0}) {
			t.Error("the record was written over")
		}
	})
}
