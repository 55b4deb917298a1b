package history

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestPlaces_ComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		phase := rapid.SampledFrom([]event.Phase{event.Before, event.After}).Draw(t, "phase")
		var all []place
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			seq := rapid.Uint64Range(1, 1<<uint(rapid.IntRange(1, 46).Draw(t, "bits"))-1).Draw(t, "page")
			all = append(all, placeOf(phase, gateway.NewPos(seq, rapid.IntRange(0, gateway.MaxPageEvents-1).Draw(t, "index"))))
		}
		slices.Sort(all)
		all = slices.Compact(all)
		got, err := parsePlaces(appendPlaces(nil, all), phase)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, all) {
			t.Fatalf("%v came back as %v", all, got)
		}
		for _, p := range all {
			if p.phase() != phase || placeOf(phase, p.pos()) != p {
				t.Fatalf("place %d is %s %d", p, p.phase(), p.pos())
			}
		}
	})
}

func FuzzParsePlaces(f *testing.F) {
	f.Add(appendPlaces(nil, []place{1 << 16, 1<<16 + 1, 7<<16 + 3}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parsePlaces(b, event.After)
		if err != nil {
			return
		}
		again, err := parsePlaces(appendPlaces(nil, all), event.After)
		if err != nil || !slices.Equal(all, again) {
			t.Fatalf("%v came back as %v, %v", all, again, err)
		}
	})
}

func TestSets_AreWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.Custom(func(t *rapid.T) []place {
			all := rapid.SliceOf(rapid.Map(rapid.Int64Range(0, 300), func(n int64) place { return place(n) })).Draw(t, "all")
			slices.Sort(all)
			return slices.Compact(all)
		})
		a, b := set.Draw(t, "a"), set.Draw(t, "b")
		for p := range place(301) {
			inA, inB := slices.Contains(a, p), slices.Contains(b, p)
			if got := slices.Contains(intersect(a, b), p); got != (inA && inB) {
				t.Fatalf("%d is in both: %v", p, got)
			}
			if got := slices.Contains(union([][]place{a, b}), p); got != (inA || inB) {
				t.Fatalf("%d is in one: %v", p, got)
			}
		}
		if !slices.IsSorted(intersect(a, b)) || !slices.IsSorted(union([][]place{a, b})) {
			t.Fatal("out of order")
		}
	})
}

func TestEndings_ComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	var all []ended
	for n := range 300 {
		all = append(all, ended{gateway.NewPos(uint64(1+n%3), n), Ending{
			Endpoint: []string{"shop/a", "shop/b"}[n%2], Kind: endingKinds[n%len(endingKinds)], Attempt: n % 5,
			At: began.Add(time.Duration(n*n) * time.Millisecond), Took: time.Duration(n) * time.Microsecond, Repeat: repeats[n%len(repeats)],
		}})
	}
	rows, pages := endingRows(all)
	if len(rows) != 6 || pages != (span{1, 3}) {
		t.Fatalf("%d rows of pages %v, want one for each page and endpoint", len(rows), pages)
	}
	for _, e := range all {
		var got []Ending
		for _, row := range rows {
			if row[0].(int64) != int64(e.pos.Seq()) {
				continue
			}
			some, err := parseEndings(row[3].([]byte), row[2].(string), e.pos.Index())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, some...)
		}
		if diff := cmp.Diff([]Ending{e.Ending}, got); diff != "" {
			t.Errorf("position %d (-want +got):\n%s", e.pos, diff)
		}
	}
}

func FuzzParseEndings(f *testing.F) {
	rows, _ := endingRows([]ended{{gateway.NewPos(1, 2), Ending{Endpoint: "a/b", Kind: gateway.Delivered, Attempt: 1, At: began}}})
	f.Add(rows[0][3].([]byte))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseEndings(b, "a/b", 2)
		if err == nil {
			for _, e := range all {
				if e.Attempt < 0 || e.Took < 0 {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}

func TestRecord_NeverWaitsAndIsBounded(t *testing.T) {
	t.Parallel()
	h := &History{}
	a := gateway.Attempt{Endpoint: "shop/a", Pos: 1 << 16, Outcome: gateway.Outcome{Kind: gateway.Delivered}}
	for range maxEnded + 7 {
		h.Record(a)
	}
	a.Outcome.Kind = gateway.Retry
	h.Record(a)
	all, lost := h.endings.take(nil)
	if len(all) != maxEnded || lost != 7 {
		t.Errorf("it holds %d and lost %d, want %d and 7", len(all), lost, maxEnded)
	}
}

func TestClean_TakesWhatTheWireWrites(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"alice": "alice", "": "", "a\x00b": "a\ufffdb", "\xff": "\ufffd", "群": "群",
		strings.Repeat("é", 300): strings.Repeat("é", 255) + "…",
	} {
		if got := clean(in); got != want || !utf8.ValidString(got) {
			t.Errorf("clean(%.20q) is %.40q, want %.40q", in, got, want)
		}
	}
}
