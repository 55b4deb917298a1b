package dialect

import "time"

// Delivery is how a vendor's own server delivers after-callbacks: what a backend
// meets that has no gateway before it. It is facts of the vendor's pages and code;
// where these leave a number open the dialect says which one it takes.
type Delivery struct {
	// Vendor is its name as people write it: "RongCloud".
	Vendor string
	// Timeout is how long it waits for an answer. Adjustable is true where whoever
	// runs the vendor's server sets it.
	Timeout    time.Duration
	Adjustable bool
	// Retries is how many attempts follow a failed one, at once; zero means that it
	// tries once.
	Retries int
	// Parallel is how many requests it has in flight; zero means that it does not say.
	Parallel int
	// Queue is how many events may wait for one of these, and QueueWait how long one
	// waits for a place in that queue before it is dropped. Zero means no bound.
	Queue     int
	QueueWait time.Duration
	// OnlyOK takes no status but 200 for success; otherwise the vendor does not look,
	// and any 2xx is one.
	OnlyOK bool
	// JSON takes an answer that is not JSON for a failure.
	JSON bool
	// MaxAnswer is how many characters an answer may have; a longer one is a success
	// that counts as [FailedLong]. Zero means no bound.
	MaxAnswer int
	// Pauses are when it sends nothing for a while.
	Pauses []Pause
}

// Pause is when a vendor's server sends nothing for a while.
type Pause struct {
	// Word is what the vendor calls it: "banned".
	Word string
	// After are the failures that bring it about: Count requests of them Within that
	// time. Zero means however long it takes, which is for a Count of 1.
	After  []Failure
	Count  int
	Within time.Duration
	// Lasts is how long: the n-th one that began within Over lasts as the n-th of them
	// says, and all others as the last.
	Lasts []time.Duration
	Over  time.Duration
	// Keeps is true when what there is to send meanwhile is sent afterwards, and the
	// requests that brought it about are no attempts. Otherwise the vendor drops it.
	Keeps bool
}

// Failure is a kind of failed request, as vendors tell them apart. Values are
// output: append only.
type Failure string

// The kinds.
const (
	// FailedTimeout: no answer in time.
	FailedTimeout Failure = "time-outs"
	// FailedNetwork: nobody could be reached, or the connection broke.
	FailedNetwork Failure = "network failures"
	// FailedAnswer: the answer was not what the vendor takes for success.
	FailedAnswer Failure = "refusals"
	// FailedLong: the answer was longer than MaxAnswer.
	FailedLong Failure = "answers that are too long"
)

// Attempts is how often an event is tried at most.
func (d *Delivery) Attempts() int { return d.Retries + 1 }
