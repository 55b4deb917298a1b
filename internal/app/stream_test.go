package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

const ndjson = "application/x-ndjson"

func streamed(i int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"s%07d","source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"x"}}}`+"\n", i)
}

// generator is a stream of lines without an end.
type generator struct {
	i    int
	left string
}

func (g *generator) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if g.left == "" {
			g.i++
			g.left = streamed(g.i)
		}
		k := copy(p[n:], g.left)
		n, g.left = n+k, g.left[k:]
	}
	return n, nil
}

// await asks until ok.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// kept reports whether the gateway at addr has an event.
func kept(t *testing.T, addr, id string) bool {
	t.Helper()
	_, answer := ask(t, "http://"+addr+"/api/v1/events?id="+id, "")
	return strings.Contains(answer, `"`+id+`"`)
}

// A stream under way when the gateway stops is told how far it was kept, and that
// is true after the restart.
func TestApp_StopTellsAStreamWhereToGoOn(t *testing.T) {
	dir := t.TempDir()
	a := newApp(t, dir, "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		status int
		last   string
		err    error
	}
	answered := make(chan answer, 1)
	tr := &http.Transport{DisableKeepAlives: true}
	go func() {
		req, err := http.NewRequest(http.MethodPost, "http://"+a.Addr()+"/in/cloudevents", &generator{})
		if err != nil {
			answered <- answer{err: err}
			return
		}
		req.Header.Set("Content-Type", ndjson)
		res, err := tr.RoundTrip(req)
		if err != nil {
			answered <- answer{err: err}
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		answered <- answer{res.StatusCode, lines[len(lines)-1], err}
	}()
	await(t, "the stream is being kept", func() bool { return kept(t, a.Addr(), "s0002000") })
	stop(t, a)
	got := <-answered
	var summary struct {
		Accepted int `json:"accepted"`
		Resume   int `json:"resume"`
	}
	if got.err != nil || json.Unmarshal([]byte(got.last), &summary) != nil || got.status != http.StatusServiceUnavailable || summary.Resume != summary.Accepted+1 {
		t.Fatalf("answer = %d %s, %v", got.status, got.last, got.err)
	}

	a = newApp(t, dir, "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	for i, want := range map[int]bool{1: true, summary.Accepted: true, summary.Resume: false} {
		if id := fmt.Sprintf("s%07d", i); kept(t, a.Addr(), id) != want {
			t.Errorf("%s is kept: %v, the answer was %s", id, !want, got.last)
		}
	}
}

func TestApp_StreamCutInTheMiddleKeepsWhatCame(t *testing.T) {
	a := newApp(t, t.TempDir(), "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	lines := streamed(1) + streamed(2)
	whole := fmt.Sprintf("%x\r\n%s\r\n", len(lines), lines)
	half := strings.TrimSpace(streamed(3)) // reads like a whole one, but for its end
	for i, tc := range []struct{ name, head, body string }{
		{"between chunks", "Transfer-Encoding: chunked", whole + fmt.Sprintf("%x\r\n%s\r\n", len(half), half)},
		{"in a chunk", "Transfer-Encoding: chunked", whole + fmt.Sprintf("%x\r\n%s", len(half)+5, half)},
		{"in a chunk's size", "Transfer-Encoding: chunked", whole + fmt.Sprintf("%x\r\n%s\r\n1", len(half), half)},
		{"with a length", "Content-Length: 100000", lines + half},
	} {
		conn, err := net.Dial("tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = fmt.Fprintf(conn, "POST /in/cloudevents HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%s\r\n\r\n%s", ndjson, tc.head, tc.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = conn.Close()
		result := map[bool]string{true: "accepted", false: "duplicate"}[i == 0]
		if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `{"line":1,"to":2,"result":"`+result+`"}`) || !strings.Contains(string(body), `"resume":3`) {
			t.Errorf("%s: %d %s %v", tc.name, res.StatusCode, body, err)
		}
	}
	if !kept(t, a.Addr(), "s0000002") || kept(t, a.Addr(), "s0000003") {
		t.Error("the second line is not kept, or the third, whose end did not come, is")
	}
}

func post(t *testing.T, url, contentType, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// What `imhook events --json` prints is what a source takes.
func TestApp_EventsComeBackAsTheyWere(t *testing.T) {
	a := newApp(t, t.TempDir(), "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	base := "http://" + a.Addr()
	for _, d := range []string{"wildfirechat/message", "rongcloud/chatroom_status", "easemob/chat:txt", "cloudevents/message.send"} {
		dialect, command, _ := strings.Cut(d, "/")
		if status, answer := post(t, base+"/api/v1/sources/"+dialect+"/trigger", "application/json", `{"command":`+strconv.Quote(command)+`}`); status != http.StatusOK {
			t.Fatalf("trigger of %s: %d %s", d, status, answer)
		}
	}
	events := func(source string) map[string]map[string]any {
		_, answer := ask(t, base+"/api/v1/events?limit=1000"+source, "")
		var page struct {
			Events []map[string]any `json:"events"`
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		byID := map[string]map[string]any{}
		for _, ev := range page.Events {
			byID[ev["id"].(string)] = ev
		}
		return byID
	}
	before := events("")
	var lines strings.Builder
	for _, ev := range before {
		line, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	status, answer := post(t, base+"/in/cloudevents", ndjson, lines.String())
	if status != http.StatusOK || len(before) < 4 || strings.Contains(answer, `"refused",`) || strings.Contains(answer, `"unknown",`) {
		t.Fatalf("%d events posted back: %d %s", len(before), status, answer)
	}
	after := events("&source=cloudevents")
	for id, ev := range before {
		got := after[id]
		if got == nil {
			t.Errorf("%s did not come back", id)
			continue
		}
		for _, key := range []string{"type", "time", "subject", "imdialect", "imcommand"} {
			if got[key] != ev[key] {
				t.Errorf("%s: %s is %v, was %v", id, key, got[key], ev[key])
			}
		}
		// What the conversation says may be said again by the body.
		data, _ := got["data"].(map[string]any)
		for key, want := range ev["data"].(map[string]any) {
			if diff := cmp.Diff(want, data[key]); diff != "" {
				t.Errorf("%s: data.%s (-was +is):\n%s", id, key, diff)
			}
		}
	}
}
