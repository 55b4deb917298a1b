package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// BenchmarkServe starts the real binary on a journal that holds a million events
// of 1 KiB which an endpoint has not finished, until /readyz says yes: after a
// stop, and after kill -9.
func BenchmarkServe(b *testing.B) {
	events := 1_000_000
	if testing.Short() {
		events = 20_000
	}
	var data string
	p := newGateway(b, func(listen, dir string) string {
		data = dir
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: dead, dialect: wildfirechat, url: "http://%s", retry: {fast: [1h]}}
`, listen, dir, freeAddr(b))
	})
	p.start(b) // the endpoint begins here
	if err := p.stop(); err != nil {
		b.Fatal(err)
	}
	fillJournal(b, data, events)
	p.start(b)
	awaitRead(b, p)
	for _, c := range []struct {
		name string
		end  func() error
	}{
		{"stopped", p.stop},
		{"killed", func() error { p.kill(); return nil }},
	} {
		b.Run(fmt.Sprintf("%s/events=%d", c.name, events), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				if err := c.end(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				p.start(b)
			}
		})
	}
}

// fillJournal stores messages as the front door would, 16 to a page.
func fillJournal(b *testing.B, dir string, events int) {
	b.Helper()
	j, err := journal.Open(b.Context(), journal.Config{Dir: dir, Sync: journal.Interval, Reserve: 1})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("x", 760)
	for n := 0; n < events; {
		var a gateway.Arrival
		for range 16 {
			group := fmt.Sprint("g", n%1000)
			body := fmt.Sprintf(`{"messageId":%d,"sender":"u%d","conv":{"type":1,"target":%q,"line":0},"payload":{"type":1,"searchableContent":%q},"timestamp":%d}`,
				int64(1e17)+int64(n), n%5000, group, text, time.Now().UnixMilli())
			a.Events = append(a.Events, &event.Event{
				ID: event.NewID(), App: "shop", Source: "wfc", Type: event.MessageSend, Phase: event.After, Time: time.Now(),
				Dialect: "wildfirechat", Command: "message", Lane: event.NewLane(event.KindGroup, group), Dedupe: fmt.Sprint(n),
				Raw: event.Raw{Dialect: "wildfirechat", Path: "/im_event/message", ContentType: "application/json", Body: []byte(body)},
			})
			n++
		}
		if _, err := j.Append(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// awaitRead waits until the endpoint has read as much as it may.
func awaitRead(b *testing.B, p *process) {
	b.Helper()
	line := regexp.MustCompile(`(?m)^imhook_backlog_events\{.*\} (\S+)$`)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	last, same := "", 0
	err := eventually(b.Context(), time.Minute, func() error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+p.addr+"/metrics", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return err
		}
		m := line.FindSubmatch(text)
		if m == nil {
			return fmt.Errorf("no backlog in the metrics of %s", filepath.Base(p.log))
		}
		if now := string(m[1]); now != last || now == "0" {
			last, same = now, 0
		}
		if same++; same < 100 {
			return fmt.Errorf("the endpoint has read %s events", last)
		}
		return nil
	})
	if err != nil {
		b.Fatalf("%v\n%s", err, p.tail())
	}
	b.Logf("%s events are read and open", last)
}
