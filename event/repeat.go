package event

// Repeat says that an event is delivered once more because somebody asked for it:
// it is marked so for whoever gets it. Its zero value is an ordinary delivery, also
// one that takes many attempts. Values reach wire and disk: append only.
type Repeat string

// The repeats.
const (
	// Requeued was a dead letter.
	Requeued Repeat = "requeued"
	// Replayed is history.
	Replayed Repeat = "replayed"
)
