package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// streamLines are how many lines the stream has that is killed in the middle.
const streamLines = 20_000

// lines are the stream's lines; slow pauses after each thousand, so that the kill
// finds it under way.
type lines struct {
	i    int
	left string
	slow func()
}

func (l *lines) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if l.left == "" {
			if l.i == streamLines {
				return n, io.EOF
			}
			l.left = fmt.Sprintf(`{"specversion":"1.0","id":"k%05d","source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"%d"}}}`+"\n", l.i, l.i)
			if l.i++; l.i%1000 == 0 && l.slow != nil {
				l.slow()
			}
		}
		k := copy(p[n:], l.left)
		n, l.left = n+k, l.left[k:]
	}
	return n, nil
}

// A stream whose gateway is killed in the middle is sent again whole, and then
// everything is kept once and in order.
func TestStream_KilledInTheMiddleAndSentAgainIsKeptOnce(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf("listen: %s\ndata_dir: %s\njournal: {sync: always}\napps:\n  - name: shop\n    sources: [{name: bulk, dialect: cloudevents}]\n", listen, data)
	})
	gateway.start(t)
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	broken := make(chan error, 1)
	go func() {
		_, _, err := sendLines(t.Context(), gateway.addr, &lines{slow: func() { <-pause.C }})
		broken <- err
	}()
	err := eventually(t.Context(), 20*time.Second, func() error {
		ids, err := storedIDs(t.Context(), gateway.addr, 1)
		if err == nil && (len(ids) == 0 || ids[0] < "k03000") {
			return fmt.Errorf("the newest event is %v", ids)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	gateway.kill()
	if err := <-broken; err == nil {
		t.Fatal("the stream was answered before the kill: it was not under way any more")
	}

	gateway.start(t)
	before, err := storedIDs(t.Context(), gateway.addr, streamLines)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := sendLines(t.Context(), gateway.addr, &lines{})
	if err != nil || status != http.StatusOK {
		t.Fatalf("sent again: %d %s %v", status, answer, err)
	}
	want := fmt.Sprintf(`{"lines":%d,"accepted":%d,"duplicates":%d,"unknown":0,"refused":0}`, streamLines, streamLines-len(before), len(before))
	if !strings.Contains(answer, want) || len(before) < 3000 {
		t.Errorf("with %d kept before the kill the answer is %s, want %s", len(before), answer, want)
	}
	ids, err := storedIDs(t.Context(), gateway.addr, streamLines+1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != streamLines {
		t.Fatalf("%d events are kept of %d", len(ids), streamLines)
	}
	for i, id := range ids { // newest first
		if want := fmt.Sprintf("k%05d", streamLines-1-i); id != want {
			t.Fatalf("event %d from the end is %s, want %s", i, id, want)
		}
	}
}

func sendLines(ctx context.Context, addr string, body io.Reader) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/in/bulk", body)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), errors.Join(err, res.Body.Close())
}

// storedIDs asks the API for the newest n events.
func storedIDs(ctx context.Context, addr string, n int) ([]string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var ids []string
	query := url.Values{}
	for len(ids) < n {
		query.Set("limit", fmt.Sprint(min(1000, n-len(ids))))
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/v1/events?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		var page struct {
			Events []struct {
				ID string `json:"id"`
			} `json:"events"`
			Next string `json:"next"`
		}
		err = json.UnmarshalRead(res.Body, &page)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return nil, err
		}
		for _, ev := range page.Events {
			ids = append(ids, ev.ID)
		}
		if page.Next == "" {
			break
		}
		query.Set("before", page.Next)
	}
	return ids, nil
}
