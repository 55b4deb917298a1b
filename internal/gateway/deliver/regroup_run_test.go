package deliver

import (
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func runRecord(t *testing.T, u *rerun) []byte {
	t.Helper()
	u.spec = gateway.Run{ID: "r1", Kind: event.Replayed, Endpoint: "shop/backend", Rate: 10}
	b, err := u.record()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A run whose endpoint is cut otherwise goes on before everything that any of its parts
// had not done, and nothing of it is counted twice.
func TestRegroupRun_LeavesNothingOut(t *testing.T) {
	t.Parallel()
	pos := gateway.NewPos
	parts := [][]byte{
		runRecord(t, &rerun{state: gateway.RunRunning, from: 3, end: 90, place: position{Read: pos(40, 0)}, before: tally{30, 30, 0}}),
		runRecord(t, &rerun{state: gateway.RunRunning, from: 3, end: 90, place: position{Read: pos(60, 0), Open: []openEvent{{Pos: pos(21, 2)}, {Pos: pos(50, 0)}}}, before: tally{40, 36, 2}}),
		runRecord(t, &rerun{state: gateway.RunDone, from: 3, end: 90, place: position{Read: pos(1, 0)}, before: tally{5, 5, 0}, endedAt: time.Unix(9, 0)}),
	}
	records, err := RegroupRun(parts, 2)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	var sum tally
	for i, b := range records {
		if run, ok := RunOf(runPrefix+"r1", b); !ok || run.ID != "r1" || run.Rate != 15 {
			t.Errorf("part %d is of run %+v, %v", i, run, ok)
		}
		u, err := parseRun(b)
		if err != nil {
			t.Fatal(err)
		}
		if u.state != gateway.RunRunning || !u.endedAt.IsZero() || u.from != 3 || u.end != 90 {
			t.Errorf("part %d is %s from %d to %d, ended at %v", i, u.state, u.from, u.end, u.endedAt)
		}
		if want := pos(21, 2) - 1; u.place.Read != want || len(u.place.Open) != 0 {
			t.Errorf("part %d goes on behind %d with %d open, want %d and none", i, u.place.Read, len(u.place.Open), want)
		}
		sum.selected, sum.delivered, sum.parked = sum.selected+u.before.selected, sum.delivered+u.before.delivered, sum.parked+u.before.parked
	}
	if want := (tally{75, 71, 2}); sum != want {
		t.Errorf("counted are %+v, want %+v", sum, want)
	}
}

func TestRegroupRun_OneThatIsOverStaysOver(t *testing.T) {
	t.Parallel()
	parts := [][]byte{
		runRecord(t, &rerun{state: gateway.RunDone, before: tally{5, 5, 0}, endedAt: time.Unix(5, 0)}),
		runRecord(t, &rerun{state: gateway.RunDone, before: tally{6, 5, 1}, endedAt: time.Unix(9, 0)}),
	}
	records, err := RegroupRun(parts, 3)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	u, err := parseRun(records[0])
	if err != nil || u.state != gateway.RunDone || u.before != (tally{11, 10, 1}) || !u.endedAt.Equal(time.Unix(9, 0)) {
		t.Errorf("it is %s, %+v, ended at %v, %v", u.state, u.before, u.endedAt, err)
	}
	if _, ok := RunOf("deliver.endpoint.shop/backend", parts[0]); ok {
		t.Error("a position was taken for a run")
	}
	if _, err := RegroupRun([][]byte{{runVersion, 9}}, 2); err == nil {
		t.Error("a damaged record was taken")
	}
}
