package imfake_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	tests := map[string][]imfake.Mark{
		"":                                   {},
		"imfake-":                            {},
		"imfake-1-":                          {},
		"imfake-1-2":                         {},
		"imfake--2-":                         {},
		"imfake-1-0-":                        {},
		"imfake-4294967296-1-":               {},
		"imfake-1-2-":                        {{Lane: 1, Seq: 2}},
		"ximfake-imfake-3-44-xx imfake-5-6-": {{Lane: 3, Seq: 44}, {Lane: 5, Seq: 6}},
		imfake.Mark{Lane: 1<<32 - 1, Seq: 123456789012345678}.String(): {{Lane: 1<<32 - 1, Seq: 123456789012345678}},
	}
	for body, want := range tests {
		got := []imfake.Mark{}
		for m := range imfake.Marks([]byte(body)) {
			got = append(got, m)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Marks(%q) (-want +got):\n%s", body, d)
		}
	}
}

func TestTally_FindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	lane := func(seqs ...uint64) (marks []imfake.Mark) {
		for _, s := range seqs {
			marks = append(marks, imfake.Mark{Lane: 7, Seq: s})
		}
		return marks
	}
	tests := []struct {
		name       string
		arrived    []imfake.Mark
		accepted   []imfake.Mark
		wrong      string // part of the complaint; empty: none
		duplicates int
	}{
		{"all well", lane(1, 2, 3), lane(1, 2, 3), "", 0},
		{"more than accepted", lane(1, 2, 3, 200), lane(1, 3), "", 0},
		{"again after a crash", lane(1, 2, 1, 2, 3), lane(1, 2, 3), "", 2},
		{"lost", lane(1, 3), lane(1, 2, 3), "1 of 3 accepted messages never arrived", 0},
		{"order", lane(1, 3, 2), lane(1, 2, 3), "1 messages arrived out of order", 0},
		{"never came", nil, lane(70), "1 of 1 accepted", 0},
	}
	for _, tt := range tests {
		var tally imfake.Tally
		for _, m := range tt.arrived {
			tally.Note(m)
		}
		err := tally.Check(tt.accepted)
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.wrong)
		}
		if got := tally.Duplicates(); got != tt.duplicates {
			t.Errorf("%s: %d duplicates, want %d", tt.name, got, tt.duplicates)
		}
		if got := tally.Arrivals(); got != len(tt.arrived) || tally.Distinct() != got-tt.duplicates {
			t.Errorf("%s: %d arrivals, %d distinct; want %d, %d", tt.name, got, tally.Distinct(), len(tt.arrived), len(tt.arrived)-tt.duplicates)
		}
	}
}

func TestLoad_AcceptedIsWhatWasAnswered200(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{Credentials: secret("s")}, imfake.Credentials(secret("s")))
	refused := make(map[string]bool)
	b.AnswerLane(event.Lane("group:"+imfake.GroupID(12)), func(n int, r *imfake.Received) imfake.Reply {
		if n%3 != 0 {
			return imfake.Reply{}
		}
		refused[r.Events[0].Message.Text] = true // one worker posts to a lane
		return imfake.Reply{Status: 503}
	})

	run := s.Start(t.Context(), imfake.Load{Lanes: 5, FirstLane: 10, Workers: 3, Count: 203, TextBytes: 64})
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	accepted, rejected, lastErr := run.Counts()
	if accepted+rejected != 203 || rejected != len(refused) || rejected == 0 || lastErr == nil {
		t.Errorf("%d accepted, %d refused (%v); want 203 in all, %d refused", accepted, rejected, lastErr, len(refused))
	}
	if err := b.Tally().Check(run.Accepted()); err != nil {
		t.Error(err)
	}
	for _, m := range run.Accepted() {
		for text := range refused {
			if strings.HasPrefix(text, m.String()) {
				t.Errorf("%s was refused but counts as accepted", m)
			}
		}
	}
	if b.Duplicates() != 0 {
		t.Errorf("%d message ids came twice", b.Duplicates())
	}
	last := make(map[event.Lane]uint64)
	for _, r := range b.Received() {
		text := r.Events[0].Message.Text
		if len(text) != 64 {
			t.Errorf("text of %d bytes, want 64", len(text))
		}
		for m := range imfake.Marks([]byte(text)) {
			if m.Seq != last[r.Lane()]+1 {
				t.Errorf("%s after position %d of its lane", m, last[r.Lane()])
			}
			last[r.Lane()] = m.Seq
		}
	}
	if len(last) != 5 {
		t.Errorf("%d lanes, want 5", len(last))
	}
}

func TestLoad_SaysWhyNothingWasAccepted(t *testing.T) {
	t.Parallel()
	b, s := start(t, imfake.ServerConfig{})
	b.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Status: 507, Body: []byte("disk full")} })
	err := s.Start(t.Context(), imfake.Load{Count: 2}).Wait()
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Wait = %v, want the backend's words", err)
	}
}

func TestSink_CountsAndTallies(t *testing.T) {
	t.Parallel()
	sink := imfake.NewSink()
	t.Cleanup(sink.Close)
	s := imfake.NewServer(toy{"toy"}, sink.URL(), imfake.ServerConfig{})
	t.Cleanup(s.Close)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := s.Start(ctx, imfake.Load{Lanes: 4, Workers: 4, Count: 400, TextBytes: 20 << 10}) // beyond the read buffer
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := sink.Tally().Check(run.Accepted()); err != nil {
		t.Error(err)
	}
	if sink.Requests() != 400 || sink.Tally().Distinct() != 400 || sink.Bytes() < 400*20<<10 {
		t.Errorf("%d requests, %d marks, %d bytes; want 400, 400, more than %d", sink.Requests(), sink.Tally().Distinct(), sink.Bytes(), 400*20<<10)
	}
}

func TestSink_AnswersPipelinedAndRefusesUnknownLength(t *testing.T) {
	t.Parallel()
	sink := imfake.NewSink()
	t.Cleanup(sink.Close)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(sink.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	one := "POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 3\r\n\r\nabc"
	_, err = fmt.Fprint(c, one, one, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if got := strings.Count(string(all), " 200 OK"); got != 2 || !strings.Contains(string(all), fmt.Sprint(" ", http.StatusLengthRequired)) {
		t.Errorf("answers %q (%v), want two 200 and a 411", all, err)
	}
	if sink.Requests() != 2 || sink.Bytes() != 6 {
		t.Errorf("%d requests of %d bytes, want 2 of 6", sink.Requests(), sink.Bytes())
	}
}

func BenchmarkSink(b *testing.B) {
	sink := imfake.NewSink()
	defer sink.Close()
	c, err := new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(sink.URL(), "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	body := imfake.Mark{Lane: 1, Seq: 1}.String() + strings.Repeat("x", 1000)
	request := []byte(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	answer := make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoad_KeepsToItsRate(t *testing.T) {
	t.Parallel()
	sink := imfake.NewSink()
	t.Cleanup(sink.Close)
	s := imfake.NewServer(toy{"toy"}, sink.URL(), imfake.ServerConfig{})
	t.Cleanup(s.Close)
	begin := time.Now()
	if err := s.Start(t.Context(), imfake.Load{Count: 21, Rate: 200}).Wait(); err != nil {
		t.Fatal(err)
	}
	// However fast the machine: twenty follow the first one, five milliseconds each.
	if took := time.Since(begin); took < 100*time.Millisecond || sink.Requests() != 21 {
		t.Errorf("%d posts took %v, want 21 in at least 100ms", sink.Requests(), took)
	}
}
