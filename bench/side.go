package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/vacant"
)

// readyWithin is how long a child may take to start.
const readyWithin = 30 * time.Second

// side is one of those that are compared: a child process, and its sink unless it is
// asked before.
type side struct {
	name string
	// addr is host and port, path where messages are posted.
	addr string
	path string
	cmd  *exec.Cmd
	sink *imfake.Sink
	// quit asks the child to end.
	quit func() error
	// batches is true when messages are posted in batches of CloudEvents.
	batches bool
	// asks is who asks when it is asked before.
	asks *vendor
	// profiled is true for one that can be asked for a CPU profile.
	profiled bool
	// lane is the first lane that no message was posted to yet, id the next
	// message id.
	lane uint32
	id   uint64
}

// pid is the child's process id.
func (s *side) pid() int { return s.cmd.Process.Pid }

// stop ends the child and then its sink.
func (s *side) stop() error {
	if s.sink != nil {
		defer s.sink.Close()
	}
	if err := s.quit(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending %s: %w", s.name, err)
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended badly: %w", s.name, err)
	}
	return nil
}

// template is the request that is posted to it.
func (s *side) template(cfg config) *template {
	switch {
	case s.asks != nil:
		return s.asks.question(s.addr, s.path, cfg.Size)
	case s.batches:
		return newBatch(s.addr, s.path, cfg.Size, cfg.Batch)
	}
	return newSingle(s.addr, s.path, cfg.Size)
}

// startRelay runs this program once more, as the relay.
func startRelay(ctx context.Context) (*side, error) {
	s := &side{name: "relay", sink: imfake.NewSink(), path: "/im_event/message"}
	if err := s.startSelf(ctx, relayEnv, s.sink.URL()); err != nil {
		s.sink.Close()
		return nil, err
	}
	return s, nil
}

// startSelf runs this program once more, with what makes it a child that prints its
// address and ends with its input.
func (s *side) startSelf(ctx context.Context, env, to string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	s.cmd = exec.CommandContext(ctx, self)
	s.cmd.Env = append(os.Environ(), env+"="+to)
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the %s: %w", s.name, err)
	}
	s.quit = in.Close
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the %s: %w", s.name, err)
	}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting the %s: %w", s.name, err)
	}
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil {
		return errors.Join(fmt.Errorf("reading the address of the %s: %w", s.name, err), s.stop())
	}
	s.addr = strings.TrimSpace(line)
	go func() { _, _ = io.Copy(os.Stderr, r) }() // ends with the child
	return nil
}

// build makes an imhook of this tree.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "imhook")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/imhook/imhook/cmd/imhook")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building imhook: %w\n%s", err, out)
	}
	return binary, nil
}

// gatewayConfig takes address, data directory, whether it has no history, dialect, URL,
// credentials, batch and the other endpoints.
const gatewayConfig = `listen: %s
data_dir: %s
journal: {sync: always}
history: {off: %t}
apps:
  - name: bench
    sources:
      - {name: wfc, dialect: wildfirechat}
      - {name: ce, dialect: cloudevents}
    endpoints:
      - {name: sink, dialect: %s, url: %q, concurrency: 64%s%s}
%s`

// others are n endpoints that get nothing, by type and by condition.
func others(n int, url string) string {
	var all strings.Builder
	for i := range n {
		rule := "events: [user.**]"
		if i%2 == 1 {
			rule = fmt.Sprintf(`when: 'event.conversation.id == "elsewhere%d"'`, i)
		}
		fmt.Fprintf(&all, "      - {name: other%d, dialect: cloudevents, url: %q, %s}\n", i, url, rule)
	}
	return all.String()
}

// startGateway runs imhook with a WildfireChat and a CloudEvents source, one
// endpoint that gets everything, and others beside it that get nothing.
func startGateway(ctx context.Context, cfg config, dir, dialect string, beside int) (*side, error) {
	s := &side{name: "imhook to " + dialect, sink: imfake.NewSink(), path: "/in/wfc/im_event/message"}
	if dialect == "wildfirechat" {
		s.name = "imhook"
	}
	var err error
	if s.addr, err = vacant.Addr(ctx); err != nil {
		return nil, err
	}
	credentials := ""
	if dialect == "cloudevents" && !cfg.Unsigned {
		credentials = `, credentials: {secret: "whsec_aW1ob29rLWJlbmNoLXNpZ25pbmcta2V5LTAx"}`
	}
	joined := ""
	if cfg.Batch > 1 {
		s.batches, s.path = true, "/in/ce"
		s.name = fmt.Sprintf("imhook, batches of %d", cfg.Batch)
		joined = fmt.Sprintf(", batch: {count: %d}", cfg.Batch)
	}
	joined += cfg.endpoint
	if len(cfg.Beside) > 1 {
		s.name += fmt.Sprintf(", %d beside", beside)
	}
	home := filepath.Join(dir, fmt.Sprintf("%s-%d-%d", dialect, beside, cfg.Conns))
	if cfg.noHistory {
		s.name += ", no history"
		home += "-no-history"
	}
	text := fmt.Sprintf(gatewayConfig, s.addr, filepath.Join(home, "data"), cfg.noHistory, dialect, s.sink.URL(), credentials, joined, others(beside, s.sink.URL()))
	if err := s.startImhook(ctx, cfg.binary, home, text); err != nil {
		s.sink.Close()
		return nil, err
	}
	return s, nil
}

// startImhook runs the binary with this configuration until it is ready; home is the
// directory for it and its data.
func (s *side) startImhook(ctx context.Context, binary, home, configuration string) error {
	s.profiled = true
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("making the gateway's directory: %w", err)
	}
	file := filepath.Join(home, "imhook.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		return fmt.Errorf("writing the gateway's configuration: %w", err)
	}
	var log bytes.Buffer
	s.cmd = exec.CommandContext(ctx, binary, "serve", "--config", file)
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	s.quit = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting imhook: %w", err)
	}
	if err := awaitReady(ctx, s.addr); err != nil {
		return errors.Join(err, s.stop(), fmt.Errorf("imhook said:\n%s", log.Bytes()))
	}
	return nil
}

// awaitReady waits until the gateway says that it is ready.
func awaitReady(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("asking whether imhook is ready: %w", err)
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("status %d", res.StatusCode)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for imhook to be ready: %w", err)
		}
	}
}
