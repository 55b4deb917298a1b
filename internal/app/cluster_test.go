package app_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/ledger"
	"github.com/imhook/imhook/internal/natstest"
)

// eventual is how long something may take that must happen, on machines that do many
// things at once. How long it takes is told, not judged.
const eventual = 3 * time.Minute

// clustered are gateways that share a journal and a backend.
type clustered struct {
	t        *testing.T
	backend  *imfake.Backend
	replicas int
	// endpoints is the part of the configuration below endpoints; %s is the backend.
	endpoints string
	// top is more of the configuration.
	top      string
	gateways []*gatewayOf
	loads    int
}

// gatewayOf is one of them, and what posts to it.
type gatewayOf struct {
	*app.App
	*clustered
	n   int
	url string
	// version is what it calls itself; empty means v1.
	version string
	run     *imfake.Run
	stop    context.CancelFunc
}

func newClustered(t *testing.T, replicas int, endpoints string) *clustered {
	t.Helper()
	c := &clustered{t: t, backend: imfake.NewBackend(wildfirechat.New(), imfake.Keep(0)), replicas: replicas, endpoints: endpoints}
	t.Cleanup(c.backend.Close)
	return c
}

// oneEndpoint takes everything; spread cuts it.
func oneEndpoint(spread int) string {
	return fmt.Sprintf("      - {name: backend, dialect: wildfirechat, url: %%q, spread: %d, retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}}}\n", spread)
}

func (c *clustered) config(url string) *config.Config {
	c.t.Helper()
	r := builtin.New()
	endpoints := c.endpoints
	if strings.Contains(endpoints, "%q") {
		endpoints = strings.ReplaceAll(endpoints, "%q", fmt.Sprintf("%q", c.backend.URL()))
	}
	cfg, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `listen: 127.0.0.1:0
journal: {url: %q, replicas: %d, name: shared}
history: {off: true}
%sapps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
%s`, url, c.replicas, c.top, endpoints), config.Options{Registry: r})
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// join starts one more gateway, at url of NATS.
func (c *clustered) join(url string) *gatewayOf {
	c.t.Helper()
	g := &gatewayOf{clustered: c, n: len(c.gateways), url: url}
	c.gateways = append(c.gateways, g)
	g.begin()
	return g
}

func (g *gatewayOf) begin() {
	t := g.t
	t.Helper()
	level := slog.LevelError
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("gateway", g.n)
	var err error
	if g.App, err = app.New(app.Config{Config: g.config(g.url), Registry: builtin.New(), Version: cmp.Or(g.version, "v1"), Log: log, Extend: extend}); err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := g.App
	t.Cleanup(func() { stop(t, a) })
}

// load posts to the gateway until the test ends it; its lanes are its own.
func (g *gatewayOf) load() {
	t := g.t
	t.Helper()
	s := imfake.NewServer(wildfirechat.New(), "http://"+g.Addr()+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(s.Close)
	ctx, cancel := context.WithCancel(t.Context())
	g.stop = cancel
	g.loads++
	g.run = s.Start(ctx, imfake.Load{
		Lanes: 30, FirstLane: uint32(g.loads * 1000), FirstID: 1<<50 + int64(g.loads)<<40, Workers: 6, TextBytes: 200, Pause: 20 * time.Millisecond,
	})
}

// view is what a gateway says of the cluster.
func (g *gatewayOf) view() (v cluster.View, err error) {
	_, text := ask(g.t, "http://"+g.Addr()+"/api/v1/cluster", "")
	return v, json.Unmarshal([]byte(text), &v)
}

// settled waits until n gateways share all parts evenly and nothing moves.
func (c *clustered) settled(n int) cluster.View {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), eventual)
	defer cancel()
	var v cluster.View
	eventually(ctx, c.t, func() error {
		var err error
		if v, err = c.gateways[len(c.gateways)-1].view(); err != nil {
			return err
		}
		if len(v.Members) != n {
			return fmt.Errorf("%d gateways are in the cluster, want %d", len(v.Members), n)
		}
		least, most := 1000, 0
		for _, m := range v.Members {
			least, most = min(least, m.Parts), max(most, m.Parts)
		}
		if most-least > 1 {
			return fmt.Errorf("parts are uneven: %+v", v.Members)
		}
		for _, p := range v.Parts {
			if p.Moving || p.Owner == "" {
				return fmt.Errorf("part %d of %d of %s moves", p.Part, p.Of, p.Endpoint)
			}
		}
		return nil
	})
	return v
}

// writer is the gateway that writes, and the others.
func (c *clustered) writer() (w *gatewayOf, others []*gatewayOf) {
	c.t.Helper()
	v := c.settled(len(c.gateways))
	for _, g := range c.gateways {
		if gv, err := g.view(); err == nil && gv.Self == v.Writer {
			w = g
			continue
		}
		others = append(others, g)
	}
	if w == nil {
		c.t.Fatal("nobody writes")
	}
	return w, others
}

// more waits until n more messages arrived.
func (c *clustered) more(n int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), eventual)
	defer cancel()
	want := c.backend.Tally().Distinct() + n
	eventually(ctx, c.t, func() error {
		if got := c.backend.Tally().Distinct(); got < want {
			return fmt.Errorf("%d messages arrived, want %d", got, want)
		}
		return nil
	})
}

// check ends the loads and holds what was answered 200 against what arrived.
func (c *clustered) check() {
	c.t.Helper()
	var accepted []imfake.Mark
	for _, g := range c.gateways {
		if g.stop == nil {
			continue
		}
		g.stop()
		if err := g.run.Wait(); err != nil {
			c.t.Error(err)
		}
		accepted = append(accepted, g.run.Accepted()...)
		n, refused, err := g.run.Counts()
		c.t.Logf("gateway %d: %d accepted, %d refused (%v)", g.n, n, refused, err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), eventual)
	defer cancel()
	tally := c.backend.Tally()
	defer c.tell()
	eventually(ctx, c.t, func() error {
		if missing := tally.Missing(accepted); len(missing) > 0 {
			return fmt.Errorf("%d of %d that were answered 200 are missing, the first is %+v", len(missing), len(accepted), missing[0])
		}
		return nil
	})
	if err := tally.Check(accepted); err != nil {
		c.t.Error(err)
	}
	c.t.Logf("%d accepted, %d arrived, %d of them more than once", len(accepted), tally.Distinct(), tally.Duplicates())
}

// tell says of a test that failed where events may be.
func (c *clustered) tell() {
	if !c.t.Failed() {
		return
	}
	for _, g := range c.gateways {
		for _, path := range []string{"cluster", "endpoints", "ledger"} {
			status, text := order(c.t, http.MethodGet, "http://"+g.Addr()+"/api/v1/"+path, "")
			c.t.Logf("gateway %d, %s: %d %s", g.n, path, status, text)
		}
	}
}

// Three gateways share the work; each is stopped and comes back as another version, the
// one that writes as well. Meanwhile those of both versions deliver.
func TestCluster_RollingUpgradeUnderLoad(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, oneEndpoint(6))
	for range 3 {
		c.join(n.URL())
	}
	for _, g := range c.gateways {
		g.load()
	}
	c.settled(3)
	c.more(500)
	for i, g := range c.gateways {
		g.stop()
		if err := g.run.Wait(); err != nil {
			t.Error(err)
		}
		stop(t, g.App)
		c.more(200)
		before := g.run
		g.version = "v2"
		g.begin()
		g.load()
		versions := map[string]int{}
		for _, m := range c.settled(3).Members {
			if versions[m.Version]++; m.Parts != 2 || m.Note != "" || len(m.Differs) > 0 {
				t.Errorf("with %d gateways replaced one of them is %+v", i+1, m)
			}
		}
		if versions["v2"] != i+1 || versions["v1"] != 2-i {
			t.Errorf("versions are %v", versions)
		}
		c.more(200)
		c.kept(before)
	}
	c.check()
}

// kept holds what a gateway took before it was stopped against what arrived.
func (c *clustered) kept(run *imfake.Run) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), eventual)
	defer cancel()
	eventually(ctx, c.t, func() error {
		if missing := c.backend.Tally().Missing(run.Accepted()); len(missing) > 0 {
			return fmt.Errorf("%d that were answered 200 are missing", len(missing))
		}
		return nil
	})
}

// A gateway that is cut off from NATS delivers nothing and refuses; the others go
// on, whether it was the one that writes or not. It comes back as a member.
func TestCluster_GatewayCutOffUnderLoad(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, oneEndpoint(6))
	proxies := map[*gatewayOf]*natstest.Proxy{}
	for range 3 {
		p := n.Proxy()
		proxies[c.join(p.URL())] = p
	}
	for _, g := range c.gateways {
		g.load()
	}
	c.more(500)
	w, others := c.writer()
	for _, victim := range []*gatewayOf{others[0], w} {
		c.settled(3)
		proxies[victim].Cut()
		begin := time.Now()
		// Lanes of the others are delivered by all three: go on means all of them.
		for _, g := range c.gateways {
			if g != victim {
				c.goesOn(g)
			}
		}
		t.Logf("all lanes of the others go on %s after gateway %d was cut off", time.Since(begin).Round(time.Millisecond), victim.n)
		c.more(500)
		proxies[victim].Heal()
		c.settled(3)
	}
	c.check()
}

// The NATS server that leads the journal loses the others without a word, while
// gateways are connected to it: they find one of those that go on, all conversations do,
// and the one that comes back knows nothing else than the others.
func TestCluster_ServerCutOffUnderLoad(t *testing.T) {
	ns, links := natstest.Linked(t, 3)
	c := newClustered(t, 3, oneEndpoint(6))
	for range 3 {
		c.join(ns.URL())
	}
	for _, g := range c.gateways {
		g.load()
	}
	c.settled(3)
	c.more(300)
	leader := ns.Leader("shared_PAGES")
	links.Isolate(leader)
	begin := time.Now()
	for _, g := range c.gateways {
		c.goesOn(g)
	}
	t.Logf("all lanes go on %s after the server that led the stream was cut off", time.Since(begin).Round(time.Millisecond))
	links.Heal()
	c.more(300)
	c.settled(3)
	c.check()
}

// spread changes while the load goes on: positions stay, nothing is lost, and a
// gateway whose file was not changed is named.
func TestCluster_SpreadChangesUnderLoad(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, oneEndpoint(1))
	for range 2 {
		c.join(n.URL())
	}
	for _, g := range c.gateways {
		g.load()
	}
	c.more(300)
	w, others := c.writer()
	for _, spread := range []int{4, 3, 1} {
		c.endpoints = oneEndpoint(spread)
		if _, err := w.Reload(t.Context(), c.config(w.url)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), eventual)
		eventually(ctx, t, func() error {
			v, err := others[0].view()
			if err != nil {
				return err
			}
			if len(v.Parts) != spread {
				return fmt.Errorf("the endpoint has %d parts, want %d", len(v.Parts), spread)
			}
			for _, m := range v.Members {
				if m.ID == v.Self && strings.Join(m.Differs, "") != "endpoint shop/backend is different there" {
					return fmt.Errorf("the other gateway's configuration differs in %q", m.Differs)
				}
			}
			return nil
		})
		if _, err := others[0].Reload(t.Context(), c.config(others[0].url)); err != nil {
			t.Fatal(err)
		}
		eventually(ctx, t, func() error {
			v, err := others[0].view()
			if err != nil {
				return err
			}
			for _, m := range v.Members {
				if len(m.Differs) > 0 {
					return fmt.Errorf("the other gateway's configuration differs in %q", m.Differs)
				}
			}
			return nil
		})
		cancel()
		c.settled(2)
		c.more(300)
		c.goesOn(w)
	}
	c.check()
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	eventually(ctx, t, func() error {
		_, text := ask(t, "http://"+others[0].Addr()+"/api/v1/endpoints", "")
		var list struct {
			Endpoints []struct {
				State     string `json:"state"`
				Delivered int    `json:"delivered"`
			} `json:"endpoints"`
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Endpoints) != 1 || list.Endpoints[0].State != "live" || list.Endpoints[0].Delivered == 0 {
			return fmt.Errorf("endpoints, asked at the gateway that does not write: %s, %w", text, err)
		}
		return nil
	})
}

// History is replayed by those who have the parts of the endpoint, whichever gateway is
// asked; the run goes with them when a gateway stops, and when they are cut otherwise.
func TestCluster_ReplayIsBegunAnywhere(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, oneEndpoint(4))
	for range 2 {
		c.join(n.URL())
	}
	w, others := c.writer()
	w.load()
	c.more(300)
	w.stop()
	if err := w.run.Wait(); err != nil {
		t.Error(err)
	}
	c.kept(w.run)
	before := c.backend.Tally().Arrivals()
	want := c.backend.Tally().Distinct()
	asked := others[0]
	base := "http://" + asked.Addr() + "/api/v1"
	status, text := order(t, http.MethodPost, base+"/endpoints/shop/backend/replay", `{"dryRun":true}`)
	var dry struct {
		Count struct {
			Sent int `json:"sent"`
		} `json:"count"`
	}
	if err := json.Unmarshal([]byte(text), &dry); err != nil || dry.Count.Sent < want { // posts that were cut short may be kept as well
		t.Errorf("a dry run = %d %s, want %d events or some more", status, text, want)
	}
	if status, text := order(t, http.MethodPost, base+"/endpoints/shop/nobody/replay", `{}`); status != 404 {
		t.Errorf("an endpoint that is not there = %d %s", status, text)
	}
	status, text = order(t, http.MethodPost, base+"/endpoints/shop/backend/replay", `{"rate":60}`)
	var begun struct {
		Run gateway.RunStatus `json:"run"`
	}
	if err := json.Unmarshal([]byte(text), &begun); err != nil || status != http.StatusOK || begun.Run.ID == "" || begun.Run.Rate != 60 {
		t.Fatalf("replay = %d %s, %v", status, text, err)
	}
	// In the middle: it takes five seconds.
	c.endpoints = oneEndpoint(3)
	for _, g := range c.gateways {
		if _, err := g.Reload(t.Context(), c.config(g.url)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	eventually(ctx, t, func() error {
		v, err := asked.view()
		if err == nil && len(v.Parts) != 3 {
			err = fmt.Errorf("it has %d parts", len(v.Parts))
		}
		return err
	})
	stop(t, w.App)
	eventually(ctx, t, func() error {
		_, text := ask(t, base+"/runs/"+begun.Run.ID, "")
		var s gateway.RunStatus
		if err := json.Unmarshal([]byte(text), &s); err != nil || s.State != gateway.RunDone || s.Open != 0 || s.Delivered < want {
			return fmt.Errorf("the run is %s, %w", text, err)
		}
		return nil
	})
	if got := c.backend.Tally().Arrivals() - before; got < want {
		t.Errorf("%d events came again, want %d", got, want)
	}
	if status, text := order(t, http.MethodPost, base+"/runs/nothing/cancel", "{}"); status != 404 {
		t.Errorf("cancelling a run that is not there = %d %s", status, text)
	}
}

// Dead letters of a cut endpoint are seen, and requeued to all of its parts, at any
// gateway; so are a pause and what it holds.
func TestCluster_AnyGatewayAnswersForAll(t *testing.T) {
	n := natstest.Server(t)
	c := newClustered(t, 1, strings.Replace(oneEndpoint(3), "fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}", "fast: [], max_attempts: 1", 1))
	for range 3 {
		c.join(n.URL())
	}
	c.settled(3)
	at := func(i int, path string) string { return "http://" + c.gateways[i].Addr() + "/api/v1" + path }
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	says := func(i int, path, want string) {
		t.Helper()
		eventually(ctx, t, func() error {
			if _, text := ask(t, at(i, path), ""); !strings.Contains(text, want) {
				return fmt.Errorf("gateway %d says of %s: %s, want %s", i, path, text, want)
			}
			return nil
		})
	}
	tell := func(i int, path, body string) string {
		t.Helper()
		status, text := order(t, http.MethodPost, at(i, path), body)
		if status != http.StatusOK {
			t.Fatalf("gateway %d, %s: %d %s", i, path, status, text)
		}
		return text
	}
	post := func(from, n int) {
		t.Helper()
		s := imfake.NewServer(wildfirechat.New(), "http://"+c.gateways[from].Addr()+"/in/wfc", imfake.ServerConfig{})
		defer s.Close()
		c.loads++
		run := s.Start(t.Context(), imfake.Load{Lanes: n, FirstLane: uint32(c.loads * 1000), FirstID: 1<<50 + int64(c.loads)<<40, Workers: 4, Count: n})
		if err := run.Wait(); err != nil {
			t.Fatal(err)
		}
		if kept, refused, err := run.Counts(); kept != n {
			t.Fatalf("%d of %d kept, %d refused, %v", kept, n, refused, err)
		}
	}

	tell(1, "/endpoints/shop/backend/pause", `{"why":"a test"}`)
	post(0, 40)
	for i := range c.gateways {
		says(i, "/endpoints", `"paused":"a test"`)
		says(i, "/endpoints", `"backlog":40`)
	}
	if got := c.backend.Tally().Arrivals(); got != 0 {
		t.Errorf("%d arrived although the endpoint is paused", got)
	}
	// It stays paused when a gateway leaves with its part.
	stop(t, c.gateways[0].App)
	c.gateways = c.gateways[1:]
	c.settled(2)
	says(0, "/endpoints", `"paused":"a test"`)
	says(0, "/endpoints", `"backlog":40`)
	c.backend.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Status(http.StatusBadRequest) })
	tell(1, "/endpoints/shop/backend/resume", `{}`)
	for i := range c.gateways {
		says(i, "/endpoints", `"backlog":0`)
		says(i, "/deadletters?limit=100", `"endpoint":"shop/backend"`)
	}
	c.backend.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Status(http.StatusOK) })
	if text := tell(0, "/deadletters/requeue", `{"all":true}`); !strings.Contains(text, `"letters":40`) {
		t.Errorf("requeue = %s", text)
	}
	for i := range c.gateways {
		says(i, "/runs", `"state":"done"`)
		says(i, "/runs", `"delivered":40`)
		says(i, "/deadletters?limit=100", `"deadletters":[]`)
	}
	// What one gateway took and both delivered adds up at each of them.
	post(1, 25)
	for i := range c.gateways {
		says(i, "/ledger", `"in":[{"name":"received","events":25}]`)
		says(i, "/ledger", `"balanced":true`)
		eventually(ctx, t, func() error {
			_, text := ask(t, at(i, "/ledger"), "")
			var books struct {
				Accounts []ledger.Account `json:"accounts"`
			}
			if err := json.Unmarshal([]byte(text), &books); err != nil {
				return err
			}
			for _, a := range books.Accounts {
				if a.Kind == ledger.Endpoint && strings.Contains(a.Sum(), "25 delivered") {
					return nil
				}
			}
			return fmt.Errorf("gateway %d counts %s", i, text)
		})
	}
}

// order asks the API, with JSON.
func order(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// goesOn waits until something arrived of each lane of the gateway's that was
// accepted after now.
func (c *clustered) goesOn(g *gatewayOf) {
	c.t.Helper()
	was := map[uint32]uint64{}
	for _, m := range g.run.Accepted() {
		was[m.Lane] = max(was[m.Lane], m.Seq)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), eventual)
	defer cancel()
	eventually(ctx, c.t, func() error {
		now := map[uint32]bool{}
		for _, m := range g.run.Accepted() {
			if m.Seq > was[m.Lane] && c.backend.Tally().Has(m) {
				now[m.Lane] = true
			}
		}
		if len(now) < len(was) {
			return fmt.Errorf("%d of %d lanes of gateway %d go on", len(now), len(was), g.n)
		}
		return nil
	})
}
