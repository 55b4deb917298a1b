package dialect

import "github.com/imhook/imhook/event"

// Bulker is implemented by dialects whose wire carries many independent events in
// one request, each of which gets an answer of its own: one that cannot be taken
// does not spoil its siblings.
type Bulker interface {
	// Lines reports whether req's body, which need not be there yet, is one item a
	// line. Such a body may be longer than anything else and is read as a stream.
	Lines(req *Request) bool
	// Items cuts a body that is a batch into its items, which share its memory; nil
	// without an error means that req is no batch. An error is a [*DecodeError] and
	// means that the batch as a whole cannot be read.
	Items(req *Request) ([][]byte, error)
	// DecodeItem reads one item, or one line without the white space around it. It
	// keeps nothing of what it is given: the bytes are used again.
	DecodeItem(item []byte) Item
	// Report answers a bulk request with what became of its items. Lines are
	// numbered from 1, items of a batch from 0.
	Report(req *Request, r *Report) Response
}

// Item is one decoded item of a bulk request.
type Item struct {
	// Event is what is to be kept, like those of Decode; nil means that the item is
	// refused. What is not understood but can be passed on is of type
	// vendor.unknown.
	Event *event.Event
	// ID is what the item calls itself, for the answer; empty when that cannot be
	// told.
	ID string
	// Err says why the item is refused, or, beside an Event, why it is not
	// understood.
	Err error
}

// Result is what became of one item. The words are on the wire: append only.
type Result string

// The results.
const (
	// ItemAccepted: it is kept, and new.
	ItemAccepted Result = "accepted"
	// ItemDuplicate: it had been kept before.
	ItemDuplicate Result = "duplicate"
	// ItemUnknown: it is kept, and new, but nobody knows what it says.
	ItemUnknown Result = "unknown"
	// ItemRefused: it is not kept; sending it again as it is will not help.
	ItemRefused Result = "refused"
)

// Run is one item, or several in a row that fared alike.
type Run struct {
	// First and Last are the numbers of the first and the last of them. Blank lines
	// in between belong to nobody.
	First, Last int
	// ID is the item's own; empty for several, and where it cannot be told.
	ID     string
	Result Result
	// Problem says what is wrong with it, in words fit for its sender.
	Problem string
}

// Report is what became of a bulk request.
type Report struct {
	// Status is the HTTP status of the answer.
	Status int
	// Runs are in the order of the items, without gaps up to the point where the
	// answer would become too long; Omitted counts the items after it. They are
	// counted below all the same.
	Runs    []Run
	Omitted int
	// Accepted counts what is kept and new; Unknown are those among them that
	// nobody understands. Accepted, Duplicates and Refused together are all items
	// that are settled.
	Accepted, Unknown, Duplicates, Refused int
	// Resume is the number of the first item that is not settled: everything before
	// it need not be sent again. Zero means that all are.
	Resume int
	// Err says why Status is no success; nil when it is one.
	Err error
}

// Settled is how many items are.
func (r *Report) Settled() int { return r.Accepted + r.Duplicates + r.Refused }
