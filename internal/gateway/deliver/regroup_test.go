package deliver

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestRegroup_LeavesNothingOut(t *testing.T) {
	t.Parallel()
	at := func(seq uint64) gateway.Pos { return gateway.NewPos(seq, 0) }
	due := time.UnixMilli(1763700000000).UTC()
	// Lanes are even and odd, one event a page. Page 4 is gone.
	page := func(_ context.Context, seq uint64) (*gateway.Page, error) {
		if seq == 4 {
			return nil, gateway.ErrNoPage
		}
		lane := "even"
		if seq%2 == 1 {
			lane = "odd"
		}
		return &gateway.Page{Seq: seq, Events: []*event.Event{{Lane: event.Lane(lane)}}}, nil
	}
	parts := []Saved{
		{Position: appendPosition(nil, position{Read: at(10), Open: []openEvent{{Pos: at(3)}, {Pos: at(4)}, {Pos: at(6), Attempts: 2, FirstAt: due, DueAt: due}}})},
		// The tail had read further than its record says.
		{Position: appendPosition(nil, position{Read: at(8), Live: true, Open: []openEvent{{Pos: at(5)}}, Paused: "gone"}), Tail: binary.AppendUvarint(nil, uint64(at(20)))},
	}
	odd := func(ev *event.Event) int { return strings.Count(string(ev.Lane), "odd") }
	records, tail, err := Regroup(t.Context(), parts, 2, odd, page)
	if err != nil {
		t.Fatal(err)
	}
	want := []position{
		{Read: at(10), Open: []openEvent{{Pos: at(4)}, {Pos: at(6), Attempts: 2, FirstAt: due, DueAt: due}}, Paused: "gone"},
		{Read: at(10), Open: []openEvent{{Pos: at(3)}, {Pos: at(5)}}, Paused: "gone"},
	}
	for i, record := range records {
		got, err := parsePosition(record)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("part %d (-want +got):\n%s", i, diff)
		}
	}
	if v, _ := binary.Uvarint(tail); gateway.Pos(v) != at(10) {
		t.Errorf("the tail is at %d, want %d", v, at(10))
	}
	// Back into one: nothing is read, all of it stays.
	saved := []Saved{{Position: records[0]}, {Position: records[1]}}
	one, _, err := Regroup(t.Context(), saved, 1, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parsePosition(one[0])
	if err != nil || len(one) != 1 || len(got.Open) != 4 || got.Read != at(10) {
		t.Errorf("one part = %+v, %v", got, err)
	}
	// What the slowest had not read is read again by all: it is not taken for open.
	parts[1] = Saved{Position: appendPosition(nil, position{Read: at(4)})}
	records, _, err = Regroup(t.Context(), parts, 2, odd, page)
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range records {
		if got, err := parsePosition(record); err != nil || got.Read != at(4) || len(got.Open) != 1 {
			t.Errorf("part %d = %+v, %v, want what is open up to page 4", i, got, err)
		}
	}
	if records, _, err := Regroup(t.Context(), nil, 3, nil, nil); records != nil || err != nil {
		t.Errorf("of nothing = %v, %v", records, err)
	}
}

// A part that is on its own now does not know less of how its endpoint is steered.
func TestRegroup_KeepsPausesAndHealth(t *testing.T) {
	t.Parallel()
	until := time.UnixMilli(1763700000000).UTC()
	parts := []Saved{
		{Position: appendPosition(nil, position{Lanes: []Pause{{Lane: "group:a", Why: "x"}}, Health: durable{Ramping: true}})},
		{Position: appendPosition(nil, position{
			Paused: "moving", Until: until, Lanes: []Pause{{Lane: "group:a", Why: "x"}, {Lane: "group:b", Why: "y", Until: until}}, Health: durable{Open: true, Trips: 3},
		})},
	}
	records, _, err := Regroup(t.Context(), parts, 3, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := position{
		Paused: "moving", Until: until, Lanes: []Pause{{Lane: "group:a", Why: "x"}, {Lane: "group:b", Why: "y", Until: until}},
		Health: durable{Open: true, Ramping: true, Trips: 3},
	}
	for i, record := range records {
		got, err := parsePosition(record)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("part %d (-want +got):\n%s", i, diff)
		}
	}
}
