package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

const (
	childDir   = "CLIENT_TEST_DIR"
	childRound = "CLIENT_TEST_ROUND"
	childLanes = 6
)

// childConfig is that of the killed clients and of the one that comes after them.
func childConfig(url, dir string) Config {
	return Config{
		URL: url, Secret: testSecret, Spool: Spool{Dir: dir},
		RetryFrom: time.Millisecond, RetryTo: 10 * time.Millisecond, BatchEvents: 30,
	}
}

// runChild tells from several goroutines, a lane each, and prints what Tell took.
func runChild(url string) error {
	c, err := New(childConfig(url, os.Getenv(childDir)))
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(os.Getenv(childRound))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for lane := range childLanes {
		wg.Go(func() {
			for n := 0; ; n++ {
				ev := message(fmt.Sprintf("%d/%03d/%06d", lane, round, n))
				ev.Conversation.ID = fmt.Sprint(lane)
				if err := c.Tell(context.Background(), ev); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				_, err := fmt.Println(ev.ID)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// Killed in the middle of bursts, at a gateway that comes and goes: everything
// that Tell took arrives, and in its order.
func TestClient_KillLosesAndReordersNothing(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	g := newGateway(t)
	left, down := 0, false
	g.answers(func([]*event.Event) dialect.Response {
		if left--; left < 0 { // up for a while, down for a while
			down = !down
			left = rand.IntN(60)
		}
		if down {
			return dialect.Response{Status: 503}
		}
		return dialect.Response{}
	})
	srv := httptest.NewServer(g)
	defer srv.Close()
	url, dir := srv.URL+"/in/im", t.TempDir()

	var told []string
	for round := range rounds {
		told = append(told, killed(t, url, dir, round)...)
	}
	g.answers(nil)
	c, err := New(childConfig(url, dir))
	if err != nil {
		t.Fatal(err)
	}
	left = c.Stats().Waiting
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Sent == 0 && left > 0 {
		t.Errorf("%d were left, and nothing was sent: %+v", left, s)
	}

	arrived := map[string]bool{}
	last := map[string]string{}
	for _, id := range g.kept() {
		arrived[id] = true
		lane, _, _ := strings.Cut(id, "/")
		if id <= last[lane] {
			t.Fatalf("%s arrived after %s", id, last[lane])
		}
		last[lane] = id
	}
	for _, id := range told {
		if !arrived[id] {
			t.Fatalf("%s was told and did not arrive", id)
		}
	}
	t.Logf("%d told, %d arrived, %d of them by the last client", len(told), len(arrived), left)
}

// killed runs a child, kills it in the middle, and returns what Tell had taken.
func killed(t *testing.T, url, dir string, round int) (told []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+url, childDir+"="+dir, childRound+"="+strconv.Itoa(round))
	log := &logged{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopAt := 100 + rand.IntN(300)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what is cut short was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		if told = append(told, strings.TrimSuffix(line, "\n")); len(told) == stopAt {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(told) < stopAt {
		t.Fatalf("the child ended by itself: %v\n%s", err, log)
	}
	return told
}
