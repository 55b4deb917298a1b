package receive

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// packed is a gzip of n bytes of a text, again and again.
func packed(t *testing.T, text string, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, endless(text, n)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestStream_SmallBodiesDoNotUnpackForEver: a few kilobytes must not make work for
// minutes. What was taken before is answered for, and stays.
func TestStream_SmallBodiesDoNotUnpackForEver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks a gigabyte, one goroutine alone; runs without -short, as CI does")
	}
	post := func(path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
		r := newBulkRig(t, nil)
		req := httptest.NewRequest(http.MethodPost, path, body)
		req.Header.Set("Content-Type", ndjson)
		req.Header.Set("Content-Encoding", "gzip")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w
	}
	const n = 4 * maxUnpacked
	for _, text := range []string{"\n", "x", strings.Repeat(" ", 998) + "7\n"} {
		w := post("/in/lines", bytes.NewReader(packed(t, text, n)))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "unpacks to more than 250 times its size") {
			t.Errorf("%.20q: %d %.300s", text, w.Code, w.Body)
		}
	}
	// Events pack well too.
	events := numbered(0, maxUnpacked/len(ce("e00000"))+10_000)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, events); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if len(events) <= maxUnpacked {
		t.Fatalf("%d bytes are too few to show it", len(events))
	}
	if w := post("/in/lines", &b); w.Code != http.StatusOK {
		t.Errorf("events: %d %.300s", w.Code, w.Body)
	}
}
