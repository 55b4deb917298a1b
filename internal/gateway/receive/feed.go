package receive

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// unpacked is a body as its content coding means it. packed says whether there was
// one.
func unpacked(r *Request) (body io.Reader, packed bool, refused *refusal) {
	switch coding := r.Header.Get("Content-Encoding"); {
	case coding == "" || strings.EqualFold(coding, "identity"):
		return r.Body, false, nil
	case strings.EqualFold(coding, "gzip"):
		in := &counter{in: r.Body}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, true, badRead(fmt.Errorf("unpacking gzip: %w", err))
		}
		return &unpacker{counter: counter{in: z}, packed: in}, true, nil
	default:
		re := refuse(ReasonEncoding, http.StatusUnsupportedMediaType, fmt.Errorf("content encoding %.40q is not supported: send plain or gzip", coding))
		re.header = http.Header{"Accept-Encoding": {"gzip"}}
		return nil, true, re
	}
}

// What a body may unpack to: events that resemble each other are packed to a
// fortieth. More comes of bodies that are made to keep us busy, and a stream of
// lines has no other bound.
const (
	maxUnpacked = 16 << 20
	maxRatio    = 250
)

var errUnpacked = fmt.Errorf("the body unpacks to more than %d times its size", maxRatio)

// counter counts what is read.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // a reader's
}

// unpacker reads what a packed body means, unless that is out of all proportion.
type unpacker struct {
	counter
	packed *counter
}

func (u *unpacker) Read(p []byte) (int, error) {
	if u.n > maxUnpacked && u.n > maxRatio*u.packed.n {
		return 0, errUnpacked
	}
	return u.counter.Read(p)
}

// feed reads a body for as long as something arrives: whoever sends less than
// earned asks for in a time is cut.
type feed struct {
	in io.Reader
	r  *Request
	// wait is how long the next piece may take.
	wait time.Duration
	// stopping and changed are closed when reading has to end: the gateway stops, the
	// source is another.
	stopping, changed <-chan struct{}
	// earned is set when the sender did enough for another wait.
	earned bool
	// begun is set once something was asked of the sender.
	begun bool
	// unwatch ends the goroutine that looks at them.
	unwatch func()
}

func (c *call) newFeed() *feed {
	f := &feed{r: c.r, wait: c.h.cfg.LineTimeout, stopping: c.h.stopping, changed: c.src.changed}
	done, gone := make(chan struct{}), make(chan struct{})
	f.unwatch = sync.OnceFunc(func() { close(done); <-gone })
	go func() {
		defer close(gone)
		select {
		case <-f.stopping:
			f.hasten()
		case <-f.changed:
			f.hasten()
		case <-done:
		}
	}()
	return f
}

// open begins to read, with one wait for what comes first.
func (f *feed) open() *refusal {
	if why := f.ending(); why != nil {
		return later(ReasonStopping, why)
	}
	f.extend()
	f.begun = true
	body, _, refused := unpacked(f.r)
	f.in = body
	return refused
}

// Read reads what comes within the time that was earned.
func (f *feed) Read(p []byte) (int, error) {
	if f.earned {
		f.extend()
	}
	return f.in.Read(p)
}

// extend gives the sender time. The connection's clock is meant, not the injected
// one.
func (f *feed) extend() {
	f.earned = false
	if f.r.Conn == nil {
		return
	}
	_ = f.r.Conn.SetReadDeadline(time.Now().Add(f.wait))
	if f.ending() != nil { // whoever watches may have set its deadline before ours
		f.hasten()
	}
}

// lastWait is how long a stream may wait for a line when it has to end. It is not
// zero: a reader of chunks that failed once reads no more, not even to throw away
// what a busy sender has under way.
const lastWait = 100 * time.Millisecond

// hasten ends a Read that waits.
func (f *feed) hasten() {
	if f.r.Conn != nil {
		_ = f.r.Conn.SetReadDeadline(time.Now().Add(lastWait))
	}
}

// ending is why reading has to end, nil while it may go on.
func (f *feed) ending() error {
	select {
	case <-f.stopping:
		return errStopping
	case <-f.changed:
		return errChanged
	default:
		return nil
	}
}

// release lets the engine go on with the connection after all of the body.
func (f *feed) release() {
	f.unwatch()
	if f.r.Conn != nil {
		_ = f.r.Conn.SetReadDeadline(time.Time{})
	}
}

// How much of what nobody wants any more is thrown away before the answer, and for
// how long: some senders read nothing before they have written everything, and
// would see a broken connection in place of the answer.
const (
	drainBytes = 64 << 20
	drainTime  = 2 * time.Second
)

func (f *feed) drain() {
	f.unwatch()
	if !f.begun && f.r.Header.Get("Expect") != "" {
		return // the sender waits for a word before it begins
	}
	if f.r.Conn == nil || f.r.Conn.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, f.r.Body, drainBytes)
	// What is still to come is the engine's, which tells a sender that goes on from
	// one that stands still by this.
	_ = f.r.Conn.SetReadDeadline(time.Now().Add(drainTime))
}

// budget bounds what all requests together hold, in bytes.
type budget struct{ left atomic.Int64 }

// take reports whether there were n bytes more.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.left.Add(n) }

// How large a signed stream may be, and all of them together, in bodies of the
// largest size.
const (
	spoolBodies    = 16
	allSpoolBodies = 4 * spoolBodies
	// spoolPiece is how much must arrive in one wait.
	spoolPiece = 64 << 10
)

var errSignedStream = errors.New("a signed stream of lines is read whole before anything of it is kept, for its signature covers all of it: " +
	"send batches, or stream to a source without a secret, behind path_token or allow_from")

// spool reads a signed stream whole. held is what it took of the budget, also when
// it failed.
func (c *call) spool(f *feed) (body []byte, held int64, refused *refusal) {
	limit := spoolBodies * c.h.cfg.MaxBody
	tooLarge := func() *refusal {
		return refuse(ReasonBodyTooLarge, http.StatusRequestEntityTooLarge, fmt.Errorf("body is larger than %d bytes: %w", limit, errSignedStream))
	}
	if c.r.Length > limit {
		return nil, 0, tooLarge()
	}
	arrived := 0
	for {
		if len(body) == cap(body) {
			size := min(max(spoolPiece, 2*int64(cap(body))), limit+1)
			if !c.h.spools.take(size - held) {
				return nil, held, later(ReasonBusy, errors.New("too many signed streams at once"))
			}
			held = size
			grown := make([]byte, len(body), size)
			copy(grown, body)
			body = grown
		}
		n, err := f.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if arrived += n; arrived >= spoolPiece {
			arrived, f.earned = 0, true
		}
		switch {
		case err == io.EOF: //nolint:errorlint // only the plain one is the end
			f.release()
			return body, held, nil
		case err != nil:
			return nil, held, badStream(f, err)
		case int64(len(body)) > limit:
			return nil, held, tooLarge()
		}
	}
}
