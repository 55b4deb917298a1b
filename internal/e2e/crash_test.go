package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// perKill is how many events the backend sees at least between two kills.
const perKill = 1001

// goesOnWithin is how soon after a restart something new must arrive.
const goesOnWithin = 2 * time.Second

// kills is 20, or IMHOOK_KILLS, or 5 under -short.
func kills(t *testing.T) int {
	t.Helper()
	if s := os.Getenv("IMHOOK_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("IMHOOK_KILLS is %q, want a number from 1 on", s)
		}
		return n
	}
	if testing.Short() {
		return 5
	}
	return 20
}

func TestCrash_LosesNothingAndKeepsOrder(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	gateway := newCrashGateway(t, "conversation", backend.URL(), "20ms")
	if err := crash(t, gateway, backend, kills(t), 2*time.Minute); err != nil {
		t.Errorf("%v\n%s", err, gateway.tail())
	}
}

// A test that could not fail would be worth nothing: a relay that keeps nothing
// must not pass it.
func TestCrash_FindsLossInARelayThatKeepsNothing(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	if err := crash(t, newRelay(t, backend.URL()), backend, 3, time.Second); !errors.Is(err, errLost) {
		t.Errorf("crash = %v, want errLost", err)
	}
}

// And a gateway that is told to keep no order must be found out as well.
func TestCrash_FindsDisorderWhereNoOrderIsKept(t *testing.T) {
	t.Parallel()
	backend := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(backend.Close)
	// What was refused comes again long after its successors in the conversation,
	// however slow the machine posts.
	gateway := newCrashGateway(t, "none", backend.URL(), "2s")
	err := crash(t, gateway, backend, 3, 2*time.Minute)
	if disorders, _ := backend.Tally().Disorders(); !errors.Is(err, errLost) || disorders == 0 {
		t.Errorf("crash = %v with %d messages out of order, want errLost and some\n%s", err, disorders, gateway.tail())
	}
}

// newCrashGateway prepares a gateway that tries again after about first.
func newCrashGateway(t *testing.T, order, url, first string) *process {
	t.Helper()
	return newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
journal: {sync: always}
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - name: backend
        dialect: wildfirechat
        url: %s
        order: %s
        retry: {fast: [%s, 100ms], slow: {from: 200ms, to: 500ms}, max_age: 1h}
`, listen, data, url, order, first)
	})
}

// errLost says that what was answered 200 did not arrive, or not in order.
var errLost = errors.New("promise broken")

// moods are how the backend behaves while a kill comes near, so that kills fall
// into deliveries, into retries and into a backlog.
var moods = []struct {
	name   string
	answer imfake.AnswerFunc
}{
	{"healthy", nil},
	{"slow", func(int, *imfake.Received) imfake.Reply { return imfake.Reply{Delay: 10 * time.Millisecond} }},
	{"failing", func(n int, _ *imfake.Received) imfake.Reply {
		if n%10 == 0 {
			return imfake.Status(503)
		}
		return imfake.Reply{}
	}},
	{"dropping", func(n int, _ *imfake.Received) imfake.Reply { return imfake.Reply{Drop: n%10 == 0} }},
}

// crash posts without a pause while it kills the process n times at random
// moments, and then holds what was answered 200 against what arrived within
// drain after the last post.
func crash(t *testing.T, p *process, backend *imfake.Backend, n int, drain time.Duration) error {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d, %d kills", seed, n)
	random := rand.New(rand.NewPCG(seed, 0))
	tally := backend.Tally()

	server := imfake.NewServer(wildfirechat.New(), "http://"+p.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	p.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := server.Start(ctx, imfake.Load{Lanes: 100, Workers: 16, TextBytes: 200})

	slowest := time.Duration(0)
	for i := range n {
		mood := moods[i%len(moods)]
		backend.Answer(mood.answer)
		want := tally.Distinct() + perKill + random.IntN(2*perKill)
		if err := awaitDistinct(t, tally, want, time.Minute); err != nil {
			return fmt.Errorf("before kill %d, backend %s: %w", i+1, mood.name, err)
		}
		pause(t, time.Duration(random.IntN(50_000))*time.Microsecond)
		p.kill()

		backend.Answer(nil)
		atKill := tally.Distinct()
		accepted, _, _ := run.Counts()
		p.start(t)
		ready := time.Now()
		if err := awaitDistinct(t, tally, atKill+1, time.Minute); err != nil {
			return fmt.Errorf("after kill %d: %w", i+1, err)
		}
		took := time.Since(ready)
		slowest = max(slowest, took)
		t.Logf("kill %d, backend %s: %d accepted, %d arrived, next arrival %v after ready", i+1, mood.name, accepted, atKill, took.Round(time.Millisecond))
		if took > goesOnWithin {
			return fmt.Errorf("after kill %d nothing new arrived for %v", i+1, took)
		}
	}

	cancel()
	if err := run.Wait(); err != nil {
		return err
	}
	accepted := run.Accepted()
	// Not an error yet when it takes too long: Check says what is missing.
	_ = eventually(t.Context(), drain, func() error {
		if missing := len(tally.Missing(accepted)); missing > 0 {
			return fmt.Errorf("%d are missing", missing)
		}
		return nil
	})
	t.Logf("%d accepted, %d arrived, %d of them more than once; slowest start of deliveries %v",
		len(accepted), tally.Distinct(), tally.Duplicates(), slowest.Round(time.Millisecond))
	if err := tally.Check(accepted); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

func awaitDistinct(t *testing.T, tally *imfake.Tally, want int, within time.Duration) error {
	t.Helper()
	return eventually(t.Context(), within, func() error {
		if got := tally.Distinct(); got < want {
			return fmt.Errorf("%d messages arrived, want %d", got, want)
		}
		return nil
	})
}

// pause puts the kill at a random moment; nothing waits for it to be long enough.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
