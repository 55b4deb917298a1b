package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// silence is how long a stream may say nothing: a gateway says something at least
	// every fifteen seconds.
	silence = 30 * time.Second
	// maxStreamLine bounds one line of a stream, in bytes.
	maxStreamLine = 64 << 20
)

// StreamRequest asks for a stream of server-sent events.
type StreamRequest struct {
	Path  string
	Query url.Values
	// Body is sent as JSON with a POST; nil asks with a GET.
	Body any
	// After is the id of the last event that was seen; empty is none.
	After string
	// Heard is called whenever the gateway says anything, heartbeats too; nil is nobody.
	Heard func()
}

// StreamEvent is one server-sent event.
type StreamEvent struct {
	// Name says what it is; ID is where a stream can go on, often empty.
	Name, ID string
	Data     jsontext.Value
}

// BrokenError is a stream that ended without anybody's wish; asking again may help.
type BrokenError struct{ Err error }

// Error says how it ended.
func (e *BrokenError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *BrokenError) Unwrap() error { return e.Err }

// Stream calls take for each event, until ctx ends, take fails, or the stream ends. The
// error is take's own, that of ctx, a refusal ([*Error]), an [*UnreachableError], or a
// [*BrokenError], also when nothing was heard for half a minute.
func (c *Client) Stream(ctx context.Context, q StreamRequest, take func(StreamEvent) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	// Silence ends it: a connection may be dead without anybody saying so.
	var silent atomic.Bool
	watch := time.AfterFunc(silence, func() {
		silent.Store(true)
		cancel()
	})
	defer watch.Stop()
	err := c.stream(inner, q, func() {
		watch.Reset(silence)
		if q.Heard != nil {
			q.Heard()
		}
	}, take)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case silent.Load():
		return &BrokenError{fmt.Errorf("the gateway was silent for %v", silence)}
	}
	return err
}

func (c *Client) stream(ctx context.Context, q StreamRequest, heard func(), take func(StreamEvent) error) error {
	method, media := http.MethodGet, ""
	var body []byte
	if q.Body != nil {
		var err error
		if body, err = json.Marshal(q.Body, loose()...); err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
		method, media = http.MethodPost, "application/json"
	}
	long := *c.http
	long.Timeout = 0
	res, err := c.send(ctx, &long, method, q.Path, q.Query, media, body, func(h http.Header) {
		if q.After != "" {
			h.Set("Last-Event-ID", q.After)
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		return refusal(res, answer)
	}
	heard()
	return readEvents(res.Body, heard, take)
}

// readEvents reads a stream to its end, which is an error as any other.
func readEvents(r io.Reader, heard func(), take func(StreamEvent) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var e StreamEvent
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxStreamLine:
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("the gateway sent a line of more than %d bytes", maxStreamLine)
		case errors.Is(err, io.EOF):
			return &BrokenError{errors.New("the gateway ended the stream")}
		case err != nil:
			return &BrokenError{fmt.Errorf("the stream broke off: %w", err)}
		}
		heard()
		text := bytes.TrimRight(line, "\r\n")
		key, value, _ := bytes.Cut(text, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(text) == 0:
			if e.Data != nil {
				if err := take(e); err != nil {
					return err
				}
			}
			e = StreamEvent{}
		case string(key) == "event":
			e.Name = string(value)
		case string(key) == "id":
			e.ID = string(value)
		case string(key) == "data":
			e.Data = bytes.Clone(value)
		}
		line = line[:0]
	}
}
