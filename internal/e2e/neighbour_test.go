package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// noSlowerThan is by which factor a bad neighbour may worsen the 99th percentile.
// Two gateways and a load share the machine's cores, so it is generous; a
// neighbour that really held the healthy endpoint up would cost its time-out, a
// thousand times what a delivery takes.
const noSlowerThan = 10

func TestNeighbour_DeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	bad := `      - {name: bad, dialect: wildfirechat, url: "http://` + freeAddr(t) + `", retry: {fast: [50ms, 100ms], slow: {from: 200ms, to: 1s}, max_age: 1h}}` + "\n"
	besideNeighbour(t, bad)
}

func TestNeighbour_SlowEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	slow := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(slow.Close)
	slow.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Delay: 5 * time.Second} })
	besideNeighbour(t, `      - {name: bad, dialect: wildfirechat, url: "`+slow.URL()+`", timeout: 10s}`+"\n")
	if slow.Requests() == 0 {
		t.Error("the slow neighbour was never asked: nothing was tested")
	}
}

// besideNeighbour runs two gateways in turns, one with the bad endpoint beside
// the healthy one, and compares how long the healthy ones wait in their best
// round: a machine that halts for a moment spoils a round, a neighbour all.
func besideNeighbour(t *testing.T, bad string) {
	t.Helper()
	alone, beside := newSubject(t, ""), newSubject(t, bad)
	var without, with []time.Duration
	for range 4 {
		without = append(without, p99(alone.round(t)))
		with = append(with, p99(beside.round(t)))
	}
	a, b := slices.Min(without), slices.Min(with)
	t.Logf("99th percentile from post to arrival: %v alone, %v beside the neighbour", a, b)
	if b > noSlowerThan*a {
		t.Errorf("99th percentile %v beside a bad neighbour, %v without: more than %d times", b, a, noSlowerThan)
	}
}

// subject is a gateway with a healthy endpoint.
type subject struct {
	gateway *process
	backend *imfake.Backend
	server  *imfake.Server
	lane    uint32
	seen    int
}

func newSubject(t *testing.T, more string) *subject {
	t.Helper()
	s := &subject{backend: imfake.NewBackend(wildfirechat.New())}
	t.Cleanup(s.backend.Close)
	s.gateway = newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: healthy, dialect: wildfirechat, url: %q}
%s`, listen, data, s.backend.URL(), more)
	})
	s.gateway.start(t)
	s.server = imfake.NewServer(wildfirechat.New(), "http://"+s.gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(s.server.Close)
	return s
}

// round posts and returns for each message how long it took from being built to
// arriving, in whole milliseconds as messages count, and at least one.
func (s *subject) round(t *testing.T) []time.Duration {
	t.Helper()
	const count, lanes = 500, 50
	run := s.server.Start(t.Context(), imfake.Load{Lanes: lanes, FirstLane: s.lane, FirstID: int64(1e17) + int64(s.seen), Workers: 4, Count: count, TextBytes: 200})
	s.lane += lanes
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, s.gateway.tail())
	}
	if accepted, refused, err := run.Counts(); accepted != count || refused != 0 {
		t.Fatalf("%d of %d posts were refused: %v\n%s", refused, count, err, s.gateway.tail())
	}
	ctx := t.Context()
	if err := eventually(ctx, time.Minute, func() error { return s.backend.Tally().Check(run.Accepted()) }); err != nil {
		t.Fatalf("healthy endpoint: %v\n%s", err, s.gateway.tail())
	}
	received := s.backend.Received()
	var waits []time.Duration
	for _, r := range received[s.seen:] {
		waits = append(waits, max(time.Millisecond, r.At.Sub(r.Events[0].Time)))
	}
	s.seen = len(received)
	return waits
}

func p99(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)*99/100]
}
