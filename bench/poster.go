package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	// answerWithin is how long a poster waits for one answer.
	answerWithin = 30 * time.Second
	// offendsEvery is how many messages of a connection there are for one that offends.
	offendsEvery = 16
)

// posted is what one round's posting came to.
type posted struct {
	// accepted counts the messages that were answered with status 200; the lanes from first on have
	// the positions 1 to seqs[lane-first].
	accepted int
	first    uint32
	seqs     []uint64
	latency  []time.Duration
}

// post sends messages over cfg.Conns connections for d, each connection one request
// at a time, with messages to its own lanes in turn. Every request must be answered
// as the side's template says.
func post(ctx context.Context, cfg config, s *side, d time.Duration) (posted, error) {
	p := posted{first: s.lane, seqs: make([]uint64, cfg.Lanes)}
	t := s.template(cfg)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.Now()

	type result struct {
		latency []time.Duration
		err     error
	}
	results := make([]result, cfg.Conns)
	var wg sync.WaitGroup
	for c := range cfg.Conns {
		wg.Go(func() {
			r := &results[c]
			// Ids of a connection are every Conns-th one.
			r.latency, r.err = postOn(ctx, t.clone(), s.addr, begin.Add(d), func(n uint64) message {
				own := (cfg.Lanes - c + cfg.Conns - 1) / cfg.Conns
				l := c + int(n%uint64(own))*cfg.Conns
				p.seqs[l]++
				return message{
					id: s.id + n*uint64(cfg.Conns) + uint64(c), lane: s.lane + uint32(l), seq: p.seqs[l],
					offends: (n+uint64(c))%offendsEvery == 0,
				}
			})
			if r.err != nil {
				cancel()
			}
		})
	}
	wg.Wait()

	most := 0
	var errs []error
	for _, r := range results {
		p.accepted += len(r.latency) * len(t.slots)
		p.latency = append(p.latency, r.latency...)
		most = max(most, len(r.latency)*len(t.slots))
		if r.err != nil && !errors.Is(r.err, context.Canceled) {
			errs = append(errs, r.err)
		}
	}
	s.id += uint64(most+len(t.slots)) * uint64(cfg.Conns)
	s.lane += uint32(cfg.Lanes)
	if err := errors.Join(errs...); err != nil {
		return p, fmt.Errorf("posting to %s: %w", s.name, err)
	}
	return p, ctx.Err()
}

// postOn posts over one connection until the end; next says what the n-th message
// is. It returns how long each answer took.
func postOn(ctx context.Context, t *template, addr string, end time.Time, next func(n uint64) message) ([]time.Duration, error) {
	c, err := connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	latency := make([]time.Duration, 0, 1<<14)
	if err := c.conn.SetDeadline(end.Add(answerWithin)); err != nil {
		return nil, fmt.Errorf("setting a deadline: %w", err)
	}
	for n := uint64(0); ; {
		begin := time.Now()
		if begin.After(end) || ctx.Err() != nil {
			return latency, ctx.Err()
		}
		want := &t.allowed
		for i := range t.slots {
			m := next(n)
			m.millis = begin.UnixMilli()
			t.patch(i, m)
			if m.offends {
				want = &t.denied
			}
			n++
		}
		if err := c.post(t, want); err != nil {
			return latency, err
		}
		latency = append(latency, time.Since(begin))
	}
}

// expected is what a request must be answered.
type expected struct {
	// status is how the answer begins.
	status []byte
	body   []byte
	// anything is true when the body does not matter.
	anything bool
}

// connection is one on which requests are posted, one after the other.
type connection struct {
	conn net.Conn
	r    *bufio.Reader
}

func connect(ctx context.Context, addr string) (*connection, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &connection{conn: c, r: bufio.NewReaderSize(c, 4<<10)}, nil
}

func (c *connection) close() { _ = c.conn.Close() }

// post sends a request and reads its answer.
func (c *connection) post(t *template, want *expected) error {
	if _, err := c.conn.Write(t.request); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return readAnswer(c.r, want)
}

var (
	anyOK         = expected{status: []byte("HTTP/1.1 200 "), anything: true}
	contentLength = []byte("content-length")
)

// readAnswer reads one answer, which must have a length.
func readAnswer(r *bufio.Reader, want *expected) error {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if first {
			if !bytes.HasPrefix(line, want.status) {
				return fmt.Errorf("answered %q", bytes.TrimSpace(line))
			}
			continue
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		if bytes.EqualFold(name, contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return fmt.Errorf("reading the answer's length: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("answer has no Content-Length")
	}
	if !want.anything {
		body, err := r.Peek(length)
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if !bytes.Equal(body, want.body) {
			return fmt.Errorf("answered %q, want %q", body, want.body)
		}
	}
	if _, err := r.Discard(length); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}
