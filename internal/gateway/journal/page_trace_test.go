package journal

import (
	"bytes"
	"testing"

	"github.com/imhook/imhook/event"
)

// TestPage_TraceStateCostsNothingWhereThereIsNone: a tracestate goes with its
// traceparent, and a record without one is as it was before there were any.
func TestPage_TraceStateCostsNothingWhereThereIsNone(t *testing.T) {
	t.Parallel()
	const parent, state = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b,c=d"
	size := map[string]int{}
	for _, ev := range []*event.Event{{ID: "1"}, {ID: "1", Trace: parent}, {ID: "1", Trace: parent, TraceState: state}} {
		b := sealPage(appendRecord(newPage(nil), record{ev: ev}), 1, 0)
		records, err := parsePage(b, &interner{})
		if err != nil {
			t.Fatal(err)
		}
		if got := records[0].ev; got.Trace != ev.Trace || got.TraceState != ev.TraceState {
			t.Errorf("%q %q came back as %q %q", ev.Trace, ev.TraceState, got.Trace, got.TraceState)
		}
		size[ev.Trace+ev.TraceState] = len(b)
		if ev.TraceState == "" && ev.Trace != "" && !bytes.Contains(b, append([]byte{byte(len(parent))}, parent...)) {
			t.Error("a traceparent alone is not written as it was")
		}
	}
	if got := size[parent] - size[""]; got != len(parent) {
		t.Errorf("a traceparent takes %d bytes, want %d", got, len(parent))
	}
	if got := size[parent+state] - size[parent]; got != len(state)+1 {
		t.Errorf("a tracestate takes %d bytes, want %d", got, len(state)+1)
	}
}
