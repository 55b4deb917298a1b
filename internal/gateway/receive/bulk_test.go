package receive

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

const ndjson = "application/x-ndjson"

// newBulkRig has a source without a secret, /in/lines, and one with, /in/signed.
func newBulkRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	return newRig(t, func(c *Config) {
		signed := builtinSource(cloudevents.New())
		signed.Name = "signed"
		c.Sources = []Source{{Name: "lines", App: "shop", Dialect: cloudevents.New()}, signed}
		c.MaxBody = 1000
		if change != nil {
			change(c)
		}
	})
}

// ce is an event as somebody writes it by hand.
func ce(id string) string {
	return `{"specversion":"1.0","id":"` + id + `","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"x"}}}`
}

// numbered is n events, one a line, from first on.
func numbered(first, n int) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		b.WriteString(ce(fmt.Sprintf("e%05d", i)) + "\n")
	}
	return b.String()
}

// keptIDs are all that the journal kept, in its order, without those it had.
func (r *rig) keptIDs() []string {
	var ids []string
	seen := map[string]bool{}
	for _, a := range r.journal.arrivals() {
		for _, ev := range a.Events {
			if !seen[ev.ID] {
				seen[ev.ID] = true
				ids = append(ids, ev.ID)
			}
		}
	}
	return ids
}

func wantIDs(first, n int) []string {
	var ids []string
	for i := first; i < first+n; i++ {
		ids = append(ids, fmt.Sprintf("e%05d", i))
	}
	return ids
}

// summary is the last line of an answer to a stream.
type summary struct {
	Lines, Accepted, Duplicates, Unknown, Refused, Omitted, Resume int
	Error                                                          struct {
		Status  int
		Message string
	}
}

func summaryOf(t *testing.T, answer string) summary {
	t.Helper()
	lines := strings.Split(strings.TrimRight(answer, "\n"), "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("the last line of %s: %v", answer, err)
	}
	return s
}

func TestStream_AnswersForEachLine(t *testing.T) {
	t.Parallel()
	long := `{"specversion":"1.0","id":"l","type":"im.message.send","data":{"message":{"text":"` + strings.Repeat("x", 1000) + `"}}}`
	fits := `{"x":"` + strings.Repeat("x", 1000-8) + `"}` // but not in its envelope
	proposal := `{"specversion":"1.0","id":"p","type":"im.message.send","imphase":"before"}`
	const ok = `{"line":1,"id":"a","result":"accepted"}`
	for _, tt := range []struct {
		name, body string
		status     int
		want       []string
	}{
		{"one", ce("a"), 200, []string{ok, `{"lines":1,"accepted":1,"duplicates":0,"unknown":0,"refused":0}`}},
		{"many", numbered(0, 5), 200, []string{
			`{"line":1,"to":5,"result":"accepted"}`, `{"lines":5,"accepted":5,"duplicates":0,"unknown":0,"refused":0}`,
		}},
		{"windows", "\xef\xbb\xbf" + ce("a") + "\r\n\r\n" + ce("b") + "\r\n", 200, []string{
			`{"line":1,"to":3,"result":"accepted"}`, `{"lines":2,"accepted":2,"duplicates":0,"unknown":0,"refused":0}`,
		}},
		{"duplicates inside", ce("a") + "\n" + ce("a") + "\n" + ce("b") + "\n" + ce("a") + "\n" + ce("b") + "\n", 200, []string{
			ok, `{"line":2,"id":"a","result":"duplicate"}`, `{"line":3,"id":"b","result":"accepted"}`, `{"line":4,"to":5,"result":"duplicate"}`,
			`{"lines":5,"accepted":2,"duplicates":3,"unknown":0,"refused":0}`,
		}},
		{"no JSON", ce("a") + "\n{\"id\":\n" + ce("b") + "\n1 2\n", 200, []string{
			ok, `{"line":2,"result":"refused","error":"cloudevents (byte 6): is not JSON"}`, `{"line":3,"id":"b","result":"accepted"}`,
			`{"line":4,"result":"refused","error":"cloudevents (byte 1): something follows the JSON value"}`,
			`{"lines":4,"accepted":2,"duplicates":0,"unknown":0,"refused":2}`,
		}},
		{"not understood", ce("a") + "\n7\n" + `{"specversion":"1.0","id":"f","source":"/x","type":"com.example.thing"}` + "\n", 200, []string{
			ok, `{"line":2,"result":"unknown","error":"cloudevents: unexpected number"}`, `{"line":3,"id":"f","result":"unknown"}`,
			`{"lines":3,"accepted":3,"duplicates":0,"unknown":2,"refused":0}`,
		}},
		{"invalid UTF-8", ce("a") + "\n" + ce("b\xff") + "\n", 200, []string{
			ok, `{"line":2,"id":"b` + "\uFFFD" + `","result":"unknown","error":"cloudevents: field id (byte 28): invalid UTF-8"}`,
			`{"lines":2,"accepted":2,"duplicates":0,"unknown":1,"refused":0}`,
		}},
		{"proposal", ce("a") + "\n" + proposal + "\n", 200, []string{
			ok, `{"line":2,"id":"p","result":"refused","error":"cloudevents message.send/before: field imphase: is before: a proposal must come alone, one request for one verdict"}`,
			`{"lines":2,"accepted":1,"duplicates":0,"unknown":0,"refused":1}`,
		}},
		{"too long", ce("a") + "\n" + long + "\n" + fits + "\n" + ce("b"), 200, []string{
			ok, `{"line":2,"result":"refused","error":"the line is longer than 1000 bytes"}`,
			`{"line":3,"result":"refused","error":"the event is larger than 1000 bytes"}`, `{"line":4,"id":"b","result":"accepted"}`,
			`{"lines":4,"accepted":2,"duplicates":0,"unknown":0,"refused":2}`,
		}},
		{"too deep", ce("a") + "\n" + strings.Repeat("[", 65) + strings.Repeat("]", 65), 200, []string{
			ok, `{"line":2,"result":"refused","error":"nested too deep: more than 64 levels"}`,
			`{"lines":2,"accepted":1,"duplicates":0,"unknown":0,"refused":1}`,
		}},
		{"none taken", "a=b&c=d\n" + proposal, 400, []string{
			`{"line":1,"result":"refused","error":"cloudevents: is not JSON"}`,
			`{"line":2,"id":"p","result":"refused","error":"cloudevents message.send/before: field imphase: is before: a proposal must come alone, one request for one verdict"}`,
			`{"lines":2,"accepted":0,"duplicates":0,"unknown":0,"refused":2,"error":{"status":400,"message":"none of the items could be taken"}}`,
		}},
		{"nothing", "\n \n", 400, []string{`{"error":{"status":400,"message":"there are no lines"}}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newBulkRig(t, nil)
			w := r.post("/in/lines", tt.body, "Content-Type", ndjson)
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d", w.Code, tt.status)
			}
			if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSpace(w.Body.String()), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(tt.want) > 1 && w.Header().Get("Content-Type") != ndjson {
				t.Errorf("content type = %q", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestStream_MediaTypesAndMethods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, media string
		status        int
		lines         bool
	}{
		{http.MethodPost, ndjson, 200, true},
		{http.MethodPost, "Application/X-NDJSON; charset=utf-8", 200, true},
		{http.MethodPost, "application/jsonl", 200, true},
		{http.MethodPost, "application/ndjson", 200, true},
		{http.MethodPut, ndjson, 200, true},
		{http.MethodPut, "application/json", 405, false},
		{http.MethodGet, ndjson, 405, false},
		{http.MethodPost, "application/json", 200, false},
	} {
		r := newBulkRig(t, nil)
		req := httptest.NewRequest(tt.method, "/in/lines", strings.NewReader(ce("a")))
		req.Header.Set("Content-Type", tt.media)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != tt.status || strings.Contains(w.Body.String(), `"lines"`) != tt.lines {
			t.Errorf("%s %s: %d %s", tt.method, tt.media, w.Code, w.Body)
		}
		if tt.method == http.MethodPut && tt.status == 405 && !strings.Contains(w.Body.String(), ndjson) {
			t.Errorf("PUT of something else: %s, want what it is for", w.Body)
		}
	}
}

func TestStream_KeepsGroupsInOrder(t *testing.T) {
	t.Parallel()
	const n = 5*groupLines + 7
	r := newBulkRig(t, nil)
	w := r.post("/in/lines", numbered(0, n), "Content-Type", ndjson, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	want := fmt.Sprintf(`{"line":1,"to":%d,"result":"accepted"}`+"\n"+`{"lines":%[1]d,"accepted":%[1]d,"duplicates":0,"unknown":0,"refused":0}`+"\n", n)
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("answer = %d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff(wantIDs(0, n), r.keptIDs()); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	as := r.journal.arrivals()
	for i, a := range as {
		if len(a.Events) > groupLines {
			t.Errorf("group %d has %d events", i, len(a.Events))
		}
	}
	ev := as[0].Events[0]
	if ev.App != "shop" || ev.Source != "lines" || ev.Trace == "" || !ev.Time.Equal(now.Truncate(time.Millisecond)) || string(ev.Raw.Body) != ce("e00000") {
		t.Errorf("first event is %+v", ev)
	}
	if got := r.counter(t, "imhook_bulk_items_total", "source", "lines", "result", "accepted"); got != n {
		t.Errorf("items accepted = %v, want %d", got, n)
	}
	if got := r.counter(t, "imhook_journaled_total", "source", "lines"); got != n {
		t.Errorf("journaled = %v, want %d", got, n)
	}
}

// failing is a journal that takes some arrivals and then no more.
type failing struct {
	*memory
	left atomic.Int64
	with error
}

func (f *failing) Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error) {
	if f.left.Add(-1) < 0 {
		if f.with == nil {
			panic("the journal met something odd")
		}
		return gateway.Kept{}, fmt.Errorf("appending: %w", f.with)
	}
	return f.memory.Append(ctx, a)
}

func TestStream_JournalThatFillsUpSaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{gateway.ErrFull, gateway.ErrUnavailable} {
		const n = 6 * groupLines
		j := &failing{memory: newMemory(), with: cause}
		j.left.Store(3)
		r := newBulkRig(t, func(c *Config) { c.Journal = j })
		r.journal = j.memory
		body := numbered(0, n)
		// A line that is refused in a group that is not kept is not settled either.
		w := r.post("/in/lines", body, "Content-Type", ndjson)
		s := summaryOf(t, w.Body.String())
		if w.Code != 503 || w.Header().Get("Retry-After") != "5" || s.Error.Message != cause.Error() || s.Error.Status != 503 {
			t.Errorf("answer = %d %v %s", w.Code, w.Header(), w.Body)
		}
		kept := r.keptIDs()
		if len(kept) == 0 || len(kept) == n || s.Resume != len(kept)+1 || s.Accepted != len(kept) || s.Lines != len(kept) {
			t.Fatalf("%d are kept, and the answer is %+v", len(kept), s)
		}
		if got := r.counter(t, "imhook_rejected_total", "source", "lines", "reason", map[error]string{gateway.ErrFull: "full", gateway.ErrUnavailable: "unavailable"}[cause]); got != 1 {
			t.Errorf("rejected = %v, want 1", got)
		}

		j.left.Store(1 << 30)
		rest := strings.Join(strings.SplitAfter(body, "\n")[s.Resume-1:], "")
		if w := r.post("/in/lines", rest, "Content-Type", ndjson); w.Code != 200 {
			t.Fatalf("the rest: %d %s", w.Code, w.Body)
		}
		if diff := cmp.Diff(wantIDs(0, n), r.keptIDs()); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
	}
}

func TestStream_JournalThatIsFullFromTheStart(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	r.journal.err = gateway.ErrFull
	w := r.post("/in/lines", numbered(0, 10), "Content-Type", ndjson)
	if w.Code != 503 || w.Header().Get("Retry-After") != "5" || w.Body.String() != `{"error":{"status":503,"message":"journal is full"}}` {
		t.Errorf("answer = %d %v %s", w.Code, w.Header(), w.Body)
	}
	if n := r.counter(t, "imhook_refused_total", "source", "lines"); n == 0 {
		t.Error("events that were not kept are not counted")
	}
}

func TestStream_JournalThatPanicsIsAnsweredAndNobodyElseHurt(t *testing.T) {
	t.Parallel()
	j := &failing{memory: newMemory()}
	r := newBulkRig(t, func(c *Config) { c.Journal = j })
	w := r.post("/in/lines", numbered(0, 3*groupLines), "Content-Type", ndjson)
	if w.Code != 500 || !strings.Contains(w.Body.String(), "internal error") || strings.Contains(w.Body.String(), "odd") {
		t.Errorf("answer = %d %s", w.Code, w.Body)
	}
	if !strings.Contains(r.log.String(), "the journal met something odd") {
		t.Errorf("the log does not say what happened: %s", r.log)
	}
}

func pack(t *testing.T, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts { // each a member of its own, as cat of two files makes
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, part)
		if err = errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestStream_Gzip(t *testing.T) {
	t.Parallel()
	packed := pack(t, numbered(0, 2000), numbered(2000, 1000))
	spoilt := bytes.Clone(packed)
	spoilt[len(spoilt)-6] ^= 1 // in the checksum of the last member
	for _, tt := range []struct {
		name   string
		body   []byte
		status int
		kept   int // at least
		resume bool
	}{
		{"whole", packed, 200, 3000, false},
		{"cut", packed[:len(packed)/2], 400, 1000, true},
		{"checksum", spoilt, 400, 2000, true},
		{"garbage", []byte("not gzip at all, but long enough"), 400, 0, false},
		{"nothing", nil, 400, 0, false},
	} {
		r := newBulkRig(t, nil)
		w := r.post("/in/lines", string(tt.body), "Content-Type", ndjson, "Content-Encoding", "gzip")
		got := r.keptIDs()
		if w.Code != tt.status || len(got) < tt.kept {
			t.Errorf("%s: kept %d, answer = %d %s", tt.name, len(got), w.Code, w.Body)
		}
		if diff := cmp.Diff(wantIDs(0, len(got)), got); diff != "" {
			t.Errorf("%s: kept (-want +got):\n%s", tt.name, diff)
		}
		if s := summaryOf(t, w.Body.String()); tt.resume && s.Resume != len(got)+1 {
			t.Errorf("%s: %d are kept, resume is %d", tt.name, len(got), s.Resume)
		}
	}
	r := newBulkRig(t, nil)
	if w := r.post("/in/lines", "x", "Content-Type", ndjson, "Content-Encoding", "br"); w.Code != 415 || w.Header().Get("Accept-Encoding") != "gzip" {
		t.Errorf("br: %d %s", w.Code, w.Body)
	}
}

// counted counts what was read of it.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// endless gives the same lines again and again, up to a size.
func endless(lines string, size int64) io.Reader {
	return io.LimitReader(&loop{text: lines}, size/int64(len(lines))*int64(len(lines)))
}

type loop struct {
	text string
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], l.text[l.at:])
		n, l.at = n+k, (l.at+k)%len(l.text)
	}
	return n, nil
}

func TestStream_SlowJournalStopsTheReading(t *testing.T) {
	t.Parallel()
	held, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r := newBulkRig(t, nil)
	r.journal.hold = func(context.Context) { once.Do(func() { close(held) }); <-free }
	body := &counted{Reader: endless(numbered(0, 100), 4<<20)}
	req := httptest.NewRequest(http.MethodPost, "/in/lines", body)
	req.Header.Set("Content-Type", ndjson)
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); r.ServeHTTP(w, req) }()
	<-held
	// What is read goes up to a bound, and then no more.
	const bound = 2*(groupLines*200+groupBytes) + 2*firstLine
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for last, same := int64(-1), 0; same < 20; <-tick.C {
		n := body.n.Load()
		if n > bound {
			t.Errorf("%d bytes are read while the journal stands still", n)
			break
		}
		if n == last {
			same++
		} else {
			last, same = n, 0
		}
	}
	close(free)
	<-done
	if s := summaryOf(t, w.Body.String()); w.Code != 200 || s.Accepted != 100 || s.Lines != int(body.n.Load())/len(ce("e00000")+"\n") {
		t.Errorf("answer = %d %+v", w.Code, s)
	}
}

// weighing is a journal that keeps nothing and looks at the heap now and then.
type weighing struct {
	mu       sync.Mutex
	arrivals int
	least    uint64
	most     uint64
}

func (j *weighing) Append(_ context.Context, a gateway.Arrival) (gateway.Kept, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.arrivals++; j.arrivals%50 == 1 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if j.least == 0 {
			j.least = m.HeapAlloc
		}
		j.most = max(j.most, m.HeapAlloc)
	}
	return gateway.Kept{Stored: len(a.Events)}, nil
}

func TestStream_LongOneCostsBoundedMemory(t *testing.T) { // alone: it measures the heap
	size := int64(200 << 20)
	if testing.Short() {
		size = 40 << 20
	}
	text := strings.Repeat("all work and no play ", 1000) // 20 KiB
	var lines strings.Builder
	for i := range 100 {
		lines.WriteString(strings.Replace(ce(fmt.Sprint("e", i)), `"x"`, `"`+text+`"`, 1) + "\n")
		if i%10 == 0 { // lines that each need a place in the answer
			lines.WriteString("not JSON\n")
		}
	}
	j := &weighing{}
	r := newBulkRig(t, func(c *Config) { c.Journal, c.MaxBody = j, 1<<20 })
	req := httptest.NewRequest(http.MethodPost, "/in/lines", endless(lines.String(), size))
	req.Header.Set("Content-Type", ndjson)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	s := summaryOf(t, w.Body.String())
	if w.Code != 200 || int64(s.Accepted) < size*9/10/21_000 || s.Refused < s.Accepted/11 || s.Accepted+s.Refused != s.Lines {
		t.Fatalf("answer = %d %+v", w.Code, s)
	}
	if grown := int64(j.most) - int64(j.least); grown > 16<<20 || int64(j.arrivals) < size>>21 {
		t.Errorf("the heap grew by %d KiB over %d arrivals, want at most 16 MiB", grown>>10, j.arrivals)
	}
}

func TestStream_AnswerIsBounded(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	const n = 30_000
	w := r.post("/in/lines", strings.Repeat("{\n", n)+ce("a"), "Content-Type", ndjson)
	s := summaryOf(t, w.Body.String())
	if w.Code != 200 || s.Refused != n || s.Accepted != 1 || w.Body.Len() > 3*maxReport {
		t.Errorf("answer = %d, %d bytes, %+v", w.Code, w.Body.Len(), s)
	}
	if listed := strings.Count(w.Body.String(), "\n") - 1; listed+s.Omitted != n+1 || s.Omitted == 0 {
		t.Errorf("%d are listed and %d omitted, want %d together", listed, s.Omitted, n+1)
	}
}

// signLines signs a body for /in/signed; the result are headers.
func signLines(t *testing.T, body, id string) []string {
	t.Helper()
	req := dialect.Request{Body: []byte(body)}
	if err := cloudevents.New().Sign(&req, builtinSource(cloudevents.New()).Credentials, id, now); err != nil {
		t.Fatal(err)
	}
	header := []string{"Content-Type", ndjson}
	for k, v := range req.Header {
		header = append(header, k, v[0])
	}
	return header
}

func TestStream_SignedIsReadWholeBeforeAnythingIsKept(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, func(c *Config) { c.MaxBody = 100_000 })
	body := numbered(0, 3*groupLines)
	header := signLines(t, body, "n1")
	if w := r.post("/in/signed", body+ce("more"), header...); w.Code != 401 {
		t.Errorf("changed: %d %s", w.Code, w.Body)
	}
	if w := r.post("/in/signed", body, "Content-Type", ndjson); w.Code != 401 {
		t.Errorf("unsigned: %d %s", w.Code, w.Body)
	}
	if n := len(r.keptIDs()); n != 0 {
		t.Fatalf("%d events are kept of what nobody signed", n)
	}
	for _, want := range []string{"accepted", "duplicate"} { // the second is the honest retry
		w := r.post("/in/signed", body, header...)
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"line":1,"to":3072,"result":"`+want+`"}`) {
			t.Errorf("signed: %d %s", w.Code, w.Body)
		}
	}
	if diff := cmp.Diff(wantIDs(0, 3*groupLines), r.keptIDs()); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	other := numbered(9000, 10)
	if w := r.post("/in/signed", other, signLines(t, other, "n1")...); w.Code != 401 || !strings.Contains(w.Body.String(), "used before") {
		t.Errorf("signature's id with another body: %d %s", w.Code, w.Body)
	}
}

// A signed stream is cut the same every time, and each group has a mark of its
// own: what was not kept the first time is not taken for a repetition the second.
func TestStream_SignedThatBrokeOffIsKeptWholeWhenItComesAgain(t *testing.T) {
	t.Parallel()
	j := &failing{memory: newMemory(), with: gateway.ErrFull}
	j.left.Store(2)
	r := newBulkRig(t, func(c *Config) { c.Journal, c.MaxBody = j, 100_000 })
	r.journal = j.memory
	body := numbered(0, 4*groupLines)
	header := signLines(t, body, "n1")
	if w := r.post("/in/signed", body, header...); w.Code != 503 || summaryOf(t, w.Body.String()).Resume != 2*groupLines+1 {
		t.Errorf("full: %d %s", w.Code, w.Body)
	}
	j.left.Store(1000)
	want := `{"line":1,"to":2048,"result":"duplicate"}` + "\n" + `{"line":2049,"to":4096,"result":"accepted"}`
	if w := r.post("/in/signed", body, header...); w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	keys := map[event.Key]bool{}
	as := r.journal.arrivals()
	for i, a := range as {
		if len(a.Events) != groupLines || a.Guard.IsZero() || a.Guard.Sum != as[0].Guard.Sum {
			t.Errorf("arrival %d has %d events and the guard %v", i, len(a.Events), a.Guard)
		}
		keys[a.Guard.Key] = true
	}
	if len(as) != 6 || len(keys) != 4 {
		t.Errorf("%d arrivals with %d guards, want 6 with 4", len(as), len(keys))
	}
}

func TestStream_SignedIsBounded(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	for name, in := range map[string]io.Reader{
		"announced": strings.NewReader(strings.Repeat(" ", spoolBodies*1000+1)),
		"not":       io.MultiReader(endless("\n", 1<<40)),
	} {
		req := httptest.NewRequest(http.MethodPost, "/in/signed", in)
		req.Header.Set("Content-Type", ndjson)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != 413 || !strings.Contains(w.Body.String(), "larger than 16000 bytes") || !strings.Contains(w.Body.String(), "send batches") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	body := numbered(0, 10)
	all := r.spools.left.Load()
	r.spools.take(all)
	if w := r.post("/in/signed", body, signLines(t, body, "n")...); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("with all memory taken: %d %s", w.Code, w.Body)
	}
	r.spools.give(all)
	if w := r.post("/in/signed", body, signLines(t, body, "n")...); w.Code != 200 {
		t.Errorf("with memory again: %d %s", w.Code, w.Body)
	}
	if left := r.spools.left.Load(); left != all {
		t.Errorf("%d bytes of the budget are lost", all-left)
	}
	r.streams.take(maxStreams)
	if w := r.post("/in/lines", body, "Content-Type", ndjson); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("with all streams taken: %d %s", w.Code, w.Body)
	}
}

func TestBatch_AnswersForEachItem(t *testing.T) {
	t.Parallel()
	proposal := `{"specversion":"1.0","id":"p","type":"im.message.send","imphase":"before"}`
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"all", "[" + ce("a") + "," + ce("b") + "]", 200, `{"accepted":2,"duplicates":0,"unknown":0,"refused":0,"items":[{"index":0,"to":1,"result":"accepted"}]}`},
		{"one", "[" + ce("a") + "]", 200, `{"accepted":1,"duplicates":0,"unknown":0,"refused":0,"items":[{"index":0,"id":"a","result":"accepted"}]}`},
		{
			"mixed", "[" + strings.Join([]string{ce("a"), ce("a"), `{"id":"x"}`, proposal, ce("b")}, ",\n") + "]", 200,
			`{"accepted":3,"duplicates":1,"unknown":1,"refused":1,"items":[{"index":0,"id":"a","result":"accepted"},{"index":1,"id":"a","result":"duplicate"},` +
				`{"index":2,"id":"x","result":"unknown","error":"cloudevents: not an imhook CloudEvent: specversion is \"\", want \"1.0\""},` +
				`{"index":3,"id":"p","result":"refused","error":"cloudevents message.send/before: field imphase: is before: a proposal must come alone, one request for one verdict"},` +
				`{"index":4,"id":"b","result":"accepted"}]}`,
		},
		{"none", "[" + proposal + "]", 400, `{"accepted":0,"duplicates":0,"unknown":0,"refused":1,"items":[{"index":0,"id":"p","result":"refused",` +
			`"error":"cloudevents message.send/before: field imphase: is before: a proposal must come alone, one request for one verdict"}],` +
			`"error":{"status":400,"message":"none of the items could be taken"}}`},
		{"empty", "[]", 400, `{"error":{"status":400,"message":"cloudevents: the batch is empty"}}`},
		{"broken", "[" + ce("a"), 400, `{"error":{"status":400,"message":"cloudevents (byte 129): unexpected EOF"}}`},
		{"too many", "[7" + strings.Repeat(",7", 70_000) + "]", 413, `{"error":{"status":413,"message":"the batch has 70001 items, at most 65535 are taken at once"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newBulkRig(t, func(c *Config) { c.MaxBody = 1 << 20 })
			w := r.post("/in/lines", tt.body, "Content-Type", "application/cloudevents-batch+json")
			if diff := cmp.Diff(tt.want, w.Body.String()); w.Code != tt.status || diff != "" {
				t.Errorf("status %d, want %d (-want +got):\n%s", w.Code, tt.status, diff)
			}
			if w.Code != 200 && len(r.keptIDs()) > 0 {
				t.Error("something of it is kept")
			}
		})
	}
}

func TestBatch_IsKeptWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	r.journal.err = gateway.ErrFull
	if w := r.post("/in/lines", "["+ce("a")+","+ce("b")+"]"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("full: %d %s", w.Code, w.Body)
	}
	if n := r.counter(t, "imhook_refused_total", "source", "lines"); n != 2 {
		t.Errorf("refused = %v, want 2", n)
	}
	r.journal.err = nil
	body := "[" + ce("a") + "," + ce("b") + "]"
	header := signLines(t, body, "n1")
	header[1] = "application/cloudevents-batch+json"
	for range 2 {
		if w := r.post("/in/signed", body, header...); w.Code != 200 {
			t.Errorf("signed: %d %s", w.Code, w.Body)
		}
	}
	if a := r.journal.arrivals(); len(a) != 2 || len(a[0].Events) != 2 || a[0].Guard.IsZero() || a[0].Guard != a[1].Guard {
		t.Errorf("arrivals are %+v", a)
	}
	if !slices.Equal(r.keptIDs(), []string{"a", "b"}) {
		t.Errorf("kept %v", r.keptIDs())
	}
}
