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
