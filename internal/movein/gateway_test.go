package movein_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/movein"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The HTTP engine's own, which end by themselves some seconds later or are one
		// for the whole process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// run starts a gateway with what the plan writes and returns its source's URL.
func run(t *testing.T, reg *dialect.Registry, p *movein.Plan) string {
	t.Helper()
	c, err := parse(reg, p.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Admin.Listen, c.DataDir = "127.0.0.1:0", "", t.TempDir()
	a, err := app.New(app.Config{Config: c, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	_, source, _ := strings.Cut(p.SourceURL(), "/in/")
	return fmt.Sprintf("http://%s/in/%s", a.Addr(), source)
}

// post sends one callback as the server does, and wants it taken.
func post(t *testing.T, base string, req *dialect.Request) {
	t.Helper()
	if status, body := answered(t, base, req); status != http.StatusOK {
		t.Fatalf("%s is answered %d %s", req.Path, status, body)
	}
}

// answered posts one callback as the server does, and returns what it hears.
func answered(t *testing.T, base string, req *dialect.Request) (status int, body []byte) {
	t.Helper()
	to := base + req.Path
	if req.Query != "" {
		to += "?" + req.Query
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, bytes.NewReader(req.Body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", req.ContentType)
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// got are the requests of a backend, "path?query body" in byte order.
func got(t *testing.T, b *imfake.Backend, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.WaitAnswered(ctx, n); err != nil {
		t.Error(err)
	}
	var all []string
	for _, r := range b.Received() {
		all = append(all, written(&r.Request))
	}
	slices.Sort(all)
	return all
}

func written(r *dialect.Request) string { return r.Path + "?" + r.Query + " " + string(r.Body) }

// TestOpenIM_GatewayTellsTheOldBackendWhatItGotBefore runs what is written, for a
// file of each generation in which every second webhook is enabled, before and
// after. First the server posts those that are not, as if its file had changed:
// nobody gets them. Then it posts those that are; the old URL gets all of them, as
// they were posted, the before ones in time for the answer.
func TestOpenIM_GatewayTellsTheOldBackendWhatItGotBefore(t *testing.T) {
	t.Parallel()
	for _, file := range openimFiles() {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			reg := builtin.New()
			d, err := reg.Get("openim")
			if err != nil {
				t.Fatal(err)
			}
			backend := imfake.NewBackend(d, imfake.BasePath("/cb"))
			defer backend.Close()
			var keys []string
			for key := range file.keys {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			indent := ""
			text := strings.Replace(file.head, "http://backend/cb", backend.URL(), 1)
			if strings.HasPrefix(text, "callback") {
				indent = "  "
			}
			for i, key := range keys {
				text += fmt.Sprintf("%s%s: {enable: %t, timeout: 5, callbackTimeOut: 5}\n", indent, key, i%2 == 0)
			}
			base := run(t, reg, plan(t, reg, "openim", text))
			var want []string
			asked := map[event.Phase]int{}
			for _, enabled := range []bool{false, true} {
				for i, key := range keys {
					if (i%2 == 0) != enabled {
						continue
					}
					req := sampleOf(t, d, file.keys[key], file.query, file.name == "v2.3")
					post(t, base, req)
					evs, err := d.Decode(req)
					if err != nil {
						t.Fatal(err)
					}
					if enabled {
						want = append(want, written(req))
						asked[evs[0].Phase]++
					}
				}
			}
			slices.Sort(want)
			if asked[event.Before] < 1 || asked[event.After] < 2 {
				t.Fatalf("only %v callbacks are expected: the test shows nothing", asked)
			}
			if diff := cmp.Diff(want, got(t, backend, len(want))); diff != "" {
				t.Errorf("the backend got (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWildfireChat_GatewayTellsTheOldBackendsWhatTheyGotBefore: each kind goes to
// the address that its key had, also where that is not the dialect's path, and
// with the filters of the file.
func TestWildfireChat_GatewayTellsTheOldBackendsWhatTheyGotBefore(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("wildfirechat")
	if err != nil {
		t.Fatal(err)
	}
	shop, audit := imfake.NewBackend(d), imfake.NewBackend(d)
	defer shop.Close()
	defer audit.Close()
	p := plan(t, reg, "wildfirechat", strings.NewReplacer("SHOP", shop.URL(), "AUDIT", audit.URL()).Replace(`user.online_status_callback SHOP/im_event/user/online
message.forward.url SHOP/im_event/message
message.forward.types 1,5-9
message.sensitive.forward.url AUDIT/im_event/message?key=k1
message.recallmsg.forward.url AUDIT/recalled?key=k1
group.group_member_update_callback SHOP/members
monitor.exception_event_address AUDIT/im_exception_event/?key=k1
sensitive.remote_server_url SHOP/message/censor
sensitive.remote_sensitive_message_type 1
`))
	base := run(t, reg, p)
	var wantShop, wantAudit []string
	paths := map[string]string{}
	for line := range strings.Lines(p.Paste()) {
		if key, url, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(key, "#") {
			paths[key] = strings.TrimPrefix(url, p.SourceURL())
		}
	}
	tell := func(key, command string, to *[]string, path, query string, kind int) {
		req, err := d.Sample(command, rand.New(rand.NewPCG(uint64(len(wantShop)), 7)), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if kind > 0 {
			head, payload, _ := strings.Cut(string(req.Body), `"payload":{`)
			req.Body = []byte(head + `"payload":{` + string(withNumber(t, []byte(payload), "type", kind)))
		}
		if key != "" {
			if paths[key] == "" {
				t.Fatalf("no line to paste has %s:\n%s", key, p.Paste())
			}
			req.Path = paths[key]
		}
		post(t, base, &req)
		if to != nil {
			req.Path, req.Query = path, query
			*to = append(*to, written(&req))
		}
	}
	// First what nobody shall get.
	tell("message.forward.url", "message", nil, "", "", 4)
	tell("sensitive.remote_server_url", "censor", nil, "", "", 4)
	tell("", "group_info", nil, "", "", 0)
	tell("", "user_info", nil, "", "", 0)
	tell("user.online_status_callback", "user_online", &wantShop, "/im_event/user/online", "", 0)
	tell("message.forward.url", "message", &wantShop, "/im_event/message", "", 1)
	tell("message.forward.url", "message", &wantShop, "/im_event/message", "", 9)
	tell("message.sensitive.forward.url", "message_sensitive", &wantAudit, "/im_event/message", "key=k1", 4)
	tell("message.recallmsg.forward.url", "recall_message", &wantAudit, "/recalled", "key=k1", 0)
	tell("sensitive.remote_server_url", "censor", &wantShop, "/message/censor", "", 1)
	tell("group.group_member_update_callback", "group_member", &wantShop, "/members", "", 0)
	tell("monitor.exception_event_address", "exception", &wantAudit, "/im_exception_event/", "key=k1", 0)
	slices.Sort(wantShop)
	slices.Sort(wantAudit)
	if diff := cmp.Diff(wantShop, got(t, shop, len(wantShop))); diff != "" {
		t.Errorf("the shop got (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantAudit, got(t, audit, len(wantAudit))); diff != "" {
		t.Errorf("the audit got (-want +got):\n%s", diff)
	}
}
