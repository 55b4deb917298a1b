package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// TestMain plays the relay or the proxy when the program under test runs itself as one.
func TestMain(m *testing.M) {
	played, err := child(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !played {
		os.Exit(m.Run())
	}
}

func TestMeasure_RelayAgainstRelay(t *testing.T) {
	t.Parallel()
	cfg := config{Rounds: 2, Duration: 50 * time.Millisecond, Conns: 4, Size: 512, Lanes: 10}
	var sides []*side
	for range 2 {
		s, err := startRelay(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sides = append(sides, s)
	}
	var progress bytes.Buffer
	rep, err := measure(t.Context(), cfg, sides, &progress)
	for _, s := range sides {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(progress.String(), "\n"); got != 4 {
		t.Errorf("%d lines of progress, want one for each side and round:\n%s", got, progress.String())
	}
	for n, turn := range rep.Rounds {
		for _, r := range turn {
			if r.Events == 0 || r.Rate <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Duplicates != 0 {
				t.Errorf("round %d: %+v; want events, none twice", n, r)
			}
		}
	}
	checkReport(t, rep, 2)
}

func TestRun_GatewayBesideRelay(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-rounds", "1", "-duration", "100ms", "-warmup", "50ms", "-conns", "4", "-lanes", "20", "-json"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("reading the report: %v\n%s", err, out.String())
	}
	if d := cmp.Diff([]string{"relay", "imhook"}, rep.Sides); d != "" {
		t.Errorf("sides (-want +got):\n%s", d)
	}
	for _, r := range rep.Rounds[0] {
		if r.Events == 0 {
			t.Errorf("%s handed nothing on", r.Side)
		}
	}
	// Without a crash nothing is repeated, and conversations stay in order.
	if gateway := rep.Rounds[0][1]; gateway.Duplicates != 0 || gateway.Disorders != 0 {
		t.Errorf("gateway: %d messages twice, %d out of order; want none", gateway.Duplicates, gateway.Disorders)
	}
}

// checkReport fails unless both forms of the report can be printed and the first
// side is its own measure.
func checkReport(t *testing.T, rep *report, sides int) {
	t.Helper()
	var text, js bytes.Buffer
	if err := rep.writeText(&text); err != nil {
		t.Error(err)
	}
	if got := strings.Count(text.String(), "\n"); got != sides+3 {
		t.Errorf("report has %d lines, want %d:\n%s", got, sides+3, text.String())
	}
	if err := rep.writeJSON(&js); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Summary []summary `json:"summary"`
	}
	if err := json.Unmarshal(js.Bytes(), &read); err != nil {
		t.Fatalf("reading the JSON report: %v\n%s", err, js.Bytes())
	}
	if len(read.Summary) != sides || read.Summary[0].Ratio != (spread{1, 1, 1}) {
		t.Errorf("summary %+v, want %d sides and ratio 1 for the first", read.Summary, sides)
	}
	for _, s := range read.Summary {
		if s.Memory < 1<<20 || s.Rate.Min > s.Rate.Median || s.Rate.Median > s.Rate.Max {
			t.Errorf("summary %+v: want a memory of megabytes and an ordered spread", s)
		}
	}
}

func TestTemplate_PatchesEveryPlace(t *testing.T) {
	t.Parallel()
	tmpl := newSingle("127.0.0.1:1", "/p", 1024)
	patched := tmpl.clone()
	patched.patch(0, message{id: 5, lane: 77, seq: 9, millis: 1_700_000_000_123})
	request := patched.request
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		t.Fatal(err)
	}
	if r.ContentLength != 1024 || r.URL.Path != "/p" {
		t.Errorf("%d bytes to %s, want 1024 to /p", r.ContentLength, r.URL.Path)
	}
	var body struct {
		MessageID int64 `json:"messageId"`
		Conv      struct {
			Target string `json:"target"`
		} `json:"conv"`
		Payload struct {
			Text string `json:"searchableContent"`
		} `json:"payload"`
		Timestamp int64 `json:"timestamp"`
	}
	if err := json.UnmarshalRead(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body.MessageID != 100_000_000_000_000_005 || body.Conv.Target != "g000000077" || body.Timestamp != 1_700_000_000_123 {
		t.Errorf("body %+v", body)
	}
	var marks []imfake.Mark
	for m := range imfake.Marks([]byte(body.Payload.Text)) {
		marks = append(marks, m)
	}
	if d := cmp.Diff([]imfake.Mark{{Lane: 77, Seq: 9}}, marks); d != "" {
		t.Errorf("marks (-want +got):\n%s", d)
	}
	evs, err := wildfirechat.New().Decode(&dialect.Request{Path: "/im_event/message", Body: request[bytes.Index(request, []byte("\r\n\r\n"))+4:]})
	if err != nil || len(evs) != 1 || evs[0].Type != event.MessageSend || evs[0].Lane != "group:g000000077" || evs[0].Dedupe == "" {
		t.Errorf("WildfireChat reads %d events (%v), want one message in its group's lane, known by its id", len(evs), err)
	}
	if bytes.Equal(request, tmpl.request) {
		t.Error("patching a clone changed the original")
	}
}

func TestTemplate_PatchesEveryMessageOfABatch(t *testing.T) {
	t.Parallel()
	tmpl := newBatch("127.0.0.1:1", "/p", 1024, 3)
	for i := range tmpl.slots {
		tmpl.patch(i, message{id: uint64(i), lane: uint32(70 + i), seq: uint64(i + 1)})
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(tmpl.request)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) != 3*1024+4 {
		t.Fatalf("%d bytes (%v), want three times 1024 with brackets and commas", len(body), err)
	}
	evs, err := cloudevents.New().Decode(&dialect.Request{ContentType: r.Header.Get("Content-Type"), Body: body})
	if err != nil || len(evs) != 3 {
		t.Fatalf("%d events (%v), want 3", len(evs), err)
	}
	for i, ev := range evs {
		want := imfake.Mark{Lane: uint32(70 + i), Seq: uint64(i + 1)}
		var marks []imfake.Mark
		for m := range imfake.Marks(ev.Raw.Body) {
			marks = append(marks, m)
		}
		if d := cmp.Diff([]imfake.Mark{want}, marks); d != "" {
			t.Errorf("marks of event %d (-want +got):\n%s", i, d)
		}
		id := fmt.Sprintf("%d", 100_000_000_000_000_000+i)
		if ev.Type != event.MessageSend || ev.ID != "bench-"+id || ev.Message.ID != id || ev.Lane != event.Lane(fmt.Sprintf("group:g%09d", 70+i)) {
			t.Errorf("event %d is %s %s in %s", i, ev.Type, ev.ID, ev.Lane)
		}
	}
}

func TestRun_BatchesBesideRelay(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-rounds", "1", "-duration", "100ms", "-warmup", "50ms", "-conns", "4", "-lanes", "20", "-batch", "50", "-json"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("reading the report: %v\n%s", err, out.String())
	}
	gateway := rep.Rounds[0][1]
	if gateway.Events == 0 || gateway.Events%50 != 0 || gateway.Duplicates != 0 || gateway.Disorders != 0 {
		t.Errorf("%+v, want whole batches of 50, none twice and none out of order", gateway)
	}
	if in := gateway.Events / 50; gateway.Requests == 0 || gateway.Requests > 20*in {
		t.Errorf("%d requests out for %d in, want batches out", gateway.Requests, in)
	}
}

func TestRun_OtherEndpointsAndProfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-rounds", "1", "-duration", "500ms", "-warmup", "0s", "-conns", "4", "-lanes", "20", "-beside", "0,20", "-profiles", dir, "-json"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("reading the report: %v\n%s", err, out.String())
	}
	if d := cmp.Diff([]string{"relay", "imhook, 0 beside", "imhook, 20 beside"}, rep.Sides); d != "" {
		t.Errorf("sides (-want +got):\n%s", d)
	}
	for i, file := range []string{"imhook-0-beside.pprof", "imhook-20-beside.pprof"} {
		if r := rep.Rounds[0][i+1]; r.Events == 0 || r.Requests != r.Events {
			t.Errorf("%s: %d requests for %d events, want one each", r.Side, r.Requests, r.Events)
		}
		if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || len(b) < 100 {
			t.Errorf("%s has %d bytes, %v", file, len(b), err)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":           true,
		"HTTP/1.1 200 OK\r\ncontent-length:0\r\nX: y\r\n\r\n":      true,
		"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n":    false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r": false,
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok":           false,
		"": false,
	}
	for answer, ok := range tests {
		if err := readAnswer(bufio.NewReader(strings.NewReader(answer)), &anyOK); (err == nil) != ok {
			t.Errorf("readAnswer(%q) = %v, want success: %t", answer, err, ok)
		}
	}
	want := &expected{status: []byte("HTTP/1.1 403 "), body: []byte("no")}
	for answer, ok := range map[string]bool{
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno":  true,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno":         false,
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nok":  false,
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n":    false,
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!": false,
	} {
		if err := readAnswer(bufio.NewReader(strings.NewReader(answer)), want); (err == nil) != ok {
			t.Errorf("readAnswer(%q) = %v, want success: %t", answer, err, ok)
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	rounds := func(rates ...float64) (all [][]round) {
		for _, r := range rates {
			all = append(all, []round{{Rate: r}})
		}
		return all
	}
	rate := func(turn []round) float64 { return turn[0].Rate }
	if got, want := spreadOf(rounds(3, 1, 2), rate), (spread{2, 1, 3}); got != want {
		t.Errorf("odd: %v, want %v", got, want)
	}
	if got, want := spreadOf(rounds(4, 1, 2, 3), rate), (spread{2.5, 1, 4}); got != want {
		t.Errorf("even: %v, want %v", got, want)
	}
}

func TestParse_RefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-rounds", "0"},
		{"-duration", "0s"},
		{"-conns", "8", "-lanes", "7"},
		{"extra"},
		{"-nosuch"},
		{"-batch", "10", "-endpoint-dialect", "openim"},
		{"-beside", "10,"},
		{"-beside", "-1"},
		{"-conns", "0"},
		{"-conns", "4,"},
		{"-conns", "4,2000"},
		{"-before", "-batch", "10"},
		{"-before", "-beside", "0,1"},
		{"-before", "-asks", ""},
	} {
		if _, err := parse(args, new(bytes.Buffer)); err == nil {
			t.Errorf("parse(%v): no error", args)
		}
	}
}

func TestRun_OutageIsDrained(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-outage", "4000", "-duration", "1s", "-conns", "4", "-lanes", "20", "-answer-after", "1ms", "-json"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var rep outageReport
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("reading the report: %v\n%s", err, out.String())
	}
	if rep.Full <= 0 || rep.Drain <= 0 || rep.Before.Events == 0 || rep.During.Events == 0 || rep.Duplicates != 0 || rep.Disorders != 0 {
		t.Errorf("%+v; want rates and live events, none twice or out of order", rep)
	}
	if rep.RestOutage < 1<<20 || rep.PeakOutage < rep.RestOutage {
		t.Errorf("%+v; want a memory of megabytes, and a peak above it", rep)
	}
	var text bytes.Buffer
	if err := rep.writeText(&text); err != nil || strings.Count(text.String(), "\n") != 11 {
		t.Errorf("%v:\n%s", err, text.String())
	}
}
