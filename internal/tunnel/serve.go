package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// maxBody bounds the body of a request, in bytes: what comes from the gateway itself is
// less.
const maxBody = 64 << 20

// serve answers the requests of one connection, one after the other as they come.
func (h *Hub) serve(c net.Conn, n Name, timeout time.Duration) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		// Whoever sent it closes the connection when it waits no longer; until then
		// nothing comes but the next request, once this one is answered.
		next := make(chan error, 1)
		go func() {
			_, err := in.Peek(1)
			if err != nil {
				cancel()
			}
			next <- err
		}()
		a, err := h.answer(ctx, Request{
			ID: rand.Text(), Name: n, Path: req.URL.EscapedPath(), Query: req.URL.RawQuery, Header: req.Header, Body: body, TimeoutMS: timeout.Milliseconds(),
		})
		cancel()
		if err != nil || write(c, a) != nil {
			return // closing ends the look for the next one
		}
		if <-next != nil {
			return
		}
	}
}

func (h *Hub) answer(ctx context.Context, r Request) (Answer, error) {
	a, err := h.Ask(ctx, r)
	if errors.Is(err, ErrNobody) && h.cfg.Elsewhere != nil {
		return h.cfg.Elsewhere(ctx, r)
	}
	return a, err
}

// write writes an answer as a server would. One that is none is a bad gateway's, with
// the words of whoever listens.
func write(c net.Conn, a Answer) error {
	if a.Error != "" {
		a.Status, a.Header, a.Body = http.StatusBadGateway, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(a.Error)
	}
	if a.Status < 200 || a.Status > 599 {
		a.Status, a.Body = http.StatusBadGateway, []byte("who listens gave no status")
	}
	header := http.Header{}
	for k, vs := range a.Header {
		switch http.CanonicalHeaderKey(k) {
		case "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Keep-Alive":
			// They were about another connection.
		default:
			header[http.CanonicalHeaderKey(k)] = vs
		}
	}
	res := http.Response{
		StatusCode: a.Status, ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}
	return res.Write(c)
}
