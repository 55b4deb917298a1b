package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/imfake"
)

// asker is a vendor's server as the hook tests use it: with the command that asks
// about a message, and the credentials that both sides have.
type asker struct {
	dialect     string
	command     string
	credentials string
	keys        dialect.Credentials
}

func keys(secret string, public map[string]string) dialect.Credentials {
	return dialect.Credentials{Public: public, Secrets: []dialect.DatedSecret{{Value: dialect.Secret(secret)}}}
}

var askers = []asker{
	{dialect: "wildfirechat", command: "censor"},
	{dialect: "openim", command: "callbackBeforeSendSingleMsgCommand"},
	{
		dialect: "rongcloud", command: "message_callback", credentials: "app_key: k, app_secret: quite-secret",
		keys: keys("quite-secret", map[string]string{"app_key": "k"}),
	},
	{
		dialect: "tencent", command: "C2C.CallbackBeforeSendMsg", credentials: `sdk_app_id: "1400000000", token: source-token`,
		keys: keys("source-token", map[string]string{"sdk_app_id": "1400000000"}),
	},
	{dialect: "easemob", command: "pre_send", credentials: "secret: quite-secret", keys: keys("quite-secret", nil)},
	{dialect: "cloudevents", command: "message.send/before"},
}

// server is that vendor's server, which calls the source of that name. It waits
// longer than its vendor's: what is shown with it is what is answered.
func (a asker) server(tb testing.TB, gateway *process, source string) *imfake.Server {
	tb.Helper()
	d, err := builtin.New().Get(a.dialect)
	if err != nil {
		tb.Fatal(err)
	}
	s := imfake.NewServer(d, "http://"+gateway.addr+"/in/"+source, imfake.ServerConfig{Credentials: a.keys, Wait: time.Minute})
	tb.Cleanup(s.Close)
	return s
}

// get reads a page of the gateway.
func get(ctx context.Context, gateway *process, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+gateway.addr+path, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d %.200s", path, res.StatusCode, body)
	}
	return string(body), err
}

// metricSum adds up the gateway's values of that name whose labels hold all of those.
func metricSum(tb testing.TB, gateway *process, name string, labels ...string) float64 {
	tb.Helper()
	page, err := get(tb.Context(), gateway, "/metrics")
	if err != nil {
		tb.Fatal(err)
	}
	sum := 0.0
line:
	for line := range strings.Lines(page) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(rest, l) {
				continue line
			}
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		if err != nil {
			tb.Fatal(err)
		}
		sum += v
	}
	return sum
}

// illness is a way for a hook to answer badly.
type illness struct {
	name string
	// dialect is the hook's; empty is cloudevents.
	dialect string
	// answer is what it writes on the connection, whole.
	answer func(c net.Conn)
	cause  string
	// policy is the key of the hook that decides.
	policy string
}

// plain is an answer with a length.
func plain(status, body string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
	}
}

// hang waits until the caller leaves.
func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// drip writes a piece again and again until the caller leaves.
func drip(head, piece string) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(c, head); err == nil; _, err = io.WriteString(c, piece) {
			<-tick.C
		}
	}
}

var illnesses = []illness{
	{name: "late", answer: hang, cause: "timeout", policy: "on_timeout"},
	{name: "dripping", answer: drip("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{", " "), cause: "timeout", policy: "on_timeout"},
	{name: "endless-head", answer: drip("HTTP/1.1 200 OK\r\n", "X: y\r\n"), cause: "timeout", policy: "on_timeout"},
	{name: "interim", answer: drip("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"), cause: "timeout", policy: "on_timeout"},
	{name: "huge", answer: plain("200 OK", `{"verdict":"allow","reason":"`+strings.Repeat("x", 2<<20)+`"}`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "huge-head", answer: plain("200 OK\r\nX: "+strings.Repeat("x", 2<<20), `{"verdict":"allow"}`), cause: "error", policy: "on_error"},
	{name: "no-json", answer: plain("200 OK", "<html>welcome</html>"), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "half-json", answer: plain("200 OK", `{"verdict":"al`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "wrong-type", answer: plain("200 OK", `{"verdict":{"allow":true}}`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "a-list", answer: plain("200 OK", `[]`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "no-verdict", answer: plain("200 OK", `{"verdict":"perhaps"}`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "gzip", answer: plain("200 OK\r\nContent-Encoding: gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00"), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "illegal-code", dialect: "tencent", answer: plain("200 OK", `{"ActionStatus":"OK","ErrorCode":77,"ErrorInfo":""}`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "code-of-wrong-type", dialect: "tencent", answer: plain("200 OK", `{"ActionStatus":"OK","ErrorCode":"zero","ErrorInfo":""}`), cause: "bad_reply", policy: "on_bad_reply"},
	{name: "redirecting", answer: plain("302 Found\r\nLocation: http://elsewhere.test/", `{"verdict":"allow"}`), cause: "error", policy: "on_error"},
	{name: "redirecting-in-circles", answer: plain("307 Temporary Redirect\r\nLocation: /redirecting-in-circles", ""), cause: "error", policy: "on_error"},
	{name: "broken", answer: plain("500 Internal Server Error", `{"verdict":"allow"}`), cause: "error", policy: "on_error"},
	{name: "no-http", answer: func(c net.Conn) { _, _ = io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x0a") }, cause: "error", policy: "on_error"},
	{name: "reset", answer: func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, cause: "error", policy: "on_error"},
	{name: "reset-in-the-answer", answer: func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"verdict\":\"allow\"")
		_ = c.(*net.TCPConn).SetLinger(0)
	}, cause: "error", policy: "on_error"},
}

// clinic is a hook with all illnesses, by the first segment of the path.
func clinic(t *testing.T) string {
	t.Helper()
	var wg sync.WaitGroup
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		_, _ = io.Copy(io.Discard, r.Body)
		name, _, _ := strings.Cut(r.URL.Path[1:], "/")
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for _, ill := range illnesses {
			if ill.name == name {
				ill.answer(c)
			}
		}
	}))
	t.Cleanup(func() {
		s.Close()
		wg.Wait()
	})
	return s.URL
}

// Whatever a hook answers, the server gets a valid answer in its own form and in its
// time, which says what the policy for that very cause says; and the cause is
// counted.
func TestHooks_EveryBadAnswerHasItsCauseAndPolicy(t *testing.T) {
	t.Parallel()
	hook := clinic(t)
	policies := []string{"allow", "deny"}
	other := map[string]string{"allow": "deny", "deny": "allow"}
	gateway := newGateway(t, func(listen, data string) string {
		var out strings.Builder
		fmt.Fprintf(&out, "listen: %s\ndata_dir: %s\napps:\n", listen, data)
		for _, ill := range illnesses {
			for _, policy := range policies {
				app := ill.name + "-" + policy
				fmt.Fprintf(&out, "  - name: %s\n    sources:\n", app)
				for _, a := range askers {
					fmt.Fprintf(&out, "      - {name: %s-%s, dialect: %s, credentials: {%s}, deadline: 10s}\n", a.dialect, app, a.dialect, a.credentials)
				}
				kind, credentials := "cloudevents", ""
				if ill.dialect == "tencent" {
					kind, credentials = "tencent", `sdk_app_id: "1400000000", token: hook-token`
				}
				// All policies but the one that counts say the opposite.
				rest := ""
				for _, key := range []string{"on_timeout", "on_error", "on_bad_reply", "on_overload", "on_untranslatable"} {
					say := other[policy]
					if key == ill.policy {
						say = policy
					}
					rest += fmt.Sprintf(", %s: %s", key, say)
				}
				fmt.Fprintf(&out, "    hooks:\n      - {name: ill, dialect: %s, url: %q, credentials: {%s}, timeout: 300ms, breaker: {off: true}%s}\n",
					kind, hook+"/"+ill.name, credentials, rest)
				out.WriteString("    endpoints:\n      - {name: inbox, builtin: inbox}\n")
			}
		}
		return out.String()
	})
	gateway.start(t)
	for _, ill := range illnesses {
		for _, policy := range policies {
			t.Run(ill.name+"/"+policy, func(t *testing.T) {
				t.Parallel()
				app := ill.name + "-" + policy
				// A starved machine makes a quick answer late, which is another cause.
				var err error
				for range 5 {
					if err = askAll(t, gateway, app, ill.cause, policy); err == nil {
						return
					}
				}
				t.Error(err)
			})
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(gateway.tail())
		}
	})
}

// askAll asks about a message as each vendor's server, and says what is not as it
// should be.
func askAll(t *testing.T, gateway *process, app, cause, policy string) error {
	t.Helper()
	labels := []string{`app="` + app + `"`, `cause="` + cause + `"`, `verdict="` + policy + `"`}
	want := imfake.Passed
	if policy == "deny" {
		want = imfake.Refused
	}
	before := metricSum(t, gateway, "imhook_decisions_total", labels...)
	for _, a := range askers {
		j, err := a.server(t, gateway, a.dialect+"-"+app).Ask(t.Context(), a.command)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", a.dialect, err)
		case j.Failed != "":
			return fmt.Errorf("%s: the server takes the answer %s for none: %s (%w)", a.dialect, j.Answer.Response.Body, j.Failed, j.Answer.Err)
		case j.Effect != want:
			return fmt.Errorf("%s: the message is %s, want %s: %s", a.dialect, j.Effect, want, j.Answer.Response.Body)
		}
	}
	if n := metricSum(t, gateway, "imhook_decisions_total", labels...) - before; n != float64(len(askers)) {
		return fmt.Errorf("cause %s was counted %v times, want %d", cause, n, len(askers))
	}
	return nil
}

// A rewrite over what the server takes is a denial, or an allow where the hook wants
// that, and counted; where there is no limit it is done.
func TestHooks_RewriteOverTheLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 20_000)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, `{"verdict":"rewrite","rewrite":{"message":{"kind":"text","text":%q}}}`, long)
	}))
	t.Cleanup(hook.Close)
	policies := []string{"allow", "deny"}
	gateway := newGateway(t, func(listen, data string) string {
		var out strings.Builder
		fmt.Fprintf(&out, "listen: %s\ndata_dir: %s\napps:\n", listen, data)
		for _, policy := range policies {
			fmt.Fprintf(&out, "  - name: %s\n    sources:\n", policy)
			for _, a := range askers {
				fmt.Fprintf(&out, "      - {name: %s-%s, dialect: %s, credentials: {%s}}\n", a.dialect, policy, a.dialect, a.credentials)
			}
			fmt.Fprintf(&out, "    hooks:\n      - {name: long, dialect: cloudevents, url: %q, timeout: 1s, on_timeout: %s, downgrade: {rewrite: %s}}\n", hook.URL, policy, policy)
			out.WriteString("    endpoints:\n      - {name: inbox, builtin: inbox}\n")
		}
		return out.String()
	})
	gateway.start(t)
	for _, a := range askers {
		for _, policy := range policies {
			// A starved machine makes a quick answer late, which is another cause.
			var err error
			for range 5 {
				if err = askTooLong(t, gateway, a, policy, len(long)); err == nil {
					break
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// askTooLong asks about a message that is rewritten to a text of so many bytes, and says
// what is not as the policy has it.
func askTooLong(t *testing.T, gateway *process, a asker, policy string, length int) error {
	t.Helper()
	labels := []string{`app="` + policy + `"`, `verdict="rewrite"`, `instead="` + policy + `"`}
	before := metricSum(t, gateway, "imhook_downgraded_total", labels...)
	j, err := a.server(t, gateway, a.dialect+"-"+policy).Ask(t.Context(), a.command)
	if err != nil {
		return err
	}
	counted := metricSum(t, gateway, "imhook_downgraded_total", labels...) - before
	want := map[string]imfake.Effect{"allow": imfake.Passed, "deny": imfake.Refused}[policy]
	if j.Effect == imfake.Changed { // it has room for that
		t.Logf("%s takes a text of %d bytes", a.dialect, length)
		want = imfake.Changed
	}
	if j.Failed != "" || j.Effect != want || (counted == 1) != (want != imfake.Changed) {
		return fmt.Errorf("%s, downgrade %s: %s %s, counted %v times: %.200s", a.dialect, policy, j.Effect, j.Failed, counted, j.Answer.Response.Body)
	}
	return nil
}

// moody is a hook that is well, resets, or hangs, in turns.
func moody(tb testing.TB) string {
	tb.Helper()
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		n++
		mood := n / 20 % 3
		mu.Unlock()
		switch mood {
		case 0:
			_, _ = io.WriteString(w, `{"verdict":"allow"}`)
		case 1:
			panic(http.ErrAbortHandler)
		default:
			<-r.Context().Done()
		}
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

// silentHook takes connections and never says a word.
func silentHook(tb testing.TB) string {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

// How hard a bad hook is leaned on, and what ten thousand questions may leave behind:
// what is remembered of a question, for retries and for signatures, takes some hundred
// bytes, and a kilobyte is room for that and for what the runtime keeps in reserve.
const (
	allQuestions  = 10_000
	badConns      = 64
	leftPerAnswer = 1 << 10
	leftOver      = 8 << 20
	// fewGoroutines are those that come and go: timers, the scrape itself.
	fewGoroutines = 8
)

// deadHook is the address of nobody.
func deadHook(tb testing.TB) string {
	tb.Helper()
	return "http://" + freeAddr(tb)
}

// Ten thousand questions while the hook is dead, says nothing, or is now this and now
// that: every server has its answer inside its own patience, none of them the wrong
// way round, and nothing grows.
func TestHooks_BadHookKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]func(testing.TB) string{
		"dead":     deadHook,
		"slow":     silentHook,
		"flapping": moody,
	} {
		t.Run(name, func(t *testing.T) { // one after the other: they measure time
			var err error
			for range 3 { // a machine that halts for a moment spoils a try, a hook all
				if err = lean(t, hook(t)); err == nil {
					return
				}
				t.Log(err)
			}
			t.Error(err)
		})
	}
}

// lean asks a gateway whose hook is at url, from three vendors' servers. The same
// servers ask about an app without hooks as well: what is slow there is the machine's.
func lean(t *testing.T, url string) error {
	t.Helper()
	badQuestions := allQuestions
	if testing.Short() {
		badQuestions /= 5
	}
	var vendors []*vendor
	for _, a := range askers {
		if a.dialect == "openim" || a.dialect == "easemob" || a.dialect == "tencent" {
			vendors = append(vendors, &vendor{asker: a})
		}
	}
	gateway := newGateway(t, func(listen, data string) string {
		var out strings.Builder
		// The batch that the history has in hand comes and goes, and would be measured.
		fmt.Fprintf(&out, "listen: %s\ndata_dir: %s\nhistory: {off: true}\napps:\n", listen, data)
		for _, app := range []string{"free", "shop"} {
			fmt.Fprintf(&out, "  - name: %s\n    sources:\n", app)
			for _, v := range vendors {
				fmt.Fprintf(&out, "      - {name: %s-%s, dialect: %s, credentials: {%s}}\n", v.dialect, app, v.dialect, v.credentials)
			}
			out.WriteString("    endpoints:\n      - {name: inbox, builtin: inbox}\n")
		}
		fmt.Fprintf(&out, "    hooks:\n      - {name: bad, dialect: cloudevents, url: %q}\n", url)
		return out.String()
	})
	gateway.start(t)
	defer gateway.kill()
	for _, v := range vendors {
		v.prepare(t, gateway)
	}
	ask := func(servers func(*vendor) *imfake.Server, count int) (worst []time.Duration, err error) {
		worst = make([]time.Duration, len(vendors))
		var mu sync.Mutex
		next := 0
		var wg sync.WaitGroup
		for range badConns {
			wg.Go(func() {
				for {
					mu.Lock()
					k := next
					next++
					stop := err != nil || k >= count
					mu.Unlock()
					if stop {
						return
					}
					i := k % len(vendors)
					took, failed := vendors[i].ask(t, servers(vendors[i]))
					mu.Lock()
					worst[i] = max(worst[i], took)
					if err == nil {
						err = failed
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return worst, err
	}
	free := func(v *vendor) *imfake.Server { return v.free }
	shop := func(v *vendor) *imfake.Server { return v.shop }
	// What is left when no server holds a connection any more.
	rest := func(most int) (goroutines, heap int, err error) {
		for _, v := range vendors {
			v.free.Close()
			v.shop.Close()
		}
		return gateway.rest(t, most)
	}
	goroutines, _, err := rest(0)
	if err != nil {
		return err
	}
	if _, err := ask(shop, badQuestions/5); err != nil {
		return err
	}
	_, heap, err := rest(0)
	if err != nil {
		return err
	}
	before, err := ask(free, badQuestions/5)
	if err != nil {
		return err
	}
	worst, err := ask(shop, badQuestions)
	if err != nil {
		return err
	}
	after, err := ask(free, badQuestions/5)
	if err != nil {
		return err
	}
	for i, v := range vendors {
		machine := max(before[i], after[i])
		// Strict where the machine takes less than the margin; elsewhere what it takes,
		// for the question and for the answer.
		bound := max(v.patience, v.patience-v.margin()+2*machine)
		t.Logf("%s: slowest answer %v, without a hook %v, patience %v", v.dialect, worst[i], machine, v.patience)
		if worst[i] > bound {
			return fmt.Errorf("%s: an answer took %v, want up to %v", v.dialect, worst[i], bound)
		}
	}
	left, heapAfter, err := rest(goroutines + fewGoroutines)
	if err != nil {
		return err
	}
	t.Logf("goroutines %d to %d, heap %d to %d KiB", goroutines, left, heap>>10, heapAfter>>10)
	if grown := heapAfter - heap; grown > badQuestions*leftPerAnswer+leftOver {
		return fmt.Errorf("the heap grew by %d KiB over %d questions", grown>>10, badQuestions)
	}
	if n := metricSum(t, gateway, "imhook_decisions_total", `cause="open"`); n < float64(badQuestions/2) {
		return fmt.Errorf("the breaker spared the hook %v questions of %d", n, badQuestions)
	}
	return nil
}

// vendor is a server that asks about two apps.
type vendor struct {
	asker
	shop, free *imfake.Server
	patience   time.Duration
}

func (v *vendor) prepare(t *testing.T, gateway *process) {
	t.Helper()
	d, err := builtin.New().Get(v.dialect)
	if err != nil {
		t.Fatal(err)
	}
	if v.patience = d.Spec().Deadline; v.patience == 0 {
		t.Fatalf("%s says nothing of its server's patience", v.dialect)
	}
	at := func(app string) *imfake.Server {
		// It waits longer than its vendor's, so that what is late is measured.
		s := imfake.NewServer(d, "http://"+gateway.addr+"/in/"+v.dialect+"-"+app, imfake.ServerConfig{Credentials: v.keys, Wait: time.Minute})
		t.Cleanup(s.Close)
		return s
	}
	v.shop, v.free = at("shop"), at("free")
}

// margin is the part of the patience that a gateway leaves for the way.
func (v *vendor) margin() time.Duration { return min(v.patience/4, 250*time.Millisecond) }

// ask returns how long the answer took, the building of the question left out.
func (v *vendor) ask(t *testing.T, s *imfake.Server) (time.Duration, error) {
	t.Helper()
	req, err := s.Sample(v.command)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	j, err := s.AskRequest(t.Context(), req)
	took := time.Since(begin)
	switch {
	case err != nil:
		return took, err
	case j.Failed != "" || j.Effect != imfake.Passed:
		return took, fmt.Errorf("%s: the message is %s %s: %s (%w)", v.dialect, j.Effect, j.Failed, j.Answer.Response.Body, j.Answer.Err)
	}
	return took, nil
}

// rest waits until the gateway has no more goroutines than most, and returns their
// number and the bytes of its heap after a collection; with 0 it waits for nothing.
func (p *process) rest(tb testing.TB, most int) (goroutines, heap int, err error) {
	tb.Helper()
	err = eventually(tb.Context(), time.Minute, func() error {
		if goroutines = int(metricSum(tb, p, "go_goroutines")); most > 0 && goroutines > most {
			return fmt.Errorf("%d goroutines run, want up to %d", goroutines, most)
		}
		return nil
	})
	if err != nil {
		return goroutines, 0, err
	}
	if _, err := get(tb.Context(), p, "/debug/pprof/heap?gc=1"); err != nil {
		return goroutines, 0, err
	}
	return goroutines, int(metricSum(tb, p, "go_memstats_heap_alloc_bytes")), nil
}
