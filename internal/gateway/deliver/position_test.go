package deliver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/internal/gateway"
)

func samplePositions() []position {
	at := time.UnixMilli(1763700000123).UTC()
	return []position{
		{},
		{Read: gateway.NewPos(12, 3), Live: true},
		{Read: gateway.NewPos(1<<40, 65535), Open: []openEvent{
			{Pos: gateway.NewPos(7, 0)},
			{Pos: gateway.NewPos(7, 9), Attempts: 3, Sent: 2, FirstAt: at, DueAt: at.Add(time.Hour)},
			{Pos: gateway.NewPos(1<<40, 1)},
		}},
		{Read: gateway.NewPos(3, 0), Live: true, Paused: "endpoint answered that it is gone (410)"},
		{Read: gateway.NewPos(3, 0), Open: []openEvent{{Pos: gateway.NewPos(2, 1)}}, Removed: removal{At: at, Age: 72 * time.Hour, Bytes: 5 << 30}},
		{Read: gateway.NewPos(3, 0), Paused: "by hand", Removed: removal{At: at}},
		{Read: gateway.NewPos(3, 0), Live: true, Paused: "by hand", Until: at},
		{Read: gateway.NewPos(3, 0), Lanes: []Pause{{Lane: "group:a", Why: "noisy"}, {Lane: "user:b:c", Why: "x", Until: at}}},
		{Read: gateway.NewPos(3, 0), Health: durable{Open: true, Trips: 17}},
		{Read: gateway.NewPos(3, 0), Vendor: vendorRecord{Vendor: "Easemob", Pauses: []pauseRecord{{Until: at, Began: []time.Time{at, at}}, {Index: 2, Until: at}}}},
		{Read: gateway.NewPos(300, 0), Left: []leftRecord{{"", gateway.NewPos(7, 1), gateway.NewPos(7, 1), 0}, {"group:a", gateway.NewPos(9, 1), gateway.NewPos(300, 0), 1 << 20}}},
		{Read: gateway.NewPos(3, 0), Live: true, Paused: "x", Left: []leftRecord{{"group:a", gateway.NewPos(1, 0), gateway.NewPos(2, 5), 3}}},
		{Read: gateway.NewPos(3, 0), Health: durable{Ramping: true}, Open: []openEvent{{Pos: gateway.NewPos(2, 1), Attempts: 9, FirstAt: at, DueAt: never}}},
	}
}

func TestPosition_SurvivesItsRecord(t *testing.T) {
	t.Parallel()
	for _, want := range samplePositions() {
		got, err := parsePosition(appendPosition(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestPosition_RecordsOfTheFirstVersionAreReadAndWritten(t *testing.T) {
	t.Parallel()
	record := []byte{1, 1, 0x85, 0x80, 0x0c, 2, 0x81, 0x80, 0x04, 0, 0x80, 0x80, 0x04, 1, 2, 0x80, 0x20, 0x82, 0x20}
	want := position{Live: true, Read: gateway.NewPos(3, 5), Open: []openEvent{
		{Pos: gateway.NewPos(1, 1)},
		{Pos: gateway.NewPos(2, 1), Attempts: 1, Sent: 2, FirstAt: time.UnixMilli(2048).UTC(), DueAt: time.UnixMilli(2049).UTC()},
	}}
	got, err := parsePosition(record)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// An endpoint that is neither paused nor removed is understood by those who know
	// the first version alone.
	if diff := cmp.Diff(record, appendPosition(nil, got)); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
}

func TestPosition_RecordsOfTheSecondVersionAreReadAndWritten(t *testing.T) {
	t.Parallel()
	record := []byte{2, 3, 0x80, 0x80, 0x0c, 0, 4, 'g', 'o', 'n', 'e'}
	want := position{Live: true, Read: gateway.NewPos(3, 0), Paused: "gone"}
	got, err := parsePosition(record)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(record, appendPosition(nil, got)); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
}

// TestPosition_RecordsOfTheThirdVersionAreReadAndWritten: an older imhook goes on with what
// has left nothing behind, and refuses what has.
func TestPosition_RecordsOfTheThirdVersionAreReadAndWritten(t *testing.T) {
	t.Parallel()
	record := []byte{3, 0x21, 0x80, 0x80, 0x0c, 1, 0x81, 0x80, 0x04, 0, 1, 7, 'g', 'r', 'o', 'u', 'p', ':', 'a', 5, 'n', 'o', 'i', 's', 'y', 0}
	want := position{Live: true, Read: gateway.NewPos(3, 0), Open: []openEvent{{Pos: gateway.NewPos(1, 1)}}, Lanes: []Pause{{Lane: "group:a", Why: "noisy"}}}
	got, err := parsePosition(record)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(record, appendPosition(nil, got)); diff != "" {
		t.Errorf("written again (-want +got):\n%s", diff)
	}
	got.Left = []leftRecord{{Lane: "group:a", First: gateway.NewPos(2, 0), Last: gateway.NewPos(2, 0), Events: 1}}
	if b := appendPosition(nil, got); b[0] != 4 {
		t.Errorf("a record that says what was left behind has version %d, want 4: those before would lose it", b[0])
	}
}

func TestPosition_NewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := parsePosition([]byte{positionVersion + 1, 0, 0, 0}); err == nil {
		t.Error("a record of a newer version was read")
	}
}

func FuzzPosition(f *testing.F) {
	for _, p := range samplePositions() {
		f.Add(appendPosition(nil, p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePosition(b)
		if err != nil {
			return
		}
		again, err := parsePosition(appendPosition(nil, p))
		if err != nil {
			t.Fatalf("own record is refused: %v", err)
		}
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}
