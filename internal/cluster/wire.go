package cluster

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway/journal"
)

// Words that gateways say to each other. What they carry is JSON: members are added
// only, so that gateways of different versions understand each other while one
// after the other is replaced.
const (
	sayBeat        = "beat"
	saySave        = "save"
	sayStatus      = "status"
	sayBoard       = "board"
	sayResume      = "resume"
	sayPause       = "pause"
	sayUnfinished  = "unfinished"
	sayRun         = "run"
	sayRuns        = "runs"
	sayFingerprint = "fingerprint"
)

const (
	// BeatEvery is how often a gateway says that it is there.
	BeatEvery = 500 * time.Millisecond
	// Lapse is how long a gateway may say nothing before what it has is given away.
	Lapse = 3 * time.Second
	// grantFor is how long a grant is valid at most.
	grantFor = Lapse * 4 / 5
	// settleFor is how long a gateway that begins to write waits for those who had
	// something to say that they still have it. One that is silent may go on for as
	// long as its grant: a writer that left in good order may have renewed it just
	// before. When all have said so nobody waits.
	settleFor = grantFor
	// askTimeout is how long another gateway may take to answer.
	askTimeout = 2 * time.Second
	// saveWithin is how long a position waits for a gateway that can save it.
	saveWithin = Lapse + 1500*time.Millisecond
)

// beat is what a gateway says of itself.
type beat struct {
	Node journal.Node `json:"node"`
	// Seq grows with each; an older one that comes late says nothing.
	Seq   uint64 `json:"seq"`
	Holds []hold `json:"holds,omitempty"`
	// Leaving is true while it stops: it gets nothing more.
	Leaving bool `json:"leaving,omitzero"`
	// Config tells its configuration from another one.
	Config string `json:"config,omitzero"`
}

// hold is a slice that a gateway has.
type hold struct {
	Slice  int    `json:"slice"`
	Number uint64 `json:"number"`
	// Runs is true once its positions are restored.
	Runs bool `json:"runs,omitzero"`
	// Floor is the first page that it is not done with; zero when that is not known.
	Floor uint64 `json:"floor,omitzero"`
}

// orders are what a gateway is told.
type orders struct {
	Grants []grant `json:"grants,omitempty"`
	// Valid is for how many milliseconds, from when the beat was sent.
	Valid  int64  `json:"validMillis"`
	Layout Layout `json:"layout,omitempty"`
	// Floor is the first page that somebody is not done with.
	Floor uint64 `json:"floor,omitzero"`
	// Ready is true once every endpoint was delivered to by somebody.
	Ready bool `json:"ready,omitzero"`
}

// grant is a slice that a gateway shall have.
type grant struct {
	Slice  int    `json:"slice"`
	Number uint64 `json:"number"`
}

// save asks to save, or to drop, what belongs to a slice. A value that does not fit
// into one request comes in pieces, one after the other.
type save struct {
	Node   string `json:"node"`
	Slice  int    `json:"slice"`
	Number uint64 `json:"number"`
	Key    string `json:"key"`
	Drop   bool   `json:"drop,omitzero"`
	// Upload tells the pieces of one value from those of another, Piece is which of
	// them this is, from 0, and Pieces how many there are.
	Upload uint64 `json:"upload,omitzero"`
	Piece  int    `json:"piece,omitzero"`
	Pieces int    `json:"pieces,omitzero"`
}

// maxPiece is how many bytes of a value travel in one request.
const maxPiece = 256 << 10

var errShort = errors.New("the request is cut short")

// pack puts a head in front of bytes.
func pack(head any, body []byte) ([]byte, error) {
	h, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint(nil, uint64(len(h)))
	b = append(b, h...)
	return append(b, body...), nil
}

// unpack is the inverse of pack.
func unpack(b []byte, head any) (body []byte, err error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, errShort
	}
	return b[k+int(n):], json.Unmarshal(b[k:k+int(n)], head)
}
