package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/natstest"
)

// resumesWithin is how soon all conversations of the gateways that are left must go
// on. The promise is 5 s, and 10 s when the leader of the stream is killed; machines
// that do many things at once get more.
const resumesWithin = 90 * time.Second

// patience is how long anything else may take that must happen.
const patience = 3 * time.Minute

// shared are three gateways on three NATS servers, each in a process of its own.
type shared struct {
	t       *testing.T
	ns      natstest.Nodes
	backend *imfake.Backend
	ps      []*process
	runs    []*imfake.Run
}

func newShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{t: t, ns: natstest.Processes(t, 3), backend: imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))}
	t.Cleanup(s.backend.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for i := range 3 {
		p := newGateway(t, func(listen, data string) string {
			return fmt.Sprintf(`listen: %s
data_dir: %s
journal: {url: %q, replicas: 3, name: shared}
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: backend, dialect: wildfirechat, url: %q, spread: 6, retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}}}
`, listen, data, s.ns.URL(), s.backend.URL())
		})
		p.start(t)
		s.ps = append(s.ps, p)
		server := imfake.NewServer(wildfirechat.New(), "http://"+p.addr+"/in/wfc", imfake.ServerConfig{})
		t.Cleanup(server.Close)
		s.runs = append(s.runs, server.Start(ctx, imfake.Load{
			Lanes: 30, FirstLane: uint32(1000 * i), FirstID: 1<<50 + int64(i)<<40, Workers: 6, TextBytes: 200, Pause: 20 * time.Millisecond,
		}))
	}
	t.Cleanup(func() { // before the servers close
		cancel()
		for _, r := range s.runs {
			_ = r.Wait()
		}
	})
	return s
}

// get asks the i-th gateway.
func (s *shared) get(i int, path string) (text string, err error) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.ps[i].addr+path, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

// view is what the i-th gateway says of the cluster.
func (s *shared) view(i int) (writer, self string, moving int, members int, err error) {
	text, err := s.get(i, "/api/v1/cluster")
	if err != nil {
		return "", "", 0, 0, err
	}
	var v struct {
		Self, Writer string
		Members      []struct{ Parts int }
		Parts        []struct{ Moving bool }
	}
	if err := json.Unmarshal([]byte(text), &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		return "", "", 0, 0, err
	}
	for _, p := range v.Parts {
		if p.Moving {
			moving++
		}
	}
	for _, m := range v.Members {
		if m.Parts != 2 {
			moving++
		}
	}
	return v.Writer, v.Self, moving, len(v.Members), nil
}

// settled waits until all three share the parts evenly, and says which one writes.
func (s *shared) settled() (writer int) {
	s.t.Helper()
	err := eventually(s.t.Context(), patience, func() error {
		for i := range s.ps {
			w, self, moving, members, err := s.view(i)
			switch {
			case err != nil:
				return err
			case members != 3 || moving > 0:
				return fmt.Errorf("%d members, %d parts or members are not settled", members, moving)
			case w == self:
				writer = i
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.ps[0].tail())
	}
	return writer
}

// during does something, and waits until all conversations of the gateways that are
// left go on: each has something that was taken and delivered since.
func (s *shared) during(what string, without int, do func()) {
	s.t.Helper()
	do()
	begin := time.Now()
	was := make([]map[uint32]uint64, len(s.runs))
	for i, r := range s.runs {
		was[i] = map[uint32]uint64{}
		for _, m := range r.Accepted() {
			was[i][m.Lane] = max(was[i][m.Lane], m.Seq)
		}
	}
	err := eventually(s.t.Context(), resumesWithin, func() error {
		for i, r := range s.runs {
			if i == without {
				continue
			}
			on := map[uint32]bool{}
			for _, m := range r.Accepted() {
				if m.Seq > was[i][m.Lane] && s.backend.Tally().Has(m) {
					on[m.Lane] = true
				}
			}
			if len(on) < len(was[i]) {
				return fmt.Errorf("%s: %d of %d conversations of gateway %d go on", what, len(on), len(was[i]), i)
			}
		}
		return nil
	})
	if err != nil {
		for _, p := range s.ps {
			s.t.Log(p.tail())
		}
		s.t.Fatal(err)
	}
	s.t.Logf("%s: all conversations go on after %v", what, time.Since(begin).Round(10*time.Millisecond))
}

func (s *shared) signal(i int, sig syscall.Signal) {
	s.t.Helper()
	if err := s.ps[i].cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Any one of three gateways and three NATS servers is lost: nothing that was
// answered 200 is, conversations keep their order, and they go on.
func TestCluster_LosesAnyOneAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	writer := s.settled()
	member := (writer + 1) % 3
	s.during("a member is killed", member, s.ps[member].kill)
	s.ps[member].start(t)
	writer = s.settled()
	s.during("the gateway that writes is killed", writer, s.ps[writer].kill)
	s.ps[writer].start(t)
	writer = s.settled()
	// It comes back and believes that it is still the one.
	s.during("the gateway that writes hangs", writer, func() { s.signal(writer, syscall.SIGSTOP) })
	s.signal(writer, syscall.SIGCONT)
	s.settled()
	stream := "shared_PAGES"
	if !testing.Short() {
		leader := s.ns.Leader(stream)
		s.during("the NATS server that leads the stream is killed", -1, leader.Kill)
		leader.StartProcess()
		s.ns.WaitCurrent()
		s.settled()
	}
	leader := s.ns.Leader(stream)
	s.during("a NATS server is stopped", -1, leader.Stop)
	leader.StartProcess()
	s.settled()
	s.check()
}

// check ends the loads and holds what was answered 200 against what arrived.
func (s *shared) check() {
	s.t.Helper()
	var accepted []imfake.Mark
	for i, r := range s.runs {
		accepted = append(accepted, r.Accepted()...)
		n, refused, last := r.Counts()
		s.t.Logf("gateway %d: %d accepted, %d refused, the last: %v", i, n, refused, last)
	}
	tally := s.backend.Tally()
	_ = eventually(s.t.Context(), patience, func() error {
		if missing := len(tally.Missing(accepted)); missing > 0 {
			return fmt.Errorf("%d are missing", missing)
		}
		return nil
	})
	s.t.Logf("%d accepted, %d arrived, %d of them more than once", len(accepted), tally.Distinct(), tally.Duplicates())
	if err := tally.Check(accepted); err != nil {
		s.t.Errorf("%v", err)
		for _, p := range s.ps {
			s.t.Log(p.tail())
		}
	}
	// Every slice that moved was counted where it was, and where it went to.
	if err := eventually(s.t.Context(), patience, func() error {
		for i, p := range s.ps {
			text, err := s.get(i, "/api/v1/ledger")
			if err == nil && !strings.Contains(text, `"balanced":true`) {
				err = fmt.Errorf("the ledger, asked at %s: %s", p.addr, text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		s.t.Error(err)
	}
}
