package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/imhook/imhook/internal/gateway"
)

// errOvertaken: another page has the number that ours should have.
var errOvertaken = errors.New("something else was stored behind the last page")

// errNotThere: the number that a page should have is taken, by nothing that can be
// read yet.
var errNotThere = fmt.Errorf("%w, or is about to be", errOvertaken)

// store keeps a page behind page last and returns its number. The engine takes it
// only in that place, so that nobody else can write in between, and a page whose
// answer was lost can be sent again: it is stored once.
func (j *Journal) store(ctx context.Context, e *engine, page []byte, last uint64) (uint64, error) {
	m := nats.NewMsg(e.at.pageSubject)
	m.Data = page
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(last, 10))
	if e.embedded != nil {
		// One in this process that does not answer has failed for good.
		ack, err := e.js.PublishMsg(ctx, m)
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}
	id := nuid.Next()
	m.Header.Set(jetstream.MsgIDHeader, id)
	for tries := 0; ; tries++ {
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		ack, err := e.js.PublishMsg(try, m)
		cancel()
		switch {
		case err == nil:
			return ack.Sequence, nil
		case wrongSequence(err):
			seq, who := e.whose(ctx, last+1, id)
			if tries == 0 || !errors.Is(who, errNotThere) {
				return seq, who
			}
			// An earlier try has the number and waits for its quorum, or will be given up.
		case !again(err):
			return 0, err
		}
		if held := j.lease.held(); held != nil {
			return 0, fmt.Errorf("%w: %w", held, err)
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return 0, err
		}
	}
}

// whose tells whether message seq is the one with this id: an earlier try of it.
func (e *engine) whose(ctx context.Context, seq uint64, id string) (uint64, error) {
	m, err := e.pages.GetMsg(ctx, seq)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, errNotThere
	case err != nil:
		return 0, fmt.Errorf("reading what is stored as page %d: %w", seq, err)
	case m.Header.Get(jetstream.MsgIDHeader) == id:
		return seq, nil
	}
	return 0, errOvertaken
}

// wrongSequence says that the engine refused a message because of what it has.
func wrongSequence(err error) bool {
	code := apiCode(err)
	return code == codeWrongSequence || code == codeWrongSequenceTold
}

// again says that a message was not answered, or not taken now, so that sending
// it again may help.
func again(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		// The second: an earlier try is on its way through the cluster.
		return api.Code == 503 && fullReason(err) == "" || api.ErrorCode == codeInProcess
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionReconnecting)
}

// fullReason says in words that an external engine has no room; empty when err
// says something else.
func fullReason(err error) string {
	switch apiCode(err) {
	case codeStoreFailed:
		if !strings.Contains(err.Error(), "maximum") {
			return "" // writing failed
		}
		return "the stream of the journal is at its max_bytes in NATS: raise it, or lower retain.bytes"
	case codeAccountExceeded:
		return "the NATS account stores all that it may: raise its limit, or lower retain.bytes"
	case codeInsufficient, codeStorageExceeded:
		return "the NATS server stores all that it may (max_file_store, or its disk): give it room, or lower retain.bytes"
	}
	return ""
}

// noRoom refuses arrivals for a while after an external engine said that it has no
// room; then one is tried again.
func (j *Journal) noRoom(why string) error {
	j.roomless.Store(&roomless{why: why, until: time.Now().Add(roomlessFor)})
	if j.full.CompareAndSwap(nil, &why) {
		j.cfg.Log.Error("journal is full, callbacks are refused", "why", why)
	}
	j.wakeHouse()
	return fmt.Errorf("%w: %s", gateway.ErrFull, why)
}

const roomlessFor = 3 * time.Second

type roomless struct {
	why   string
	until time.Time
}

// engineFull is why the external engine takes nothing; empty when it does, or when
// it is time to try again.
func (j *Journal) engineFull() string {
	if r := j.roomless.Load(); r != nil && time.Now().Before(r.until) {
		return r.why
	}
	return ""
}

// fence stores something behind page last that is no page. What was sent before
// and is still on its way, by us or by the gateway that had the journal before,
// cannot be stored any more. It returns errOvertaken when something was stored
// just before.
func (e *engine) fence(ctx context.Context, last, events uint64) (uint64, error) {
	m := nats.NewMsg(e.at.fillerSubject)
	m.Data = sealPage(newPage(nil), 0, events)
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(last, 10))
	ack, err := e.js.PublishMsg(ctx, m)
	if wrongSequence(err) {
		return 0, errOvertaken
	}
	if err != nil {
		return 0, fmt.Errorf("fencing the journal: %w", err)
	}
	return ack.Sequence, nil
}
