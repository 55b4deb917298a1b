package imfake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sinkAnswer is what a sink says to everything.
const sinkAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

// maxSinkBody is the largest body that a sink takes, in bytes.
const maxSinkBody = 16 << 20

// Sink is an app backend for load: it answers 200 to every POST at once, counts
// requests and tallies marks, and keeps nothing else. It is a bare HTTP/1.1
// responder, so that on a small machine it does not take the time that belongs
// to what is measured.
type Sink struct {
	ln       net.Listener
	tally    Tally
	requests atomic.Int64
	bytes    atomic.Int64
	status   atomic.Int64 // zero is 200
	after    atomic.Int64 // nanoseconds
	watch    atomic.Pointer[func(Mark)]
	wg       sync.WaitGroup

	mu sync.Mutex
	// mu guards the following.
	conns  map[net.Conn]struct{}
	closed bool
}

// NewSink starts a sink on a free loopback port. It panics when there is none,
// as net/http/httptest does.
func NewSink() *Sink {
	s := &Sink{ln: listen(), conns: make(map[net.Conn]struct{})}
	s.wg.Go(s.accept)
	return s
}

// URL is where to post, without a path.
func (s *Sink) URL() string { return "http://" + s.ln.Addr().String() }

// Requests counts the requests that were read whole.
func (s *Sink) Requests() int64 { return s.requests.Load() }

// Bytes counts the bytes of their bodies.
func (s *Sink) Bytes() int64 { return s.bytes.Load() }

// Tally holds the marks that arrived.
func (s *Sink) Tally() *Tally { return &s.tally }

// Answer makes the sink answer with status from now on, and each request that long
// after it was read. What gets another status than 200 is not counted. It begins with
// 200 at once.
func (s *Sink) Answer(status int, after time.Duration) {
	s.status.Store(int64(status))
	s.after.Store(int64(after))
}

// Watch calls fn for each mark that is counted, from the goroutine that read it; nil
// ends that. fn must be safe for concurrent use.
func (s *Sink) Watch(fn func(Mark)) { s.watch.Store(&fn) }

// Close ends all connections and waits until nothing of the sink runs any more.
func (s *Sink) Close() {
	s.mu.Lock()
	s.closed = true
	_ = s.ln.Close()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Sink) accept() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			_ = c.Close()
		} else {
			s.conns[c] = struct{}{}
			s.wg.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

func (s *Sink) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()

	r := bufio.NewReaderSize(c, 16<<10)
	w := bufio.NewWriterSize(c, 4<<10)
	var spill []byte
	for {
		length, err := readHead(r)
		if err != nil {
			if errors.Is(err, errLength) {
				_, _ = w.WriteString("HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				_ = w.Flush()
			}
			return
		}
		status := s.status.Load()
		if spill, err = s.take(r, length, spill, status == 0 || status == http.StatusOK); err != nil {
			return
		}
		if after := time.Duration(s.after.Load()); after > 0 {
			<-time.After(after)
		}
		if status == 0 || status == http.StatusOK {
			_, _ = w.WriteString(sinkAnswer)
		} else {
			fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", status, http.StatusText(int(status)))
		}
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
	}
}

// take reads a body and counts it, if it counts. A body that fits into the reader's
// buffer is looked at where it lies; spill is for larger ones.
func (s *Sink) take(r *bufio.Reader, length int, spill []byte, counts bool) ([]byte, error) {
	body, err := r.Peek(min(length, r.Size()))
	if err != nil {
		return spill, err
	}
	if length > r.Size() {
		if cap(spill) < length {
			spill = make([]byte, length)
		}
		body = spill[:length]
		_, err = io.ReadFull(r, body)
	}
	if err != nil {
		return spill, err
	}
	if counts {
		s.count(body)
	}
	if length <= r.Size() {
		_, err = r.Discard(length)
	}
	return spill, err
}

// count notes a request that is answered with 200.
func (s *Sink) count(body []byte) {
	watch := s.watch.Load()
	for m := range Marks(body) {
		s.tally.Note(m)
		if watch != nil && *watch != nil {
			(*watch)(m)
		}
	}
	s.requests.Add(1)
	s.bytes.Add(int64(len(body)))
}

// errLength says that a request does not announce a length that a sink takes.
var errLength = errors.New("no usable Content-Length")

var contentLength = []byte("content-length")

// readHead reads a request's head and returns the length of its body.
func readHead(r *bufio.Reader) (int, error) {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 && !first {
			break
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if first || !ok || !bytes.EqualFold(name, contentLength) {
			continue
		}
		if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
			return 0, errLength
		}
	}
	if length < 0 || length > maxSinkBody {
		return 0, errLength
	}
	return length, nil
}

// listen opens a free loopback port.
func listen() net.Listener {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic("imfake: opening a loopback port: " + err.Error())
	}
	return ln
}
