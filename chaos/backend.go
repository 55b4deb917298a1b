package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// repeatHeader marks what is requeued or replayed.
const repeatHeader = "Imhook-Repeat"

// backend is an app's backend: it checks signatures, and notes which messages it
// took, and in which order for the first time.
type backend struct {
	name string
	// more is what stands in its endpoint's configuration besides.
	more        string
	dialect     dialect.Dialect
	credentials dialect.Credentials
	link        *link
	// refuses says which messages it does not want. Nil is none.
	refuses func(imfake.Mark) bool
	calm    atomic.Bool // it refuses nothing any more

	ln       net.Listener
	server   *http.Server
	mood     atomic.Pointer[mood]
	requests atomic.Int64

	// all holds what was taken, refused what it did not want; firsts knows in which
	// order came what was not marked as a repeat.
	all, refused imfake.Tally
	firsts       sightings

	mu sync.Mutex
	// mu guards the following.
	invalid []string // requests that are not what its dialect says
}

// mood is what a backend does with its requests.
type mood struct {
	name string
	// every is which of the requests it does that with: 1 is each, 3 every third.
	every int64
	// delay comes before the answer; then the connection is dropped, or the answer
	// has that status. Zero is what it should be.
	delay  time.Duration
	drop   bool
	status int
	header http.Header
}

func (b *backend) start() error {
	var err error
	if b.ln, err = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("starting backend %s: %w", b.name, err)
	}
	// Dropped connections are what it is for.
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = b.server.Serve(b.ln) }() // ends with Close
	return nil
}

func (b *backend) close() { _ = b.server.Close() }

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off
	}
	n := b.requests.Add(1)
	req := &dialect.Request{Path: r.URL.Path, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), Header: r.Header, Body: body}
	evs, err := b.read(req)
	if err != nil {
		b.note("%s %s: %v: %.300s", r.URL.Path, r.URL.RawQuery, err, body)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if m := b.mood.Load(); m != nil && n%m.every == 0 {
		if m.delay > 0 {
			pause(r.Context(), m.delay)
			if r.Context().Err() != nil {
				return
			}
		}
		if m.drop {
			panic(http.ErrAbortHandler)
		}
		if m.status != 0 {
			maps.Copy(w.Header(), m.header)
			w.WriteHeader(m.status)
			return
		}
	}
	marks := slices.Collect(imfake.Marks(body))
	if b.refuses != nil && !b.calm.Load() && slices.ContainsFunc(marks, b.refuses) {
		for _, m := range marks {
			b.refused.Note(m)
			// It was here, and in its place: after a crash it may come again, and be taken.
			if r.Header.Get(repeatHeader) == "" {
				b.firsts.note(m)
			}
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	// Before the answer: who reads it may send the conversation's next message at once.
	for _, m := range marks {
		b.all.Note(m)
		if r.Header.Get(repeatHeader) == "" {
			b.firsts.note(m)
		}
	}
	res := b.dialect.Ack(req, evs)
	maps.Copy(w.Header(), res.Header)
	if res.ContentType != "" {
		w.Header().Set("Content-Type", res.ContentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(res.Body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(res.Body)
}

func (b *backend) read(req *dialect.Request) (evs []*event.Event, err error) {
	if _, err = b.dialect.Verify(req, b.credentials, dialect.Verification{Now: time.Now(), MaxAge: b.dialect.Spec().MaxAge}); err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	if evs, err = b.dialect.Decode(req); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	return evs, nil
}

// note keeps the first of what is wrong with requests.
func (b *backend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.invalid) < 10 {
		b.invalid = append(b.invalid, fmt.Sprintf(format, args...))
	}
}

func (b *backend) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.invalid)
}
