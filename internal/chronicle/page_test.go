package chronicle

import (
	"bytes"
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

func TestPage_MemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	var p Batch
	p.Add(time.UnixMilli(1), []byte(`{"n":"a longer one"}`))
	first := p.Page()
	want := bytes.Clone(first)
	if again := p.Page(); !bytes.Equal(want, again) {
		t.Errorf("asked twice, a page is %q and %q", want, again)
	}
	p.reset()
	if p.Page() != nil {
		t.Error("there is a page of no entries")
	}
	at := time.UnixMilli(1 << 50).UTC() // a longer head
	p.Add(at, []byte(`{"n":2}`))
	o, err := OpenPage(p.Page())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Entries) != 1 || string(o.Entries[0]) != `{"n":2}` || !o.First.Equal(at) || !o.Last.Equal(at) {
		t.Errorf("the next page holds %q from %v to %v", o.Entries, o.First, o.Last)
	}
	if bytes.Equal(first, want) {
		t.Error("the first page has memory of its own")
	}
}

func TestNew_NeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := New(Config[int]{}); err == nil {
		t.Error("New without anything was taken")
	}
}
