package receive

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
)

// TestSet_EndsStreamsOfSourcesThatChange: a stream may last for ever, so whoever
// may send no more must not go on with one that began before. Who is not meant
// notices nothing.
func TestSet_EndsStreamsOfSourcesThatChange(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	leaked := Source{Name: "leaked", App: "shop", Dialect: d, PathToken: "0123456789ab"}
	gone := Source{Name: "gone", App: "shop", Dialect: d}
	same := Source{Name: "same", App: "shop", Dialect: d, PathTokens: []dialect.DatedSecret{{Value: "abcdefghijkl"}}}
	r := newBulkRig(t, func(c *Config) { c.Sources = []Source{leaked, gone, same} })
	srv := r.serve(t)
	paths := []string{"/in/leaked/0123456789ab", "/in/gone", "/in/same/abcdefghijkl"}
	next := leaked
	next.PathToken = "another-one-0"
	if err := r.Check([]Source{next}); err != nil { // asks, and ends nothing
		t.Fatal(err)
	}
	for i, path := range paths {
		conn := dialStreamTo(t, srv, path)
		chunk(t, conn, numbered(100*i, 10))
		await(t, "the lines are kept", func() bool { return slices.Contains(r.keptIDs(), fmt.Sprintf("e%05d", 100*i+9)) })
		defer func() {
			if path == paths[2] {
				chunk(t, conn, numbered(900, 1))
				if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				if status, body := readAnswer(t, conn); status != 200 || summaryOf(t, body).Accepted != 11 {
					t.Errorf("of the source that stayed: %d %s", status, body)
				}
				return
			}
			status, body := readAnswer(t, conn)
			if s := summaryOf(t, body); status != 503 || s.Accepted != 10 || s.Resume != 11 || !strings.Contains(s.Error.Message, "source was changed") {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}()
	}
	if err := r.Set([]Source{next, same}); err != nil {
		t.Fatal(err)
	}
}

// TestStream_EndsWithItsPathToken: the token that opened it expires while lines
// come.
func TestStream_EndsWithItsPathToken(t *testing.T) {
	t.Parallel()
	var later atomic.Bool
	r := newBulkRig(t, func(c *Config) {
		c.Sources = []Source{{
			Name: "dated", App: "shop", Dialect: cloudevents.New(),
			PathTokens: []dialect.DatedSecret{{Value: "abcdefghijkl", Until: now.Add(time.Hour)}, {Value: "mnopqrstuvwx"}},
		}}
		c.Now = func() time.Time {
			if later.Load() {
				return now.Add(2 * time.Hour)
			}
			return now
		}
	})
	srv := r.serve(t)
	short, long := dialStreamTo(t, srv, "/in/dated/abcdefghijkl"), dialStreamTo(t, srv, "/in/dated/mnopqrstuvwx")
	chunk(t, short, numbered(0, 10))
	chunk(t, long, numbered(100, 10))
	await(t, "the lines are kept", func() bool { return len(r.keptIDs()) == 20 })
	later.Store(true)
	chunk(t, short, numbered(10, 1))
	chunk(t, long, numbered(110, 1))
	if _, err := io.WriteString(long, "0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	status, body := readAnswer(t, short)
	if s := summaryOf(t, body); status != http.StatusUnauthorized || s.Resume != 11 || !strings.Contains(s.Error.Message, "expired") {
		t.Errorf("with the token that expired: %d %s", status, body)
	}
	if status, body := readAnswer(t, long); status != 200 {
		t.Errorf("with the other one: %d %s", status, body)
	}
}

// TestStream_OneSourceLeavesRoomToOthers: whoever holds all streams that it can get
// does not close the way of another source.
func TestStream_OneSourceLeavesRoomToOthers(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	srv := r.serve(t)
	for i := range maxStreams {
		chunk(t, dialStream(t, srv), numbered(i, 1))
	}
	await(t, "one source has what it may have", func() bool {
		return r.counter(t, "imhook_rejected_total", "source", "lines", "reason", "busy") == maxStreams-maxOwnStreams
	})
	body := numbered(1000, 3)
	if w := r.post("/in/signed", body, signLines(t, body, "n")...); w.Code != 200 {
		t.Errorf("another source's stream = %d %s", w.Code, w.Body)
	}
	if err := r.Set([]Source{{Name: "lines", App: "other", Dialect: cloudevents.New()}}); err != nil {
		t.Fatal(err)
	}
	await(t, "their places are free again", func() bool {
		return r.post("/in/lines", body, "Content-Type", ndjson).Code == 200
	})
}

// hoard is a body that never comes, and sees how much room is made for it.
type hoard struct {
	left, room int
}

func (h *hoard) Read(p []byte) (int, error) {
	h.room = max(h.room, len(p))
	n := min(len(p), h.left)
	h.left -= n
	if n == 0 {
		return 0, errors.New("nothing more")
	}
	return n, nil
}

// TestReadAll_TrustsNoAnnouncement: a length is a claim, and room is made for what
// came.
func TestReadAll_TrustsNoAnnouncement(t *testing.T) {
	t.Parallel()
	const most = 16 << 20
	for _, came := range []int{0, 1, 1 << 10, 100_000, 1 << 20} {
		h := &hoard{left: came}
		if _, err := readAll(h, most, most); err == nil {
			t.Errorf("%d bytes of %d are a body", came, most)
		}
		if h.room > max(64<<10, 4*came) {
			t.Errorf("room was made for %d bytes when %d had come", h.room, came)
		}
	}
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1 << 20, 3<<20 + 7} {
		text := strings.Repeat("x", size)
		body, err := readAll(strings.NewReader(text+"and more"), int64(size), most)
		if err != nil || string(body) != text || cap(body) > size+8 {
			t.Errorf("%d bytes: %d, room for %d, %v", size, len(body), cap(body), err)
		}
		if size == 0 {
			continue
		}
		if _, err := readAll(strings.NewReader(text[1:]), int64(size), most); err == nil {
			t.Errorf("%d bytes of %d are a body", size-1, size)
		}
	}
}
