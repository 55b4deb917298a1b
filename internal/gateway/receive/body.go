package receive

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// firstRead is how much is read of a body that does not say how long it is.
const firstRead = 4 << 10

// trusted is how much room is made for a body before anything of it is there.
const trusted = 64 << 10

// readBody reads a body of at most MaxBody bytes, unpacked where it is gzip.
func (h *Handler) readBody(r *Request) (body []byte, refused *refusal) {
	limit := h.cfg.MaxBody
	tooLarge := func() *refusal {
		return refuse(ReasonBodyTooLarge, http.StatusRequestEntityTooLarge, fmt.Errorf("body is larger than %d bytes", limit))
	}
	if r.Length > limit {
		return nil, tooLarge()
	}
	if h.cfg.ReadTimeout > 0 && r.Conn != nil {
		// The connection's own clock, not the injected one.
		if r.Conn.SetReadDeadline(time.Now().Add(h.cfg.ReadTimeout)) == nil {
			defer func() {
				// The server watches the connection by reading from it: a deadline
				// that stayed would look like a caller who left. After a failure it
				// stays, since the server reads on, to throw the rest away.
				if refused == nil {
					_ = r.Conn.SetReadDeadline(time.Time{})
				}
			}()
		}
	}
	in, packed, refused := unpacked(r)
	if refused != nil {
		return nil, refused
	}
	size := r.Length
	if packed {
		size = -1
	}
	body, err := readAll(in, size, limit)
	switch {
	case err != nil:
		return nil, badRead(fmt.Errorf("reading body: %w", err))
	case int64(len(body)) > limit:
		return nil, tooLarge()
	}
	return body, nil
}

// readAll reads at most limit+1 bytes; size is how many are announced, -1 when
// that is not known.
func readAll(in io.Reader, size, limit int64) ([]byte, error) {
	if size >= 0 {
		return readExactly(in, size)
	}
	body := make([]byte, 0, min(firstRead, limit+1))
	for {
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF: // the plain one alone: an engine wraps it when the caller left in the middle
			return body, nil
		case err != nil:
			return nil, err
		case int64(len(body)) > limit:
			return body, nil
		}
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(2*int64(cap(body)), limit+1))
			copy(grown, body)
			body = grown
		}
	}
}

// readExactly reads as many bytes as are announced. It makes room for them as they
// come: whoever announces much and sends nothing holds little.
func readExactly(in io.Reader, size int64) ([]byte, error) {
	body := make([]byte, min(size, trusted))
	for have := 0; ; {
		n, err := io.ReadFull(in, body[have:])
		if have += n; err != nil && have > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || int64(have) == size {
			return body[:have], err
		}
		grown := make([]byte, min(4*int64(have), size))
		copy(grown, body)
		body = grown
	}
}

// badRead says why a body could not be read.
func badRead(err error) *refusal {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(ReasonTimeout, http.StatusRequestTimeout, errors.New("the body did not come in time"))
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, errUnpacked), isCorrupt(err):
		return refuse(ReasonEncoding, http.StatusBadRequest, err)
	}
	return refuse(ReasonClientGone, http.StatusBadRequest, errors.New("the body ended early"))
}

// isCorrupt reports whether the packed bytes are none.
func isCorrupt(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok
}
