package chronicle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPage_HoldsWhatWasAdded(t *testing.T) {
	t.Parallel()
	var p Batch
	early, late := time.UnixMilli(1_000).UTC(), time.UnixMilli(9_000).UTC()
	p.Add(late, []byte(`{"n":1}`))
	p.Add(early, []byte(`{"n":2}`))
	o, err := OpenPage(p.Page())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Time{early, late}, []time.Time{o.First, o.Last}); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	if len(o.Entries) != 2 || string(o.Entries[0]) != `{"n":1}` || string(o.Entries[1]) != `{"n":2}` {
		t.Errorf("entries are %q", o.Entries)
	}
}

func TestNew_NeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := New(Config[int]{}); err == nil {
		t.Error("New without anything was taken")
	}
}
