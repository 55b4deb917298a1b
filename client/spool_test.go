package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

func TestSpool_IsSentByTheNextClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		dir := t.TempDir()
		in := func(cfg *Config) { cfg.Spool.Dir = dir }
		c, _ := newClient(t, g, in)
		g.answers(status(500))
		tell(t, c, "a", "b")
		shut(t, c)
		if err := c.Tell(t.Context(), message("c")); !errors.Is(err, ErrClosed) {
			t.Errorf("Tell after Close = %v", err)
		}
		if _, err := c.Decide(t.Context(), message("c")); !errors.Is(err, ErrClosed) {
			t.Errorf("Decide after Close = %v", err)
		}
		g.answers(nil)
		c, log := newClient(t, g, in)
		tell(t, c, "c")
		synctest.Wait()
		if diff := cmp.Diff([]string{"a", "b", "c"}, g.kept()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if !strings.Contains(log.String(), "sending what was left in the spool") {
			t.Errorf("log = %s", log)
		}
	})
}

func TestSpool_TwoClientsOnOneDirectory(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	dir := t.TempDir()
	newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = dir })
	_, err := New(Config{URL: "http://gateway/in/x", Spool: Spool{Dir: dir}})
	if !errors.Is(err, ErrSpoolLocked) {
		t.Errorf("New = %v, want ErrSpoolLocked", err)
	}
}

func TestSpool_FullKeepsNothingOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		c, _ := newClient(t, g, func(cfg *Config) { cfg.Spool = Spool{Dir: t.TempDir(), MaxBytes: minSpool} })
		g.answers(status(503))
		big := func(id string) *event.Event {
			ev := message(id)
			ev.Message.Text = strings.Repeat("x", 40_000)
			return ev
		}
		if err := c.Tell(t.Context(), big("a")); err != nil {
			t.Fatal(err)
		}
		if err := c.Tell(t.Context(), message("b"), big("c"), message("d")); !errors.Is(err, ErrSpoolFull) {
			t.Fatalf("Tell = %v, want ErrSpoolFull", err)
		}
		tell(t, c, "e")
		if n := c.Stats().Waiting; n != 2 {
			t.Errorf("%d wait, want 2", n)
		}
		g.answers(nil)
		wait(time.Minute)
		if diff := cmp.Diff([]string{"a", "e"}, g.kept()); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
	})
}

// One event that a gateway does not take, among others, is found and set aside.
func TestSpool_RefusedEventsDoNotStopTheRest(t *testing.T) {
	t.Parallel()
	whole := func(evs []*event.Event) dialect.Response { // refuses the request
		for _, ev := range evs {
			if strings.HasPrefix(ev.ID, "bad") {
				return cloudevents.New().Refuse(nil, 400, fmt.Errorf("%s is bad", ev.ID))
			}
		}
		return dialect.Response{}
	}
	for name, answer := range map[string]func(g *gateway) func([]*event.Event) dialect.Response{
		"request": func(*gateway) func([]*event.Event) dialect.Response { return whole },
		"items": func(g *gateway) func([]*event.Event) dialect.Response {
			return func(evs []*event.Event) dialect.Response {
				if len(evs) == 1 {
					return whole(evs)
				}
				return report(g, evs, len(evs))
			}
		},
		"items, not all of them listed": func(g *gateway) func([]*event.Event) dialect.Response {
			return func(evs []*event.Event) dialect.Response {
				if len(evs) == 1 {
					return whole(evs)
				}
				return report(g, evs, 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t)
				dir := t.TempDir()
				var called []string
				c, log := newClient(t, g, func(cfg *Config) {
					cfg.Spool.Dir = dir
					cfg.Refused = func(r Refusal) { called = append(called, r.ID+" "+r.Event.Message.Text) }
				})
				g.answers(status(503))
				tell(t, c, "a", "bad1", "b", "c", "d", "bad2", "bad3", "e")
				g.answers(answer(g))
				wait(time.Minute)
				if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, g.kept()); diff != "" {
					t.Errorf("kept (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"bad1 hello bad1", "bad2 hello bad2", "bad3 hello bad3"}, called); diff != "" {
					t.Errorf("callback (-want +got):\n%s", diff)
				}
				if s := c.Stats(); s.Refused != 3 || s.Sent != 5 || s.Waiting != 0 {
					t.Errorf("stats = %+v", s)
				}
				text, err := os.ReadFile(filepath.Join(dir, asideName))
				if err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(strings.TrimSpace(string(text)), "\n")
				if len(lines) != 3 {
					t.Fatalf("set aside: %s", text)
				}
				var line asideLine
				var ev event.Event
				if err := errors.Join(json.Unmarshal([]byte(lines[1]), &line), json.Unmarshal(line.Event, &ev)); err != nil {
					t.Fatal(err)
				}
				if line.ID != "bad2" || line.Reason != "bad2 is bad" || line.Status == 0 || ev.Message.Text != "hello bad2" {
					t.Errorf("line = %+v, event = %+v", line, ev)
				}
				if n := strings.Count(log.String(), "refused an event for good"); n != 3 {
					t.Errorf("the log names %d of 3:\n%s", n, log)
				}
			})
		})
	}
}

// report answers each item on its own, and lists at most most of those that are
// refused.
func report(g *gateway, evs []*event.Event, most int) dialect.Response {
	accepted, refused, items := 0, 0, []string{}
	for i, ev := range evs {
		if strings.HasPrefix(ev.ID, "bad") {
			if refused++; refused <= most {
				items = append(items, fmt.Sprintf(`{"index":%d,"id":%q,"result":"refused","error":"%s is bad"}`, i, ev.ID, ev.ID))
			}
			continue
		}
		items = append(items, fmt.Sprintf(`{"index":%d,"id":%q,"result":"accepted"}`, i, ev.ID))
		if !g.ids[ev.ID] {
			accepted++
			g.ids[ev.ID] = true
			g.events = append(g.events, ev)
		}
	}
	return dialect.Response{Status: 200, Body: fmt.Appendf(nil, `{"accepted":%d,"duplicates":0,"refused":%d,"items":[%s]}`, accepted, refused, strings.Join(items, ","))}
}

// A run of items may share one line of the answer.
func TestSpool_RefusedRun(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, _ := newClient(t, g, nil)
	g.answers(func([]*event.Event) dialect.Response {
		return dialect.Response{Status: 202, Body: []byte(`{"accepted":1,"refused":2,"unknown":1,"items":[{"index":0,"id":"a","result":"unknown","error":"what?"},{"index":1,"to":2,"result":"refused","error":"not these"}]}`)}
	})
	err := c.Tell(t.Context(), message("a"), message("b"), message("c"))
	re, ok := errors.AsType[*RefusedError](err)
	if !ok || len(re.Refused) != 2 || re.Refused[0].ID != "b" || re.Refused[1].ID != "c" {
		t.Fatalf("Tell = %v", err)
	}
	if err.Error() != "gateway refused event b: not these; event c: not these" {
		t.Errorf("Tell = %v", err)
	}
	if s := c.Stats(); s.Sent != 1 || s.Refused != 2 {
		t.Errorf("stats = %+v", s)
	}
}

func TestTell_RefusedWhileTheCallerWaits(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	dir := t.TempDir()
	c, _ := newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = dir })
	g.answers(status(400))
	err := c.Tell(t.Context(), message("a"))
	re, ok := errors.AsType[*RefusedError](err)
	if !ok || len(re.Refused) != 1 || re.Refused[0].ID != "a" || re.Refused[0].Status != 400 || re.Refused[0].Reason != "no: 400" {
		t.Fatalf("Tell = %v", err)
	}
	if n := len(g.seen()); n != 2 {
		t.Errorf("%d requests, want one more before it is given up", n)
	}
	if info, err := os.Stat(filepath.Join(dir, asideName)); err != nil || info.Size() != 0 {
		t.Errorf("set aside, though the caller knows: %v, %v", info, err)
	}
}

// Whatever is wrong about the way to the gateway: events wait, and the log is loud.
func TestSpool_KeepsWhatIsNotTheEventsFault(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		res  dialect.Response
		kind error
		say  string
	}{
		"secret":        {cloudevents.New().Refuse(nil, 401, dialect.ErrSignature), ErrMisconfigured, "check Secret"},
		"address":       {cloudevents.New().Refuse(nil, 403, errors.New("no")), ErrMisconfigured, "allow_from"},
		"source":        {cloudevents.New().Refuse(nil, 404, errors.New("no such source")), ErrMisconfigured, "no such source: check the source"},
		"method":        {cloudevents.New().Refuse(nil, 405, errors.New("no")), ErrMisconfigured, "source of dialect cloudevents"},
		"redirect":      {dialect.Response{Status: 302, Header: http.Header{"Location": {"http://elsewhere/"}}}, ErrMisconfigured, "redirects are not followed"},
		"proxy's 400":   {dialect.Response{Status: 400, Body: []byte("<html>Bad Request</html>")}, ErrMisconfigured, "it answered 400"},
		"a page":        {dialect.Response{Status: 200, Body: []byte("<html>Welcome</html>")}, ErrMisconfigured, "source's dialect"},
		"other dialect": {dialect.Response{Status: 200, Body: []byte(`{"code":0}`)}, ErrMisconfigured, "source's dialect"},
		"nothing":       {dialect.Response{Status: 204}, ErrMisconfigured, "source's dialect"},
		"overload":      {cloudevents.New().Refuse(nil, 429, errors.New("slowly")), ErrUnavailable, "slowly"},
		"full":          {cloudevents.New().Refuse(nil, 503, errors.New("full")), ErrUnavailable, "full"},
		"slow body":     {cloudevents.New().Refuse(nil, 408, errors.New("slow")), ErrUnavailable, "slow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t)
				g.answers(func([]*event.Event) dialect.Response { return tt.res })
				alone, _ := newClient(t, g, nil)
				if err := alone.Tell(t.Context(), message("x")); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.say) {
					t.Errorf("without a spool Tell = %v, want %v with %q", err, tt.kind, tt.say)
				}
				c, log := newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = t.TempDir() })
				tell(t, c, "a", "b")
				wait(time.Hour)
				if s := c.Stats(); s.Waiting != 2 || s.Refused != 0 || !errors.Is(s.LastError, tt.kind) {
					t.Errorf("stats = %+v", s)
				}
				level := "level=ERROR"
				if errors.Is(tt.kind, ErrUnavailable) {
					level = "level=WARN"
				}
				if n := strings.Count(log.String(), level); n < 30 || n > 61 || !strings.Contains(log.String(), tt.say) {
					t.Errorf("%d lines of %s in an hour:\n%.500s", n, level, log)
				}
				g.answers(nil)
				wait(time.Minute)
				if diff := cmp.Diff([]string{"a", "b"}, g.kept()); diff != "" {
					t.Errorf("kept (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What is too large for whatever stands before the gateway is found, too.
func TestSpool_TooLargeForAProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		c, _ := newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = t.TempDir() })
		g.answers(status(503))
		large := message("large")
		large.Message.Text = strings.Repeat("x", 5000)
		tell(t, c, "a")
		if err := c.Tell(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		tell(t, c, "b")
		g.answers(func(evs []*event.Event) dialect.Response {
			size := 0
			for _, ev := range evs {
				size += len(ev.Message.Text)
			}
			if size > 4000 {
				return dialect.Response{Status: 413, Body: []byte("<html>Too Large</html>")}
			}
			return dialect.Response{}
		})
		wait(time.Minute)
		if diff := cmp.Diff([]string{"a", "b"}, g.kept()); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
		if s := c.Stats(); s.Refused != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// A gateway that takes less than the client thinks answers before the body, and
// closes.
func TestTell_TooLargeForTheGateway(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > askFirst {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = w.Write([]byte(`{"accepted":1}`))
	}))
	defer srv.Close()
	c, err := New(Config{URL: srv.URL + "/in/im", MaxEventBytes: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, c)
	large := message("large")
	large.Message.Text = strings.Repeat("x", 16<<20)
	err = c.Tell(t.Context(), message("a"), large, message("b"))
	re, ok := errors.AsType[*RefusedError](err)
	if !ok || len(re.Refused) != 1 || re.Refused[0].ID != "large" || re.Refused[0].Status != http.StatusRequestEntityTooLarge {
		t.Errorf("Tell = %v, want that the large one is refused", err)
	}
	if s := c.Stats(); s.Sent != 2 || s.Refused != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestTell_ContextEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		hang := hanging{g, make(chan struct{})}
		c, _ := newClient(t, g, func(cfg *Config) {
			cfg.Spool.Dir = t.TempDir()
			cfg.HTTPClient = &http.Client{Transport: hang}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := c.Tell(ctx, message("a")); err != nil {
			t.Fatalf("Tell = %v, want that it is in the spool", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Tell took %s", d)
		}
		if err := c.Tell(ctx, message("b")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Tell with a context that is over = %v", err)
		}
		close(hang.until)
		wait(time.Minute)
		if diff := cmp.Diff([]string{"a"}, g.kept()); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}

		// Without a spool it is the caller's.
		hang.until = make(chan struct{})
		alone, _ := newClient(t, g, func(cfg *Config) { cfg.HTTPClient = &http.Client{Transport: hang} })
		start = time.Now()
		if err := alone.Tell(t.Context(), message("c")); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Tell = %v, want ErrUnavailable and the deadline", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the default time-out took %s", d)
		}
	})
}

// hanging answers only once until is closed.
type hanging struct {
	next  http.RoundTripper
	until chan struct{}
}

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-h.until:
		return h.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestSpool_RefusedFileIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := &logged{}
	a, err := openAside(dir, 2000, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := a.write(Refusal{ID: fmt.Sprint(i), Reason: "no", JSON: fmt.Appendf(nil, `{"id":"%d","pad":"%s"}`, i, strings.Repeat("x", 100))}); err != nil {
			t.Fatal(err)
		}
		if i == 20 { // a restart goes on where it was
			if err := a.close(); err != nil {
				t.Fatal(err)
			}
			if a, err = openAside(dir, 2000, slog.New(slog.NewTextHandler(log, nil))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range []string{olderName, asideName} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 1000 {
			t.Errorf("%s has %d bytes, want at most 1000", name, len(text))
		}
		all = append(all, text...)
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf(`"id":"%d"`, 40-len(lines)+i); !strings.Contains(line, want) {
			t.Errorf("line %d is %s, want %s", i, line, want)
		}
	}
	if !strings.Contains(log.String(), "the older one is dropped") {
		t.Errorf("log = %s", log)
	}
}

// A crash in the middle of a line used to spoil the next one, too.
func TestSpool_RefusedFileWithHalfALine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, was, want string }{
		{"half of the first", `{"at":"2026`, ""},
		{"half of another", "{\"id\":\"a\"}\n{\"at\":\"2026", "{\"id\":\"a\"}\n"},
		{"a long one", "{\"id\":\"a\"}\n" + strings.Repeat("x", 200_000), "{\"id\":\"a\"}\n"},
		{"whole", "{\"id\":\"a\"}\n", "{\"id\":\"a\"}\n"},
		{"new", "", ""},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, asideName)
		if err := os.WriteFile(path, []byte(c.was), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openAside(dir, 1<<20, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.write(Refusal{ID: "b", JSON: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line, ok := strings.CutPrefix(string(text), c.want)
		var got asideLine
		if err := json.Unmarshal([]byte(line), &got); !ok || err != nil || got.ID != "b" {
			t.Errorf("%s: the file holds %q, %v", c.name, text[:min(len(text), 200)], err)
		}
		if a.size != int64(len(text)) {
			t.Errorf("%s: size is %d, want %d", c.name, a.size, len(text))
		}
	}
}
